/** S-10: nobody but the sender's own certified key makes a header that a receiver believes. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ClientPorts } from "@postern/client";
import { concat, equalBytes, label } from "@postern/core/bytes";
import { encodeRsaCertificate } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { KEY_LIFE_MS, rsaKeyOf, Stage, type Actor } from "./cast.ts";
import {
  carrying,
  changeDeliveries,
  changeOffers,
  envelopeOf,
  lastDelivery,
  turned,
} from "./envelopes.ts";
import { forgeOffer, signingWith, type Forgery } from "./forged-offer.ts";

// Made before any test is timed.
before(async () => void (await Promise.all(["mallory", "carol"].map(rsaKeyOf))));

/** Bytes of the outer header, one of each field; from the end when negative. */
const OUTER_FIELDS = [
  ["version", 0, 1, "transfer/invalid"],
  ["suite", 2, 1, "transfer/invalid"],
  ["profile to symmetric", 3, 3, "transfer/invalid"],
  ["profile to end-to-end", 3, 1, "peer/profile-refused"],
  ["profile to none", 3, 2, "peer/profile-refused"],
  ["transfer", 4, 1, "transfer/invalid"],
  ["sender", 20, 1, "transfer/invalid"],
  ["receiver", 52, 1, "transfer/wrong-receiver"],
  ["certificate's length", 87, 1, "transfer/invalid"],
  ["SPKI's length", 91, 1, "transfer/invalid"],
  ["SPKI", 300, 1, "transfer/invalid"],
  ["notAfter", -384 - 64 - 1, 1, "transfer/invalid"],
  ["certificate's signature", -384 - 1, 1, "transfer/invalid"],
  ["ciphertext's first byte", -384, 1, "transfer/invalid"],
  ["ciphertext's last byte", -1, 1, "transfer/invalid"],
] as const;

test("S-10 C-01 invalid: the relay alters one field of the outer header", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  for (const [field, at, mask, code] of OUTER_FIELDS) {
    changeOffers(stage.relay, (offer) => ({ ...offer, outer: turned(offer.outer, at, mask) }));
    assert.equal(await stage.send(alice, "bob"), code, field);
  }
  assert.equal(bob.offers.length, 0);
});

/** The same of the symmetric profile. */
const SYMMETRIC_FIELDS = [
  ["version", 0, 1, "transfer/invalid"],
  ["suite", 2, 1, "transfer/invalid"],
  ["profile to asymmetric", 3, 3, "transfer/invalid"],
  ["key to kept", 4, 1, "transfer/invalid"],
  ["counter", 12, 1, "transfer/invalid"],
  ["transfer", 13, 1, "transfer/invalid"],
  ["sender", 29, 1, "transfer/invalid"],
  ["receiver", 61, 1, "transfer/wrong-receiver"],
] as const;

test("S-10 C-01 symmetric: the relay alters one field of the outer header", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  for (const [field, at, mask, code] of SYMMETRIC_FIELDS) {
    changeOffers(stage.relay, (offer) => ({ ...offer, outer: turned(offer.outer, at, mask) }));
    assert.equal(await stage.send(alice, "bob", { profile: "symmetric" }), code, field);
  }
  changeOffers(stage.relay, (offer) => ({
    ...offer,
    sealedHeader: turned(offer.sealedHeader, 30),
  }));
  assert.equal(await stage.send(alice, "bob", { profile: "symmetric" }), "transfer/invalid");
  assert.equal(bob.offers.length, 0);
});

test("S-10 C-01 invalid: the relay alters the sealed header, wherever", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  // Length, kind, transfer, times, content, session, flags, size, list, name, signature, tag.
  for (const at of [0, 3, 4, 5, 21, 29, 37, 53, 54, 55, 63, 67, 71, 75, -400, -100, -17, -16, -1]) {
    changeOffers(stage.relay, (offer) => ({
      ...offer,
      sealedHeader: turned(offer.sealedHeader, at),
    }));
    assert.equal(await stage.send(alice, "bob"), "transfer/invalid", `byte ${at}`);
  }
  for (const length of [-1, 1]) {
    changeOffers(stage.relay, (offer) => {
      const { sealedHeader } = offer;
      const cut = length < 0 ? sealedHeader.slice(0, -1) : concat(sealedHeader, Uint8Array.of(0));
      return { ...offer, sealedHeader: cut };
    });
    assert.equal(await stage.send(alice, "bob"), "transfer/invalid", `length ${length}`);
  }
  assert.equal(bob.offers.length, 0);
});

