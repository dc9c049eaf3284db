/**
 * Who is who, when keys are stolen and names are mixed up (C-13): key compromise impersonation,
 * unknown key-share, misbinding. docs/protocol-end-to-end.md 7.3.3.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createIdentity,
  encodeKeyPackage,
  keyPackageFacts,
  type Identity,
} from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import type { Actor } from "./cast.ts";
import {
  carrying,
  changeDeliveries,
  envelopeOf,
  lastDelivery,
  type Delivery,
} from "./envelopes.ts";
import { forgeMessage, type StolenParts } from "./forged-channel.ts";
import { shownTo, Talk } from "./talk.ts";

/** Places in an outer header: docs/protocol-end-to-end.md 7.3.3. */
const SENDER_AT = 49;
const RECEIVER_AT = 81;

test("C-13 KCI: who has stolen all of Bob's keys cannot write to him as Alice", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const mallory = createIdentity(suite);
  for (const signer of [bob.identity, mallory]) {
    const keyPackage = await freshPackage(bob);
    assert.equal(await told(talk, bob, { ...ends(alice, bob), signer, keyPackage }), "invalid");
  }
  assert.equal(shownTo(bob).length, 1);
  await talk.goesOn(alice, bob);
});

test("C-13 who has stolen Alice's identity key alone writes as Alice, but not in her channel", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const keyPackage = await freshPackage(bob);
  const signer = alice.identity;
  // What such a thief can do (docs/security.md): begin a channel of its own. Alice hears of it.
  const text = "from the thief";
  assert.equal(await told(talk, bob, { ...ends(alice, bob), signer, keyPackage }, text), "receipt");
  assert.ok(shownTo(bob).includes(text), "the forger knows how to make an offer");
  const transfer = await talk.stage.start(alice, "bob", { profile: "end-to-end" });
  const kinds = new Set<string>();
  for await (const { type } of transfer) kinds.add(type);
  assert.ok(kinds.has("key-renewed"), "Alice is told that keys were renewed");
});

test("C-13 a pair that met by a code: an identity key alone opens nothing, at either end", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  await meet(talk, alice, bob);
  assert.equal(await talk.tell(alice, bob), "done");
  const keyPackage = await freshPackage(bob);
  const stolen = { ...ends(alice, bob), signer: alice.identity, keyPackage };
  assert.equal(await told(talk, bob, stolen), "key-unknown", "without a secret");
  const guess = { ...stolen, pairingSecret: suite.random(32) };
  assert.equal(await told(talk, bob, guess), "key-unknown", "with a wrong one");
  assert.equal(shownTo(bob).length, 1);
  await talk.goesOn(alice, bob);
});

test("C-13 unknown key-share: a package of Bob's key under another name gets Bob no message", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  const bobs = await freshPackage(bob);
  const copied = resigned(mallory.identity, bobs, talk);
  talk.relay.onAnswer = (_to, frame) =>
    frame.kind === "package" ? [{ ...frame, keyPackage: copied }] : [frame];
  const sending = talk.start(alice, mallory);
  await talk.settle();
  const offer = lastDelivery(talk.relay, "offer");
  const asSent = await answerTo(talk, bob, offer);
  const readdressed = await answerTo(
    talk,
    bob,
    changedOuter(offer, RECEIVER_AT, bob.identity.fingerprint),
  );
  assert.deepEqual([asSent, readdressed], ["wrong-receiver", "resync"]);
  // With the package's own kid, which Bob knows.
  const kid = keyPackageFacts(bobs)!.kid;
  const known = changedOuter(changedOuter(offer, RECEIVER_AT, bob.identity.fingerprint), 17, kid);
  assert.equal(await answerTo(talk, bob, known), "invalid");
  assert.deepEqual(shownTo(bob), []);
  assert.notEqual(await talk.until(sending), "done");
  await talk.goesOn(alice, bob);
});

test("C-13 C-10 misbinding: Mallory cannot hand Alice's words on as her own", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  const from = { from: mallory.identity.id, name: "mallory" };
  for (const round of ["first offer", "later offer"]) {
    changeDeliveries(talk.relay, (_to, delivery, { kind }) => (kind === "offer" ? [] : [delivery]));
    const sending = talk.start(alice, bob);
    await talk.settle();
    const held = offerHeard(talk, alice);
    const stolen = changedOuter(held, SENDER_AT, mallory.identity.fingerprint);
    assert.equal(await answerTo(talk, bob, { ...held, ...from }), "invalid", round);
    assert.match(await answerTo(talk, bob, { ...stolen, ...from }), /^(?:invalid|resync)$/, round);
    talk.relay.say("bob", held);
    assert.equal(await talk.until(sending), "done", round);
    talk.relay.onAnswer = (_to, frame) => [frame];
  }
  assert.ok(bob.offers.every((offer) => offer.from.fingerprint !== mallory.client.fingerprint));
  await talk.goesOn(alice, bob);
});

