import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRsaCertificate } from "@postern/core/identity";
import { QUESTIONS_PER_MINUTE } from "@postern/core/limits";
import type { AuthResponseFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { BoardDriver, RELAY_FINGERPRINT, type Player } from "../test/board-driver.ts";
import { Prover, toyRsa, toyWork } from "../test/prover.ts";
import { suite } from "../test/test-client.ts";

const relayKey = new Uint8Array(64).fill(1);
const spki = new Uint8Array(64).fill(5);
const DAY_MS = 86_400_000;

function withKey(): BoardDriver {
  const driver = new BoardDriver();
  driver.step({ kind: "relay-key", spki: relayKey });
  return driver;
}

function prover(driver: BoardDriver, { who }: Player, own = spki): Prover {
  return new Prover(who, RELAY_FINGERPRINT, toyRsa(own), driver.wall);
}

/** Does what the relay's RSA has to do. */
function work(driver: BoardDriver): void {
  for (const { job, work: next } of driver.proofs.splice(0))
    driver.step({ kind: "proved", job, answer: toyWork(next) });
}

/** The response of a client that was challenged. */
function challenge(driver: BoardDriver, player: Player, client: Prover): AuthResponseFrame {
  player.send(client.open);
  work(driver);
  return client.respond(player.only("auth-challenge"));
}

function prove(driver: BoardDriver, player: Player, own = spki): void {
  const client = prover(driver, player, own);
  player.send(challenge(driver, player, client));
  work(driver);
  client.confirm(player.only("auth-confirm"));
}

function fetched(player: Player, of: Player): string | number {
  player.send({ kind: "fetch-certificate", request: 7, of: of.fingerprint });
  const [frame] = player.take();
  assert(frame?.kind === "certificate" || frame?.kind === "result");
  assert.equal(frame.request, 7);
  return frame.kind === "result" ? frame.status : frame.certificate.length;
}

test("stepSwitchboard() proves its key to a client, and the client's to itself", () => {
  const driver = withKey();
  const alice = driver.login("alice");
  prove(driver, alice);
  assert.equal(alice.closed, undefined);
  alice.present(1, 2);
  assert.equal(alice.closed, undefined);
  alice.send({ kind: "list-receivers", request: 1, after: "" });
  assert.equal(alice.only("receivers").receivers[0]?.profiles, 2);
});

test("stepSwitchboard() starts a proof when its own key is there", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const client = prover(driver, alice);
  alice.send(client.open);
  assert.deepEqual([driver.proofs, alice.take()], [[], []]);
  driver.step({ kind: "relay-key", spki: relayKey });
  work(driver);
  assert.deepEqual(alice.only("auth-challenge").spki, relayKey);
});

test("S-02 stepSwitchboard() takes the asymmetric profile from proved links alone", () => {
  for (const profiles of [2, 3, 6, 7]) {
    const driver = withKey();
    const alice = driver.login("alice");
    alice.certify(spki);
    alice.present(1, profiles);
    assert.equal(alice.closed, "unexpected-frame", "a certificate is no proof");
    assert.equal(driver.board.directory.size, 0);
  }
});

test("S-02 stepSwitchboard() gives certificates to proved links alone", () => {
  const driver = withKey();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  bob.certify(spki);
  bob.take();
  assert.equal(fetched(alice, bob), "refused");
  const client = prover(driver, alice);
  challenge(driver, alice, client);
  assert.equal(fetched(alice, bob), "refused", "half a proof is none");
});

test("stepSwitchboard() hands out what the owner's identity certified on its present link", () => {
  const driver = withKey();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  prove(driver, alice);
  assert.equal(fetched(alice, bob), 0, "none");
  prove(driver, bob, new Uint8Array(70).fill(6));
  alice.send({ kind: "fetch-certificate", request: 7, of: bob.fingerprint });
  const notAfter = (driver.wall + DAY_MS) as WallMs;
  const { identity } = bob.who;
  assert.deepEqual(
    alice.only("certificate").certificate,
    encodeRsaCertificate(suite, identity, new Uint8Array(70).fill(6), notAfter),
  );
  driver.wall += DAY_MS + 1;
  assert.equal(fetched(alice, bob), 0, "past its time");
  driver.login(bob.who);
  assert.equal(fetched(alice, bob), 0, "the new link has shown none");
  bob.leave();
  const stranger = driver.login("stranger");
  stranger.leave();
  assert.equal(fetched(alice, stranger), "absent");
  alice.send({ kind: "fetch-certificate", request: 8, of: new Uint8Array(32) });
  assert.equal(alice.only("result").status, "unknown");
});

test("R-04 stepSwitchboard() hands out no more certificates in a minute than other answers", () => {
  const driver = withKey();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  prove(driver, alice);
  for (let i = 0; i < QUESTIONS_PER_MINUTE; i++) assert.equal(fetched(alice, bob), 0);
  assert.equal(fetched(alice, bob), "overloaded");
});