test("S-10 C-18 invalid: what was sealed is not what the sender signed, in any field", async () => {
  const fields = { kind: 4, transfer: 5, created: 28, until: 36, contentId: 52 };
  const numbers = { sessionSeconds: 53, flags: 54, size: 62, entries: 66, manifest: 70 };
  const others = { "name's length": 74, signature: -1 };
  for (const [field, at] of Object.entries({ ...fields, ...numbers, ...others })) {
    const stage = await Stage.open();
    const alice = await stage.person("alice", sealingOther(at));
    const bob = await stage.receiver("bob");
    assert.equal(await stage.send(alice, "bob"), "transfer/invalid", field);
    assert.equal(bob.offers.length, 0);
  }
});

test("S-10 invalid: a header signed by another key, and by nobody", async () => {
  const mallory = await rsaKeyOf("mallory");
  const signers: readonly (readonly [string, ClientPorts["rsa"]["sign"], string])[] = [
    ["Alice's own key", async (own, message) => await nativeRsa.sign(own, message), "done"],
    ["Mallory's key", async (_own, message) => await nativeRsa.sign(mallory, message), INVALID],
    ["nobody", async () => new Uint8Array(384), INVALID],
    ["another message", async (own) => await nativeRsa.sign(own, label("asym header")), INVALID],
  ];
  for (const [who, sign, code] of signers) {
    const stage = await Stage.open();
    const alice = await stage.person("alice", () => ({ rsa: { ...nativeRsa, sign } }));
    const bob = await stage.receiver("bob");
    assert.equal(await stage.send(alice, "bob"), code, who);
    assert.equal(bob.offers.length, code === "done" ? 1 : 0, who);
    // The signature alone makes the difference: who does not look at it takes them all.
    await stage.receiver("carol", { ports: gullible });
    assert.equal(await stage.send(alice, "carol"), "done", who);
  }
});

test("S-10 a relay that signs Alice's header with a key of its own is not believed", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.person("mallory");
  const honest = await forgery(stage, alice, bob);
  const malloryKey = mallory.rsaKey;
  const certificates = {
    "Alice's": honest.certificate,
    "Mallory's": certificateOf(stage, mallory, malloryKey.spki),
    "of Mallory's identity over Alice's key": certificateOf(stage, mallory, alice.rsaKey.spki),
    none: new Uint8Array(0),
  };
  const asked = async (forged: Forgery, name = "alice"): Promise<number> => {
    const already = bob.offers.length;
    const { body } = await forgeOffer(forged);
    stage.relay.say("bob", { kind: "delivery", from: forged.sender.id, name, body });
    await stage.clock.advance(0);
    const isAsked = bob.offers.length - already;
    if (isAsked > 0) bob.offers.at(-1)!.decline();
    return isAsked;
  };
  bob.answer = () => "wait";
  assert.equal(await asked(honest), 1, "the forger's work is right: with Alice's key it opens");
  for (const [whose, certificate] of Object.entries(certificates)) {
    const forged = { ...honest, certificate, sign: signingWith(malloryKey) };
    assert.equal(await asked(forged), 0, `certificate ${whose}`);
  }
  assert.equal(await asked({ ...honest, receiver: mallory.identity }), 0, "meant for Mallory");
  assert.equal(await asked({ ...honest, relayFingerprint: new Uint8Array(32) }), 0, "elsewhere");
});

test("S-10 S-02 an offer of Mallory's under Alice's name shows Mallory's fingerprint", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.person("mallory");
  bob.answer = () => "decline";
  changeDeliveries(stage.relay, (_to, delivery) => [{ ...delivery, name: "alice" }]);
  assert.equal(await stage.send(mallory, "bob"), "peer/declined");
  const { from } = bob.offers[0]!;
  assert.deepEqual(from, {
    name: "alice",
    fingerprint: mallory.client.fingerprint,
    trust: undefined,
  });
  assert.notEqual(from.fingerprint, alice.client.fingerprint);
});

