/** Ends that hold good keys and say what no end may say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LinkPair, RELAY_TIME, type End } from "../../test/link-pair.ts";
import { withToyKem } from "../../test/toy-kem.ts";
import { concat, label } from "../bytes.ts";
import type { KemKeyPair } from "../crypto.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { createIdentity } from "../identity.ts";
import { readM1, readM2, readM4, startNoise, writeM1, writeM2, writeM3 } from "./handshake.ts";
import { encodeHello } from "./hello.ts";
import { encodeLogin } from "./login.ts";
import { decodeLoginResult } from "./login-result.ts";
import { SymmetricState } from "./noise.ts";

const suite = withToyKem(nobleSuite);
const identity = createIdentity(suite);
const staticKey = suite.generateKem();
const linkKey = suite.generateKem();
const limits = { frameBytesMax: 65_536, pingMs: 25_000, deadMs: 60_000 };
const HELLO = encodeHello({ limits, time: RELAY_TIME });

function pair(): LinkPair {
  return new LinkPair({ clientSuite: suite, identity, staticKey, linkKey });
}

/** A hand-made client that has read m2 of `relay`; gives what its m3 does. */
function craftLogin(
  relay: End,
  own: KemKeyPair,
  payloadOf: (h: Uint8Array) => Uint8Array,
): SymmetricState {
  const noise = startNoise(suite);
  const ephemeral = suite.generateKem();
  relay.receive(writeM1(noise, ephemeral), 0);
  const { key } = readM2(suite, noise, ephemeral, relay.take()[0]!);
  relay.receive(writeM3(suite, noise, key, own, payloadOf), 0);
  return noise;
}

/** A hand-made relay answers `client` with this hello. */
function craftHello(client: End, hello: Uint8Array, noise = startNoise(suite)): void {
  const ephemeralKey = readM1(noise, client.take()[0]!);
  client.receive(writeM2(suite, noise, ephemeralKey, staticKey, hello), 0);
}

test("stepLink() refuses the own key as a client's static one", () => {
  const { relay } = pair();
  craftLogin(relay, staticKey, (h) => encodeLogin(suite, identity, "eve", h));
  assert.equal(relay.error?.code, "link/own-key");
  assert.deepEqual(relay.written, []);
});

test("stepLink() takes a well-made login by hand: the crafting itself is sound", () => {
  const { relay } = pair();
  craftLogin(relay, linkKey, (h) => encodeLogin(suite, identity, "eve", h));
  assert.equal(relay.state.kind, "expect-decision");
  const { client } = pair();
  craftHello(client, HELLO);
  assert.equal(client.state.kind, "expect-result");
});

test("C-13 stepLink() refuses a login that was signed for another relay", () => {
  const other = new LinkPair({ clientSuite: suite, identity, linkKey });
  let login = new Uint8Array(0);
  craftLogin(
    other.relay,
    linkKey,
    (h) => (login = new Uint8Array(encodeLogin(suite, identity, "eve", h))),
  );
  assert.equal(other.relay.state.kind, "expect-decision");
  const { relay } = pair();
  craftLogin(relay, linkKey, () => login);
  assert.equal(relay.error?.code, "link/authentication-failed");
  assert.deepEqual(relay.written, []);
});

test("C-09 stepLink() tells a client of another version so, and closes", () => {
  const { relay } = pair();
  const noise = craftLogin(relay, linkKey, (h) =>
    encodeLogin(suite, identity, "eve", h).with(132, 2),
  );
  assert.equal(relay.error?.code, "link/unsupported-version");
  assert(relay.closed);
  const m4 = readM4(suite, noise, linkKey, relay.take()[0]!);
  assert.deepEqual(decodeLoginResult(m4), { status: "unsupported-version", retryAfterMs: 0 });
});

test("C-09 stepLink() refuses a relay of another version, suite or protocol name", () => {
  const cases: readonly (readonly [Uint8Array, SymmetricState, string])[] = [
    [HELLO.with(0, 2), startNoise(suite), "link/unsupported-version"],
    [HELLO.with(2, 2), startNoise(suite), "link/malformed"],
    [HELLO, otherSuite(), "link/authentication-failed"],
    [HELLO, otherName(), "link/authentication-failed"],
  ];
  for (const [hello, noise, code] of cases) {
    const { client } = pair();
    craftHello(client, hello, noise);
    assert.equal(client.error?.code, code);
    assert.deepEqual(client.written, []);
  }
});

function otherSuite(): SymmetricState {
  const noise = new SymmetricState(suite, "Noise_pqXX_XWing_AESGCM_SHA256");
  noise.mixHash(concat(label("link"), Uint8Array.of(0, 2)));
  return noise;
}

function otherName(): SymmetricState {
  const noise = new SymmetricState(suite, "Noise_pqXX_X25519_AESGCM_SHA256");
  noise.mixHash(concat(label("link"), Uint8Array.of(0, 1)));
  return noise;
}

test("P-03 stepLink() refuses a malformed login and a malformed hello", () => {
  const { relay } = pair();
  craftLogin(relay, linkKey, (h) => encodeLogin(suite, identity, "eve", h).with(99, 40));
  assert.equal(relay.error?.code, "link/malformed");
  const { client } = pair();
  craftHello(client, HELLO.with(31, 1));
  assert.equal(client.error?.code, "link/malformed");
});

test("P-03 C-12 stepLink() judges what a proven peer seals", () => {
  const cases: readonly (readonly [string, Uint8Array, string | undefined])[] = [
    ["an unknown type", Uint8Array.of(0x7f), "link/unexpected-frame"],
    ["an ignorable type", Uint8Array.of(0x80, 1, 2, 3), undefined],
    ["the other side's frame", Uint8Array.of(0x42, 0, 0, 0, 1, 0), "link/unexpected-frame"],
    ["a bad body", Uint8Array.of(0x10, 0), "link/malformed"],
    ["a pong nobody asked for", Uint8Array.of(0x02, ...new Uint8Array(8)), undefined],
  ];
  for (const [what, plaintext, code] of cases) {
    const linked = pair().establish();
    linked.relay.receive(seal(linked.client, plaintext), 0);
    assert.equal(linked.relay.error?.code, code, what);
    assert.equal(linked.relay.closed, code !== undefined, what);
    assert.deepEqual([...linked.relay.frames, ...linked.relay.written], [], what);
  }
});

test("stepLink() emits the frames before a violation and nothing after it", () => {
  const linked = pair().establish();
  const listed = Uint8Array.of(0x10, 0, 1, 1, 1);
  const stream = [listed, Uint8Array.of(0x7f), listed].map((each) => seal(linked.client, each));
  linked.relay.receive(concat(...stream), 0);
  assert.deepEqual(
    linked.relay.events.slice(2).map((event) => event.kind),
    ["frame", "failed"],
  );
});

test("P-07 stepLink() answers anything a proven peer seals with a state", () => {
  const linked = pair().establish();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (plaintext) => {
      const fresh = linked.relay.state.kind === "established" ? linked : pair().establish();
      fresh.relay.receive(seal(fresh.client, plaintext), 0);
      if (fresh.relay.error !== undefined)
        assert.match(fresh.relay.error.code, /^link\/(malformed|unexpected-frame)$/);
    }),
    { numRuns: 100 },
  );
});

function seal(end: End, plaintext: Uint8Array): Uint8Array {
  assert(end.state.kind === "established");
  return end.state.channel.seal(plaintext);
}