test("C-13 receipts: with Alice's keys nobody can tell her that Bob has something", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(await talk.tell(alice, mallory), "done");
  const receipts = talk.relay.said.flatMap(({ frame }) =>
    frame.kind === "delivery" && envelopeOf(frame).kind === "receipt" ? [frame] : [],
  );
  changeDeliveries(talk.relay, (_to, delivery, { kind }) => (kind === "offer" ? [] : [delivery]));
  const sending = talk.start(alice, bob);
  await talk.settle();
  const { transfer } = envelopeOf(offerHeard(talk, alice));
  for (const receipt of receipts) {
    const envelope = envelopeOf(receipt);
    const from = { from: bob.identity.id, name: "bob" };
    talk.relay.say("alice", { ...carrying(receipt, { ...envelope, transfer }), ...from });
  }
  assert.equal(await talk.until(sending), "peer/timed-out");
  await talk.goesOn(alice, bob);
});

function ends(alice: Actor, bob: Actor): Pick<StolenParts, "sender" | "receiver"> {
  return { sender: alice.identity, receiver: bob.identity };
}

/** A one-time package of somebody's, from its store. */
async function freshPackage({ store }: Actor): Promise<Uint8Array> {
  const found = (await store.keyPackages()).findLast(({ type }) => type === "one-time");
  return found!.encoded;
}

/** What Bob answers to a forged message. */
async function told(talk: Talk, bob: Actor, stolen: StolenParts, text = "forged"): Promise<string> {
  // A later epoch than that of the channel that there is.
  await talk.stage.clock.advance(1_000);
  const { body } = forgeMessage(talk.relay, stolen, text);
  return await answerTo(talk, bob, {
    kind: "delivery",
    from: stolen.sender.id,
    name: "alice",
    body,
  });
}

/** The kind of the next envelope that somebody sends, or its verdict. */
async function answerTo(talk: Talk, to: Actor, delivery: Delivery): Promise<string> {
  const before = talk.relay.heard.length;
  talk.relay.say(to.name, delivery);
  await talk.settle();
  for (const { from, frame } of talk.relay.heard.slice(before)) {
    if (from !== to.name || frame.kind !== "envelope") continue;
    const envelope = envelopeOf(frame);
    return envelope.kind === "refusal" ? envelope.verdict : envelope.kind;
  }
  return "nothing";
}

/** The last offer of a client, as its receiver would get it. */
function offerHeard({ relay }: Talk, { name, identity }: Actor): Delivery {
  for (const { from, frame } of relay.heard.toReversed())
    if (from === name && frame.kind === "envelope" && envelopeOf(frame).kind === "offer")
      return { kind: "delivery", from: identity.id, name, body: frame.body };
  throw new Error(`no offer of ${name}`);
}

function changedOuter(offer: Delivery, at: number, bytes: Uint8Array): Delivery {
  const envelope = envelopeOf(offer);
  if (envelope.kind !== "offer") throw new TypeError("no offer");
  const outer = envelope.outer.slice();
  outer.set(bytes, at);
  return carrying(offer, { ...envelope, outer });
}

/** Another's key in a package of one's own. */
function resigned(identity: Identity, others: Uint8Array, { relay }: Talk): Uint8Array {
  const publicKey = others.slice(20, 20 + 1_216);
  const now = relay.wall();
  const times = { notBefore: now, notAfter: (now + 86_400_000) as WallMs };
  const fields = {
    type: "one-time",
    kid: suite.random(16),
    publicKey,
    ...times,
    profiles: 4,
  } as const;
  return encodeKeyPackage(suite, identity, fields);
}

async function meet(talk: Talk, opener: Actor, joiner: Actor): Promise<void> {
  const opening = opener.client.pair();
  const { value } = await opening[Symbol.asyncIterator]().next();
  assert.ok(value?.type === "code");
  const joining = joiner.client.pair({ code: value.code });
  const both = await talk.until(Promise.all([opening.paired, joining.paired]));
  for (const paired of both) await paired.keep();
}