test("S-10 C-13 invalid: the relay delivers Alice's offer as Mallory's, and back", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.person("mallory");
  changeDeliveries(stage.relay, (to, delivery) => [
    to === "bob" ? { ...delivery, from: mallory.identity.id, name: "mallory" } : delivery,
  ]);
  stage.relay.onFrame = (from, frame) =>
    from === "bob" && frame.kind === "envelope"
      ? [{ ...frame, to: alice.identity.fingerprint }]
      : [frame];
  assert.equal(await stage.send(alice, "bob"), "transfer/invalid");
  assert.equal(bob.offers.length, 0);
});

test("S-10 C-13 what Alice signed for Mallory, Mallory cannot hand on to Bob", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.receiver("mallory", { ports: rememberingVerify });
  mallory.answer = () => "decline";
  assert.equal(await stage.send(alice, "mallory"), "peer/declined");
  const signature = signatures.at(-1)!;
  const honest = await forgery(stage, alice, bob);
  const { body } = await forgeOffer({ ...honest, sign: async () => signature });
  stage.relay.say("bob", { ...lastDelivery(stage.relay, "offer"), body });
  // And the very offer, byte for byte.
  stage.relay.say("bob", lastDelivery(stage.relay, "offer"));
  await stage.clock.advance(0);
  assert.equal(bob.offers.length, 0);
});

test("S-10 C-02 invalid: the relay puts one offer's parts into another", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  bob.answer = () => "decline";
  assert.equal(await stage.send(alice, "bob"), "peer/declined");
  const old = envelopeOf(lastDelivery(stage.relay, "offer"));
  assert.ok(old.kind === "offer");
  const { outer, sealedHeader } = old;
  const parts = [{ outer }, { sealedHeader }, { outer, sealedHeader }];
  for (const part of parts) {
    changeOffers(stage.relay, (offer) => ({ ...offer, ...part }));
    assert.equal(await stage.send(alice, "bob"), "transfer/invalid", Object.keys(part).join());
  }
  changeDeliveries(stage.relay, (_to, delivery, { kind, transfer }) => {
    if (kind === "offer") return [carrying(delivery, { ...old, transfer })];
    return [delivery];
  });
  assert.equal(await stage.send(alice, "bob"), "transfer/invalid", "under the new id");
  assert.equal(bob.offers.length, 1);
});

const INVALID = "transfer/invalid";

/** All that Alice has but her way through the SDK. */
async function forgery(stage: Stage, alice: Actor, bob: Actor): Promise<Forgery> {
  return {
    relayFingerprint: stage.relay.fingerprint,
    sender: alice.identity,
    receiver: bob.identity,
    receiverSpki: bob.rsaKey.spki,
    certificate: certificateOf(stage, alice, alice.rsaKey.spki),
    sign: signingWith(alice.rsaKey),
    wall: stage.relay.wall(),
  };
}

function certificateOf({ relay }: Stage, { identity }: Actor, spki: Uint8Array): Uint8Array {
  return encodeRsaCertificate(suite, identity, spki, (relay.wall() + KEY_LIFE_MS) as WallMs);
}

/** A sender that turns a bit of header or signature between signing and sealing. */
function sealingOther(at: number): () => Partial<ClientPorts> {
  const seal: typeof suite.seal = (key, nonce, aad, plaintext) => {
    const isHeader = aad.length > 384 && equalBytes(aad.subarray(0, 4), Uint8Array.of(1, 0, 1, 2));
    return suite.seal(key, nonce, aad, isHeader ? turned(plaintext, at) : plaintext);
  };
  return () => ({ suite: { ...suite, seal } });
}

/** A receiver that checks no signature. */
function gullible({ rsa }: ClientPorts): Partial<ClientPorts> {
  return { rsa: { ...rsa, verify: async () => true } };
}

const signatures: Uint8Array[] = [];

/** A receiver that keeps the signatures it was given. */
function rememberingVerify({ rsa }: ClientPorts): Partial<ClientPorts> {
  const verify: ClientPorts["rsa"]["verify"] = async (key, message, signature) => {
    signatures.push(signature.slice());
    return await rsa.verify(key, message, signature);
  };
  return { rsa: { ...rsa, verify } };
}
