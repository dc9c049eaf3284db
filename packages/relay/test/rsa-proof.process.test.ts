import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRsaCertificate } from "@postern/core/identity";
import type { AuthChallengeFrame, AuthOpenFrame, RelayFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { nativeRsa } from "@postern/node";
import { clientContext, proveOver, testKey } from "./prover.ts";
import { person, suite, TestLink } from "./test-client.ts";
import { testRelay } from "./test-relay.ts";

const [aliceKey, bobKey] = await Promise.all([testKey("sender"), testKey("receiver")]);

test("startRelay() proves its RSA key to clients and introduces them (S-02)", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  const proofs = await Promise.all([
    proveOver(alice, aliceKey, relay.fingerprint),
    proveOver(bob, bobKey, relay.fingerprint),
  ]);
  for (const state of proofs) assert.equal(state.kind, "authenticated");
  assert.deepEqual(proofs[0], proofs[1], "both saw the same key of the relay");
  bob.send({ kind: "presence", free: 1, listed: true, profiles: 2 });
  bob.send({ kind: "find", request: 1, name: "bob" });
  assert.equal((await bob.frame("found")).profiles, 2);
  alice.send({ kind: "fetch-certificate", request: 5, of: bob.fingerprint });
  const { request, certificate } = await alice.frame("certificate");
  assert.equal(request, 5);
  const now = Date.now() as WallMs;
  const certified = decodeRsaCertificate(suite, bob.who.identity.id, certificate, now);
  assert.deepEqual(certified?.spki, bobKey.spki);
  await Promise.all([alice.close(), bob.close()]);
});

test("startRelay() closes the link of one who takes the profile without the proof (S-02)", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  alice.sendCertificate(aliceKey.spki);
  await alice.frame("rsa-key");
  alice.send({ kind: "fetch-certificate", request: 1, of: alice.fingerprint });
  assert.equal((await alice.frame("result")).status, "refused");
  alice.send({ kind: "presence", free: 1, listed: true, profiles: 2 });
  await alice.closed;
});

test("startRelay() opens nothing of another client for anybody (S-01, C-02)", async (t) => {
  const relay = await testRelay(t);
  const victim = await TestLink.connect(relay, person("victim"));
  const sent: Uint8Array[] = [];
  const send = victim.send.bind(victim);
  victim.send = (frame) => {
    if (frame.kind === "auth-response") sent.push(frame.ciphertext, frame.mac);
    send(frame);
  };
  const proof = await proveOver(victim, aliceKey, relay.fingerprint);
  assert.equal(proof.kind, "authenticated");
  const [ciphertext, mac] = sent;
  assert(ciphertext !== undefined && mac !== undefined);
  const noise = await nativeRsa.encrypt(bobKey, new Uint8Array(0), new Uint8Array(69));
  for (const stolen of [ciphertext, noise]) {
    const mallory = await TestLink.connect(relay, person("mallory".concat(String(stolen[0]))));
    const challenge = await challenged(mallory, relay.fingerprint);
    assert.equal(challenge.kind, "auth-challenge");
    mallory.send({ kind: "auth-response", ciphertext: stolen, mac });
    await mallory.closed;
    const kinds = mallory.frames.map((frame: RelayFrame) => frame.kind);
    assert.deepEqual(kinds, ["auth-challenge"], "closed without a word");
  }
  await victim.close();
});

async function challenged(link: TestLink, relay: Uint8Array): Promise<AuthChallengeFrame> {
  const { certificate } = clientContext(link.who, relay, bobKey.spki, Date.now());
  const open: AuthOpenFrame = { kind: "auth-open", nonce: suite.random(32), certificate };
  link.send(open);
  return await link.frame("auth-challenge");
}
