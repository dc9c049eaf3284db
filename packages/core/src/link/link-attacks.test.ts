/** An attacker between client and relay, and ends that do not keep to the protocol. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LinkPair, type End } from "../../test/link-pair.ts";
import { withToyKem } from "../../test/toy-kem.ts";
import { concat } from "../bytes.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { createIdentity } from "../identity.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../limits.ts";
import type { LinkFrame } from "../link.ts";

const suite = withToyKem(nobleSuite);
const identity = createIdentity(suite);
const staticKey = suite.generateKem();
const linkKey = suite.generateKem();
const LISTED: LinkFrame = { kind: "presence", free: 1, listed: true, profiles: 1 };
const RESULT: LinkFrame = { kind: "result", request: 1, status: "done" };

function pair(): LinkPair {
  return new LinkPair({ clientSuite: suite, identity, staticKey, linkKey });
}

/** Failed with `code`, its transport closed, and not a byte said about it. */
function assertFailed(end: End, code: string): void {
  assert.equal(end.error?.code, code);
  assert(end.closed);
  assert.deepEqual(end.written, []);
}

test("C-10 a client refuses a key that is not its pin's, and encapsulates nothing", () => {
  let encapsulated = 0;
  const spy = {
    ...suite,
    encapsulate(publicKey: Uint8Array) {
      encapsulated++;
      return suite.encapsulate(publicKey);
    },
  };
  const pin = new Uint8Array(32).fill(1);
  const changed = new LinkPair({ clientSuite: spy, relaySuite: suite, identity, pin });
  changed.carry("client");
  changed.carry("relay");
  assertFailed(changed.client, "relay/pin-changed");
  assert.equal(encapsulated, 0);
  assert.deepEqual(
    changed.client.events.map((event) => event.kind),
    ["failed"],
  );
});

test("C-10 a client without a pin is told the relay's key before it logs in", () => {
  const first = new LinkPair({ clientSuite: suite, identity, pin: null });
  first.carry("client");
  first.carry("relay");
  const fingerprint = first.relayKeyFingerprint;
  assert.deepEqual(first.client.events, [{ kind: "relay-key", fingerprint }]);
});

test("C-10 a relay that shows the pinned key without its secret learns and proves nothing", () => {
  const real = nobleSuite.generateKem();
  const imposter = { seed: nobleSuite.random(32), publicKey: real.publicKey };
  const attacked = new LinkPair({ clientSuite: nobleSuite, staticKey: imposter });
  attacked.login();
  assertFailed(attacked.relay, "link/authentication-failed");
  assert.deepEqual(
    attacked.relay.events.map((event) => event.kind),
    ["failed"],
  );
  attacked.client.receive(nobleSuite.random(1168), 0);
  assertFailed(attacked.client, "link/authentication-failed");
});

test("C-13 R-01 a relay refuses a login that its identity has not signed", () => {
  const victim = createIdentity(suite);
  const thief = { ...victim, signing: suite.generateSigning() };
  const stolen = new LinkPair({ clientSuite: suite, identity: thief }).login();
  assertFailed(stolen.relay, "link/authentication-failed");
});

test("stepLink() refuses the own key as the relay's", () => {
  const mirror = new LinkPair({ clientSuite: suite, identity, staticKey, linkKey: staticKey });
  mirror.carry("client");
  mirror.carry("relay");
  assertFailed(mirror.client, "link/own-key");
});

test("stepLink() refuses the own key as a client's ephemeral one", () => {
  const { relay } = pair();
  relay.receive(staticKey.publicKey, 0);
  assertFailed(relay, "link/own-key");
});

test("C-01 a handshake with a bit flipped in any message is not established", () => {
  for (let carried = 0; carried < 4; carried++) {
    const from = carried % 2 === 0 ? "client" : "relay";
    const length = [1216, 2400, 2520, 1168][carried]!;
    // Every field's first and last byte, and many between.
    const edges = [0, 1119, 1120, 1135, 1136, 2351, 2352, 2367, 2368].filter((at) => at < length);
    const steps = Array.from({ length: Math.ceil(length / 37) }, (_, i) => i * 37);
    for (const at of new Set([...edges, ...steps, length - 1])) {
      const attacked = pair();
      for (let i = 0; i < carried; i++) attacked.carry(i % 2 === 0 ? "client" : "relay");
      if (carried === 3) attacked.welcome();
      attacked.carry(from, (bytes) => bytes.with(at, bytes[at]! ^ (1 << (at % 8))));
      const receiver = from === "client" ? attacked.relay : attacked.client;
      // A changed m1 is another ephemeral key: the client notices in m2.
      if (carried === 0 && receiver.error === undefined) {
        attacked.carry("relay");
        assertFailed(attacked.client, "link/authentication-failed");
      } else
        assertFailed(receiver, carried === 0 ? "link/malformed" : "link/authentication-failed");
    }
  }
});

