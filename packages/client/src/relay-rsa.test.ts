import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { createIdentity, encodeRsaCertificate } from "@postern/core/identity";
import { ANSWER_TIMEOUT_MS } from "@postern/core/limits";
import type { RelayFrame } from "@postern/core/link";
import type { DirectoryAnswer } from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { FakeProofRelay, NOW, testKey } from "../test/fake-proof-relay.ts";
import { hasCode } from "../test/has-code.ts";

const DAY_MS = 86_400_000;
const [relayKey, clientKey, bobKey] = await Promise.all([
  testKey("relay"),
  testKey("sender"),
  testKey("receiver"),
]);
const alice = createIdentity(suite);
const bob = createIdentity(suite);

function certificate(identity = bob, spki = bobKey.spki, notAfter = NOW + DAY_MS): DirectoryAnswer {
  const bytes = encodeRsaCertificate(suite, identity, spki, notAfter as WallMs);
  return { kind: "certificate", request: 1, certificate: bytes };
}

async function proved(): Promise<FakeProofRelay> {
  const relay = await FakeProofRelay.create(alice, relayKey);
  await relay.client.authenticate();
  return relay;
}

test("RelayRsa: authenticate() proves both keys, once a link", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  const answers = await Promise.all([relay.client.authenticate(), relay.client.authenticate()]);
  await relay.client.authenticate();
  assert.deepEqual(relay.kinds(), ["auth-open", "auth-response"]);
  for (const { relayFingerprint } of answers)
    assert.deepEqual(relayFingerprint, suite.sha256(relayKey.spki));
  assert(relay.state?.kind === "authenticated");
  assert.deepEqual(relay.state.fingerprint, suite.sha256(clientKey.spki));
});

test("S-02 RelayRsa: authenticate() refuses a relay that has not the key it shows", async () => {
  const changes: readonly ((frame: RelayFrame) => RelayFrame)[] = [
    (frame) => (frame.kind === "auth-challenge" ? { ...frame, spki: bobKey.spki } : frame),
    (frame) => (frame.kind === "auth-challenge" ? { ...frame, spki: new Uint8Array(9) } : frame),
    (frame) => (frame.kind === "auth-confirm" ? { ...frame, mac: new Uint8Array(32) } : frame),
  ];
  for (const tamper of changes) {
    const relay = await FakeProofRelay.create(alice, relayKey);
    relay.tamper = tamper;
    await assert.rejects(relay.client.authenticate(), hasCode("link/authentication-failed"));
    await assert.rejects(
      relay.client.fetchCertificate(bob),
      hasCode("link/authentication-failed"),
      "and asks it for nothing",
    );
    assert.deepEqual(relay.queries, []);
  }
});

test("S-01 RelayRsa: a relay that shows the client's own key learns nothing", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  relay.tamper = (frame) =>
    frame.kind === "auth-challenge" ? { ...frame, spki: clientKey.spki } : frame;
  await assert.rejects(relay.client.authenticate(), hasCode("link/own-key"));
  assert.deepEqual(relay.kinds(), ["auth-open"]);
});

test("C-12 RelayRsa: frames of a proof that nobody asked for change nothing", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  relay.client.receiveProof({ kind: "auth-confirm", mac: new Uint8Array(32) });
  await relay.client.authenticate();
  relay.client.receiveProof({ kind: "auth-confirm", mac: new Uint8Array(32) });
  await relay.client.authenticate();
});

test("P-06 RelayRsa: a proof that comes too late serves the next call", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  relay.tamper = () => undefined;
  const proof = assert.rejects(relay.client.authenticate(), hasCode("link/timed-out"));
  const keys = assert.rejects(relay.client.ready(), hasCode("link/timed-out"));
  await relay.clock.advance(ANSWER_TIMEOUT_MS);
  await Promise.all([proof, keys]);
  relay.client.receive(relayKey.spki);
  await relay.clock.advance(0);
  assert.deepEqual((await relay.client.ready()).relay.spki, relayKey.spki);
  assert.deepEqual(relay.kinds().toSorted(), ["auth-open", "rsa-certificate"], "nothing twice");
});

