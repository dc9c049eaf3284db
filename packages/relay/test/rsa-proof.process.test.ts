import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRsaCertificate } from "@postern/core/identity";
import type { AuthResponseFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import type { RunningRelay } from "../src/relay.ts";
import { Prover, vectorRsa, type ProverRsa } from "./prover.ts";
import { person, suite, TestLink } from "./test-client.ts";
import { testRelay } from "./test-relay.ts";

const aliceKey = vectorRsa("sender");
const bobKey = vectorRsa("receiver");

test("startRelay() proves its RSA key to clients and introduces them (S-02)", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  await Promise.all([prove(relay, alice, aliceKey), prove(relay, bob, bobKey)]);
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
  const { ciphertext, mac } = await prove(relay, victim, aliceKey);
  const noise = bobKey.seal(bobKey.spki, new Uint8Array(0), new Uint8Array(69));
  for (const [name, stolen] of Object.entries({ mallory: ciphertext, trudy: noise })) {
    const link = await TestLink.connect(relay, person(name));
    const prover = new Prover(link.who, relay.fingerprint, bobKey, Date.now());
    link.send(prover.open);
    prover.respond(await link.frame("auth-challenge"));
    link.send({ kind: "auth-response", ciphertext: stolen, mac });
    await link.closed;
    const kinds = link.frames.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["auth-challenge"], "closed without a word");
  }
  await victim.close();
});

/** What the client sent, once the relay has confirmed it. */
async function prove(
  relay: RunningRelay,
  link: TestLink,
  rsa: ProverRsa,
): Promise<AuthResponseFrame> {
  const prover = new Prover(link.who, relay.fingerprint, rsa, Date.now());
  link.send(prover.open);
  const response = prover.respond(await link.frame("auth-challenge"));
  link.send(response);
  prover.confirm(await link.frame("auth-confirm"));
  return response;
}