test("C-01 stepSwitchboard() closes the link of a client whose proof does not hold", () => {
  for (const field of ["ciphertext", "mac"] as const) {
    const driver = withKey();
    const alice = driver.login("alice");
    const response = challenge(driver, alice, prover(driver, alice));
    const changed = response[field].slice();
    changed[3]! ^= 1;
    alice.send({ ...response, [field]: changed });
    work(driver);
    assert.deepEqual([alice.take(), alice.closed], [[], "proof-failed"]);
    assert.equal(driver.board.links.size, 0);
  }
});

test("S-01 stepSwitchboard() treats another client's response like noise", () => {
  const driver = withKey();
  const victim = driver.login("victim");
  const recorded = challenge(driver, victim, prover(driver, victim));
  const noise = { ...recorded, ciphertext: suite.random(384) };
  const seen = [recorded, noise].map((frame, i) => {
    const mallory = driver.login(`mallory-${i}`);
    challenge(driver, mallory, prover(driver, mallory, new Uint8Array(64).fill(9)));
    mallory.send(frame);
    const jobs = driver.proofs.map(({ work: { kind } }) => kind);
    work(driver);
    return [mallory.take(), mallory.closed, jobs];
  });
  assert.deepEqual(seen[0], [[], "proof-failed", ["decrypt"]]);
  assert.deepEqual(seen[0], seen[1]);
});

test("S-02 stepSwitchboard() refuses auth-open with a certificate of another identity", () => {
  const driver = withKey();
  const [alice, mallory] = [driver.login("alice"), driver.login("mallory")];
  mallory.send(prover(driver, alice).open);
  assert.equal(mallory.closed, "bad-certificate");
  assert.deepEqual(driver.proofs, []);
});

test("stepSwitchboard() closes the link of a client that presents the relay's own key", () => {
  const driver = withKey();
  const alice = driver.login("alice");
  alice.send(prover(driver, alice, relayKey).open);
  assert.equal(alice.closed, "proof-failed");
  assert.deepEqual(driver.proofs, []);
});

test("C-12 stepSwitchboard() closes the link for a frame of the proof out of turn", () => {
  const cases: readonly ((driver: BoardDriver, player: Player) => void)[] = [
    (_driver, player) => player.send(anyResponse()),
    (driver, player) => {
      // While the challenge is still being made.
      player.send(prover(driver, player).open);
      player.send(anyResponse());
    },
    (driver, player) => {
      player.send(prover(driver, player).open);
      player.send(prover(driver, player).open);
    },
    (driver, player) => {
      prove(driver, player);
      player.send(prover(driver, player).open);
    },
    (driver, player) => {
      prove(driver, player);
      player.certify(new Uint8Array(64).fill(8));
    },
  ];
  for (const [i, play] of cases.entries()) {
    const driver = withKey();
    const alice = driver.login("alice");
    play(driver, alice);
    assert.equal(alice.closed, "unexpected-frame", `case ${i}`);
    assert.equal(driver.board.links.size, 0);
  }
});

test("stepSwitchboard() lets a proved link renew its certificate for the same key", () => {
  const driver = withKey();
  const alice = driver.login("alice");
  prove(driver, alice);
  alice.certify(spki, driver.wall + DAY_MS);
  assert.equal(alice.only("rsa-key").spki, relayKey);
  driver.wall += DAY_MS + 1;
  assert(Number(fetched(alice, alice)) > 0);
});

test("stepSwitchboard() drops a job whose link has gone, and wipes both secrets", () => {
  const driver = withKey();
  const alice = driver.login("alice");
  const client = prover(driver, alice);
  alice.send(challenge(driver, alice, client));
  const connected = driver.board.links.get(alice.link);
  assert(connected?.proof.kind === "begun" && connected.proof.state.kind === "opening");
  const { secret } = connected.proof.state;
  const [job] = driver.proofs;
  assert(job !== undefined);
  alice.leave();
  const answer = toyWork(job.work);
  assert(answer.kind === "decrypted" && answer.plaintext?.length === 69);
  driver.step({ kind: "proved", job: job.job, answer });
  assert(secret.every((byte) => byte === 0));
  assert(answer.plaintext.every((byte) => byte === 0));
  assert.equal(driver.board.proofs.size, 0);
  driver.step({ kind: "proved", job: 999, answer: { kind: "encrypted", ciphertext: undefined } });
});

test("stepSwitchboard() closes the link of a client whose certified key is none", () => {
  const driver = withKey();
  const alice = driver.login("alice");
  alice.send(prover(driver, alice).open);
  const answer = { kind: "encrypted", ciphertext: undefined } as const;
  driver.step({ kind: "proved", job: driver.proofs[0]?.job ?? 0, answer });
  assert.equal(alice.closed, "proof-failed");
});

function anyResponse(): AuthResponseFrame {
  return { kind: "auth-response", ciphertext: new Uint8Array(384), mac: new Uint8Array(32) };
}