test("RelayRsa: ready() goes by the key that the relay told last", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  const ready = async (spki: Uint8Array): Promise<Uint8Array> => {
    const keys = relay.client.ready();
    await relay.clock.advance(0);
    relay.client.receive(spki);
    return (await keys).relay.spki;
  };
  await assert.rejects(ready(new Uint8Array(9)), hasCode("link/malformed"));
  assert.deepEqual(await ready(relayKey.spki), relayKey.spki, "one that was none is not kept");
  relay.client.receive(relayKey.spki);
  assert.deepEqual((await relay.client.ready()).relay.spki, relayKey.spki);
  assert.equal(relay.kinds().length, 2, "the same once more changes nothing");
  // The relay has another key from now on.
  relay.client.receive(bobKey.spki);
  assert.deepEqual((await relay.client.ready()).relay.spki, bobKey.spki);
});

test("RelayRsa: the end of the link ends a proof and a question under way", async () => {
  const lost = new PosternError("link/closed", "test");
  const waiting = await FakeProofRelay.create(alice, relayKey);
  waiting.tamper = () => undefined;
  const proof = waiting.client.authenticate();
  await waiting.client.prepare();
  waiting.client.fail(lost);
  await assert.rejects(proof, hasCode("link/closed"));

  const early = await FakeProofRelay.create(alice, relayKey);
  early.client.fail(lost);
  await assert.rejects(early.client.authenticate(), hasCode("link/closed"));
  assert.deepEqual(early.frames, [], "nothing is sent on a link that has gone");

  const asking = await proved();
  const fetching = asking.client.fetchCertificate(bob);
  asking.client.fail(lost);
  await assert.rejects(fetching, hasCode("link/closed"));
  await assert.rejects(asking.client.fetchCertificate(bob), hasCode("link/closed"));
});

test("RelayRsa: fetchCertificate() proves both keys first and gives the peer's", async () => {
  const relay = await FakeProofRelay.create(alice, relayKey);
  relay.answer = certificate();
  const key = await relay.client.fetchCertificate(bob);
  assert.deepEqual(key.spki, bobKey.spki);
  assert.deepEqual(relay.kinds(), ["auth-open", "auth-response"]);
  assert.deepEqual(relay.queries[0]?.query, { kind: "certificate", of: bob.fingerprint });
});

test("RelayRsa: fetchCertificate() says why there is none", async () => {
  const cases: readonly (readonly [DirectoryAnswer, string])[] = [
    [{ kind: "refused", status: "absent" }, "peer/absent"],
    [{ kind: "refused", status: "unknown" }, "peer/unknown"],
    [{ kind: "refused", status: "refused" }, "relay/refused"],
    [{ kind: "overloaded" }, "relay/overloaded"],
    [{ kind: "certificate", request: 1, certificate: new Uint8Array(0) }, "peer/profile-refused"],
  ];
  const relay = await proved();
  for (const [answer, code] of cases) {
    relay.answer = answer;
    await assert.rejects(relay.client.fetchCertificate(bob), hasCode(code), code);
  }
});

test("S-02 RelayRsa: fetchCertificate() takes no key that the peer has not certified", async () => {
  const cases: readonly (readonly [string, DirectoryAnswer])[] = [
    ["signed by another identity", certificate(alice)],
    ["past its time", certificate(bob, bobKey.spki, NOW - 1)],
    ["valid for ever", certificate(bob, bobKey.spki, NOW + 1_000 * DAY_MS)],
    ["no RSA key", certificate(bob, new Uint8Array(64))],
    ["noise", { kind: "certificate", request: 1, certificate: new Uint8Array(500).fill(3) }],
  ];
  const relay = await proved();
  for (const [what, answer] of cases) {
    relay.answer = answer;
    const code = hasCode("link/authentication-failed");
    await assert.rejects(relay.client.fetchCertificate(bob), code, what);
  }
  // The person compared Bob's fingerprint; an ID that does not belong to it is nobody's.
  relay.answer = certificate(alice);
  const mixed = { id: alice.id, fingerprint: bob.fingerprint };
  await assert.rejects(relay.client.fetchCertificate(mixed), hasCode("link/authentication-failed"));
});