test("C-02 a recorded client cannot be replayed to its relay", () => {
  const recorded = pair();
  const m1 = recorded.carry("client");
  recorded.carry("relay");
  const m3 = recorded.carry("client");
  const fresh = pair();
  fresh.relay.receive(m1, 0);
  fresh.relay.take();
  fresh.relay.receive(m3, 0);
  assertFailed(fresh.relay, "link/authentication-failed");
});

test("C-02 C-09 a recorded relay cannot be replayed to its client", () => {
  const recorded = pair();
  recorded.carry("client");
  const m2 = recorded.carry("relay");
  const fresh = pair();
  fresh.client.take();
  fresh.client.receive(m2, 0);
  assertFailed(fresh.client, "link/authentication-failed");
});

test("C-02 what an end wrote is no handshake when it comes back", () => {
  const reflected = pair();
  const m1 = reflected.client.take()[0]!;
  reflected.client.receive(concat(m1, m1), 0);
  assertFailed(reflected.client, "link/authentication-failed");
  const later = pair();
  later.carry("client");
  const m2 = later.relay.take()[0]!;
  later.relay.receive(concat(m2, m2), 0);
  assertFailed(later.relay, "link/authentication-failed");
});

test("C-02 frames replayed, reordered, dropped, reflected or of another link are refused", () => {
  const send = (linked: LinkPair): Uint8Array => {
    linked.client.step({ kind: "send", frame: LISTED }, 0);
    return linked.client.take()[0]!;
  };
  const attacks: Record<string, (linked: LinkPair) => readonly [End, Uint8Array]> = {
    replayed: (linked) => {
      const frame = send(linked);
      linked.relay.receive(frame, 0);
      return [linked.relay, frame];
    },
    "reordered or dropped": (linked) => {
      send(linked);
      return [linked.relay, send(linked)];
    },
    reflected: (linked) => [linked.client, send(linked)],
    "of another link": (linked) => [linked.relay, send(pair().establish())],
    "of the other direction": (linked) => {
      linked.relay.step({ kind: "send", frame: RESULT }, 0);
      return [linked.relay, linked.relay.take()[0]!];
    },
  };
  for (const [name, attack] of Object.entries(attacks)) {
    const linked = pair().establish();
    const [end, frame] = attack(linked);
    const before = end.frames.length;
    end.receive(frame, 0);
    assert.equal(end.error?.code, "link/authentication-failed", name);
    assert.equal(end.frames.length, before, name);
  }
});

test("C-03 a stream cut inside a frame gives no frame, and one cut before m4 no link", () => {
  const cut = pair().establish();
  cut.client.step({ kind: "send", frame: LISTED }, 0);
  cut.carry("client", (bytes) => bytes.subarray(0, bytes.length - 1));
  assert.deepEqual(cut.relay.frames, []);
  const early = pair().login().welcome();
  early.carry("relay", (bytes) => bytes.subarray(0, 1167));
  assert.equal(early.client.state.kind, "expect-result");
  early.client.step({ kind: "woke" }, HANDSHAKE_TIMEOUT_MS);
  assertFailed(early.client, "link/timed-out");
});

test("P-02 a relay holds no more than one handshake message before a login", () => {
  const held = pair();
  for (const length of [1216, 2520]) {
    const message = held.client.take()[0]!;
    assert.equal(message.length, length);
    for (let at = 0; at < length; at += 100) {
      held.relay.receive(message.subarray(at, at + 100), 0);
      const { state } = held.relay;
      assert("inbox" in state && state.inbox.room <= Math.max(256, 2 * (at + 100)));
      assert(state.inbox.room <= length);
    }
    if (length === 1216) held.carry("relay");
  }
  assert.equal(held.relay.state.kind, "expect-decision");
});

test("P-03 a client that speaks before its login is answered is refused", () => {
  const eager = pair().login();
  eager.relay.receive(Uint8Array.of(0), 0);
  assertFailed(eager.relay, "link/unexpected-frame");
  const piggyback = pair();
  piggyback.carry("client");
  piggyback.carry("relay");
  piggyback.carry("client", (m3) => concat(m3, Uint8Array.of(0)));
  assertFailed(piggyback.relay, "link/unexpected-frame");
});

test("P-07 any bytes in any state end in a state, never in an exception", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4 }), chunks, (carried, noise) => {
      const linked = pair();
      for (let i = 0; i < Math.min(carried, 3); i++) linked.carry(i % 2 === 0 ? "client" : "relay");
      if (carried === 4) linked.welcome().carry("relay");
      for (const bytes of noise) {
        linked.client.receive(bytes, 0);
        linked.relay.receive(bytes, 0);
      }
      for (const end of [linked.client, linked.relay]) assert.deepEqual(end.frames, []);
    }),
    { numRuns: 150 },
  );
});
