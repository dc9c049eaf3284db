import assert from "node:assert/strict";
import { test } from "node:test";
import { relayKeyLabels } from "@postern/core/exchange/relay-half";
import { REQUESTS_PENDING_MAX, REWRAPS_PENDING_MAX } from "@postern/core/limits";
import type { KeyUpFrame } from "@postern/core/link";
import { BoardDriver, type Player } from "../test/board-driver.ts";

const transfer = new Uint8Array(16).fill(4);
const ciphertext = new Uint8Array(384).fill(6);
const wrapped = new Uint8Array(384).fill(8);
const spki = new Uint8Array(64).fill(5);
const DAY_MS = 86_400_000;

function keyUp(to: Player, request = 1, use: KeyUpFrame["use"] = "this"): KeyUpFrame {
  return { kind: "key-up", request, to: to.fingerprint, transfer, use, ciphertext };
}

/** Alice and Bob, certified and present, with the relay's key there. */
function ready(): { driver: BoardDriver; alice: Player; bob: Player } {
  const driver = new BoardDriver();
  driver.step({ kind: "relay-key", spki: new Uint8Array(64).fill(1) });
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  for (const player of [alice, bob]) {
    player.present(1, 1);
    player.certify(spki);
    player.take();
  }
  return { driver, alice, bob };
}

test("stepSwitchboard() answers a certificate with its RSA key, at once or when it has one", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const bob = driver.login("bob");
  alice.certify();
  assert.deepEqual(alice.take(), []);
  driver.step({ kind: "relay-key", spki });
  assert.deepEqual(alice.only("rsa-key").spki, spki);
  assert.deepEqual(bob.take(), [], "not to those who did not ask");
  bob.certify();
  assert.deepEqual(bob.only("rsa-key").spki, spki);
  const renewed = new Uint8Array(64).fill(2);
  driver.step({ kind: "relay-key", spki: renewed });
  assert.deepEqual(alice.only("rsa-key").spki, renewed);
});

test("stepSwitchboard() closes a link whose certificate does not hold (S-02)", () => {
  const { driver, alice, bob } = ready();
  bob.send({ kind: "rsa-certificate", certificate: new Uint8Array(100) });
  assert.equal(bob.closed, "bad-certificate");
  const carol = driver.login("carol");
  // Carol presents what Alice signed.
  const forged = driver.login("dave");
  Object.assign(forged, { who: { ...forged.who, identity: alice.who.identity } });
  forged.certify(spki);
  assert.equal(forged.closed, "bad-certificate");
  carol.certify(spki, driver.wall - 2 * DAY_MS);
  assert.equal(carol.closed, "bad-certificate", "past its time");
  alice.send(keyUp(bob));
  assert.equal(alice.only("result").status, "absent");
});

test("stepSwitchboard() hands a master key on only re-wrapped, with the labels of its use", () => {
  for (const use of ["this", "next"] as const) {
    const { driver, alice, bob } = ready();
    alice.send(keyUp(bob, 5, use));
    const [job] = driver.rewraps;
    assert.deepEqual(job, {
      kind: "rewrap",
      job: 1,
      ...relayKeyLabels(use, transfer, alice.fingerprint, bob.fingerprint),
      ciphertext,
      to: spki,
    });
    assert.deepEqual([alice.take(), bob.take()], [[], []], "nothing before the job is done");
    driver.step({ kind: "rewrapped", job: 1, outcome: { kind: "done", ciphertext: wrapped } });
    const from = alice.who.identity.id;
    assert.deepEqual(bob.only("key-down"), {
      kind: "key-down",
      from,
      transfer,
      use,
      ciphertext: wrapped,
    });
    assert.deepEqual(alice.only("result"), { kind: "result", request: 5, status: "done" });
  }
});

test("stepSwitchboard() refuses key-up unless both sides can: bit, certificate, key", () => {
  const { driver, alice, bob } = ready();
  const status = (to: Player): string => {
    alice.send(keyUp(to));
    return alice.only("result").status;
  };
  bob.present(1, 4);
  assert.equal(status(bob), "refused", "without the symmetric bit");
  bob.present(1, 1);
  const carol = driver.login("carol");
  carol.present(1, 1);
  assert.equal(status(carol), "refused", "without a certificate");
  carol.send(keyUp(bob));
  assert.equal(carol.only("result").status, "refused", "a sender without a certificate");
  driver.congested.add(bob.link);
  assert.equal(status(bob), "overloaded");
  driver.congested.clear();
  driver.wall += 2 * DAY_MS;
  assert.equal(status(bob), "refused", "its certificate has ended meanwhile");
  bob.leave();
  assert.equal(status(bob), "absent");
  alice.send({ ...keyUp(bob), to: new Uint8Array(32) });
  assert.equal(alice.only("result").status, "unknown");
  assert.deepEqual(driver.rewraps, []);
});

test("stepSwitchboard() tells failed and refused keys to the sender and nobody else (S-01)", () => {
  for (const outcome of ["failed", "refused"] as const) {
    const { driver, alice, bob } = ready();
    alice.send(keyUp(bob));
    driver.step({ kind: "rewrapped", job: 1, outcome: { kind: outcome } });
    assert.deepEqual(alice.only("result"), { kind: "result", request: 1, status: outcome });
    assert.deepEqual(bob.take(), []);
  }
});

test("stepSwitchboard() drops a key whose receiver or sender went meanwhile", () => {
  const outcome = { kind: "done", ciphertext: wrapped } as const;
  const gone = ready();
  gone.alice.send(keyUp(gone.bob));
  const again = gone.driver.login(gone.bob.who);
  again.present();
  gone.driver.step({ kind: "rewrapped", job: 1, outcome });
  assert.equal(gone.alice.only("result").status, "absent");
  assert.deepEqual(again.take(), [], "it was wrapped for the old link's certificate");

  const left = ready();
  left.alice.send(keyUp(left.bob));
  left.alice.leave();
  left.driver.step({ kind: "rewrapped", job: 1, outcome });
  assert.deepEqual(left.bob.take(), []);
});

test("stepSwitchboard() lets REQUESTS_PENDING_MAX keys of a client wait", () => {
  const { driver, alice, bob } = ready();
  for (let i = 1; i <= REQUESTS_PENDING_MAX; i++) alice.send(keyUp(bob, i));
  assert.deepEqual(alice.take(), []);
  alice.send(keyUp(bob, 1_000));
  assert.deepEqual(alice.only("result"), { kind: "result", request: 1_000, status: "overloaded" });
  driver.step({ kind: "rewrapped", job: 1, outcome: { kind: "failed" } });
  alice.take();
  alice.send(keyUp(bob, 1_001));
  assert.deepEqual(alice.take(), []);
});

test("stepSwitchboard() lets REWRAPS_PENDING_MAX keys of all clients wait", () => {
  const { driver, alice, bob } = ready();
  const senders = [alice];
  for (let i = 0; i < REWRAPS_PENDING_MAX / REQUESTS_PENDING_MAX; i++) {
    const sender = driver.login(`sender-${i}`);
    sender.certify();
    senders.push(sender);
  }
  for (let i = 0; i < REWRAPS_PENDING_MAX; i++)
    senders[i % senders.length]?.send(keyUp(bob, i + 1));
  assert.equal(driver.rewraps.length, REWRAPS_PENDING_MAX);
  alice.take();
  alice.send(keyUp(bob, 5_000));
  assert.equal(alice.only("result").status, "overloaded");
});
