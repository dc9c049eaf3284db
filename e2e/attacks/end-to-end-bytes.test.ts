/**
 * Every byte of what an end-to-end channel is made of, changed on its way (C-01, C-03, C-07, C-08,
 * C-16): nothing opens, nothing changes, nothing more is said than that it is invalid, and the
 * genuine one still works. docs/protocol-end-to-end.md 7.3.3-7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { encodeTransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { Actor } from "./cast.ts";
import { envelopeOf, turned, type OfferEnvelope } from "./envelopes.ts";
import { HeldEnvelope } from "./held-envelopes.ts";
import { shownTo, Talk } from "./talk.ts";

/** Fields of an offer's body: kind, tid, lv(outer (7.3.3)), lv(sealed), content. */
const OUTER_AT = 1 + 16 + 4;
const CIPHERTEXT_AT = OUTER_AT + 113;
const SHARE_AT = CIPHERTEXT_AT + 1_088;
const SEALED_AT = CIPHERTEXT_AT + 1_120 + 4;
const FILE = suite.random(150_000);

interface Situation {
  readonly what: string;
  /** What was said before. */
  readonly before: (talk: Talk, alice: Actor, bob: Actor) => Promise<unknown>;
  readonly send: (talk: Talk, alice: Actor, bob: Actor) => Promise<string>;
}

const message = async (talk: Talk, alice: Actor, bob: Actor): Promise<string> =>
  await talk.start(alice, bob);
const SITUATIONS: readonly Situation[] = [
  { what: "first message", before: async () => {}, send: message },
  { what: "later message", before: async (...talk) => await tellOne(...talk), send: message },
  {
    what: "first file",
    before: async () => {},
    send: async (talk, alice, bob) => await talk.startFile(alice, bob, FILE),
  },
];

for (const { what, before, send } of SITUATIONS)
  test(`C-01 C-16 ${what}: an offer with any byte changed opens nothing and changes nothing`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    await before(talk, alice, bob);
    const shown = shownTo(bob).length;
    const packages = await kidsOf(bob);
    const sending = send(talk, alice, bob);
    const held = await HeldEnvelope.next(talk, "offer");
    const { body } = held.genuine;
    const contentAt = body.length - offerIn(body).content.length;
    const answers = { sealed: new Set<string>(), content: new Set<string>() };
    for (const at of placesIn(body)) {
      const sent = await held.envelopesFor({ ...held.genuine, body: turned(body, at, 0x10) });
      for (const each of sent) assert.match(answerOf(each), REFUSED, `byte ${at}`);
      // Behind the outer header one failure is like the other.
      if (at >= contentAt) answers.content.add(formOf(sent));
      else if (at >= CIPHERTEXT_AT) answers.sealed.add(formOf(sent));
    }
    // Whoever is expected to say this very number is told where the channel is.
    const word = what === "later message" ? "resync 192" : "invalid 19";
    assert.deepEqual([...answers.sealed], [word], "a relay cannot tell what failed");
    if (contentAt < body.length) assert.deepEqual([...answers.content], ["invalid 19"]);
    assert.deepEqual(bob.offers.length, shown, "nobody was asked");
    assert.deepEqual(await kidsOf(bob), packages, "no package was used up");
    held.release();
    assert.equal(await talk.until(sending), "done");
    await talk.goesOn(alice, bob);
  });

const REFUSED = /^(?:invalid|wrong-receiver|profile-refused|key-unknown|resync)$/;

test("C-03 an offer that ends early, or goes on too long, opens nothing", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const sending = talk.start(alice, bob);
  const held = await HeldEnvelope.next(talk, "offer");
  const { body } = held.genuine;
  const ends = [1, 16, 17, OUTER_AT, CIPHERTEXT_AT, SHARE_AT, SEALED_AT - 4, SEALED_AT];
  for (const end of [...ends, body.length - 16, body.length - 1]) {
    assert.match(await held.answerTo(body.subarray(0, end)), /^(?:nothing|invalid)$/, `to ${end}`);
    assert.equal(bob.offers.length, 0);
  }
  const longer = new Uint8Array(body.length + 1);
  longer.set(body);
  assert.equal(await held.answerTo(longer), "invalid");
  held.release();
  assert.equal(await talk.until(sending), "done");
  await talk.goesOn(alice, bob);
});

test("C-07 C-08 ciphertexts: low order, changed ML-KEM, another key's, none", async () => {
  for (const [before, word] of [
    [async () => {}, "invalid 19"],
    [tellOne, "resync 192"],
  ] as const) {
    const { talk, alice, bob } = await Talk.ofTwo();
    await before(talk, alice, bob);
    const sending = talk.start(alice, bob);
    const held = await HeldEnvelope.next(talk, "offer");
    const { body } = held.genuine;
    const stranger = suite.encapsulate(suite.generateKem().publicKey)!.ciphertext;
    const wrong: (readonly [string, Uint8Array, number])[] = [
      ["zeros", new Uint8Array(1_120), CIPHERTEXT_AT],
      ["of another key", stranger, CIPHERTEXT_AT],
      ["ML-KEM of another key", stranger.subarray(0, 1_088), CIPHERTEXT_AT],
      ["X25519 of another key", stranger.subarray(1_088), SHARE_AT],
      ...SMALL_ORDER.map((point, i) => [`low order ${i}`, point, SHARE_AT] as const),
    ];
    for (const [what, bytes, at] of wrong) {
      const changed = body.slice();
      changed.set(bytes, at);
      const sent = await held.envelopesFor({ ...held.genuine, body: changed });
      // One answer for every cause, points of low order among them (C-16).
      assert.equal(formOf(sent), word, what);
    }
    // The same share in another encoding: the top bit is not part of the point.
    const twin = await held.envelopesFor({
      ...held.genuine,
      body: turned(body, SHARE_AT + 31, 0x80),
    });
    assert.equal(formOf(twin), word);
    held.release();
    assert.equal(await talk.until(sending), "done");
    await talk.goesOn(alice, bob);
  }
});

test("C-03 a message without its content, with another's, or for a file", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const offers = talk.relay.said.filter(({ to }) => to === "bob").map(({ frame }) => frame);
  const before = offers.find((frame) => frame.kind === "delivery");
  const content = before && offerIn(before.body).content;
  for (const [what, changed, outcome] of [
    ["another's", content!, "transfer/invalid"],
    ["cut short", new Uint8Array(15), "transfer/invalid"],
    // It has opened before that is noticed: the receipt says so.
    ["none", new Uint8Array(0), "transfer/invalid"],
  ] as const) {
    const sending = talk.start(alice, bob);
    const held = await HeldEnvelope.next(talk, "offer");
    const offer = { ...offerIn(held.genuine.body), content: changed };
    talk.relay.onAnswer = (_to, frame) => [frame];
    talk.relay.say("bob", { ...held.genuine, body: encodeTransferEnvelope(offer) });
    assert.equal(await talk.until(sending), outcome, what);
    await talk.goesOn(alice, bob);
  }
  const sending = talk.startFile(alice, bob, FILE);
  const held = await HeldEnvelope.next(talk, "offer");
  const offer = { ...offerIn(held.genuine.body), content: content! };
  assert.equal(await held.answerTo(encodeTransferEnvelope(offer)), "invalid");
  held.release();
  assert.equal(await talk.until(sending), "done");
  await talk.goesOn(alice, bob);
});

/** The y of the points of small order, and some of the same in other encodings. */
const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((point) => new Uint8Array(Buffer.from(point, "hex")));

async function tellOne(talk: Talk, alice: Actor, bob: Actor): Promise<void> {
  assert.equal(await talk.tell(alice, bob), "done");
}

/** All of the header, samples of the long fields, and their ends. */
function placesIn(body: Uint8Array): number[] {
  const places = Array.from({ length: CIPHERTEXT_AT - OUTER_AT }, (_, i) => OUTER_AT + i);
  const long = [CIPHERTEXT_AT, SHARE_AT, SEALED_AT, SEALED_AT + 36, body.length];
  for (const [i, start] of long.slice(0, -1).entries()) {
    const end = long[i + 1]! - (i === 1 ? 4 : 0);
    for (let at = start; at < end; at += 61) places.push(at);
    places.push(end - 1);
  }
  return places;
}

/** What a relay sees of an answer: its kind, the verdict in the clear, and its length. */
function formOf(sent: readonly Uint8Array[]): string {
  return sent.map((body) => `${answerOf(body)} ${body.length}`).join();
}

function answerOf(body: Uint8Array): string {
  const envelope = envelopeOf({ body });
  return envelope.kind === "refusal" ? envelope.verdict : envelope.kind;
}

function offerIn(body: Uint8Array): OfferEnvelope {
  const envelope = envelopeOf({ body });
  if (envelope.kind !== "offer") throw new TypeError("no offer");
  return envelope;
}

async function kidsOf({ store }: Actor): Promise<string[]> {
  return (await store.keyPackages()).map(({ kid }) => hex(kid)).toSorted();
}
