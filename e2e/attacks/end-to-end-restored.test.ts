/**
 * A relay that plays old envelopes to a device whose state was set back (C-04): it takes what it
 * took before, may say something else this time, and uses no key and nonce twice for that.
 * docs/protocol-end-to-end.md 7.3.3, 7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeSuite as suite } from "@postern/node";
import type { Actor } from "./cast.ts";
import { envelopeOf, type Delivery } from "./envelopes.ts";
import { copyOf, Talk } from "./talk.ts";

const FILE = suite.random(150_000);

for (const round of ["first", "later"] as const)
  test(`C-04 the ${round} offer again, to older copies of its receiver, with other answers`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    if (round === "later") assert.equal(await talk.tell(alice, bob), "done");
    const copies = await Promise.all([1, 2, 3].map(async () => await copyOf(bob.store)));
    const before = talk.relay.said.length;
    assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), "done");
    const offers = deliveriesSince(talk, before, bob);
    const seals = talk.seals.count;
    for (const [i, answer] of (["decline", "accept", "wait"] as const).entries()) {
      await talk.restart(bob, copies[i]);
      bob.answer = () => answer;
      for (const offer of offers) talk.relay.say("bob", offer);
      await talk.settle();
      await talk.stage.clock.advance(1_000);
    }
    assert.ok(bob.offers.length >= 3, "an older copy cannot know that it has seen this offer");
    assert.ok(talk.seals.count > seals, "and it answers");
    assert.equal(talk.seals.repeated, 0, "never under the same key and nonce");
    bob.answer = () => "accept";
    await talk.stage.clock.advance(120_000);
    await talk.goesOn(alice, bob);
  });

test("C-04 old receipts and resyncs, to older copies of their sender", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const copies = await Promise.all([1, 2, 3].map(async () => await copyOf(alice.store)));
  const before = talk.relay.said.length;
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.store.dropChannels(alice.identity.fingerprint);
  assert.equal(await talk.tell(alice, bob), "done");
  const words = deliveriesSince(talk, before, alice);
  assert.ok(words.some((word) => envelopeOf(word).kind === "resync"));
  for (const copy of copies) {
    await talk.restart(alice, copy);
    for (const word of words) talk.relay.say("alice", word);
    const sending = talk.start(alice, bob);
    await talk.settle();
    for (const word of words) talk.relay.say("alice", word);
    assert.equal(await talk.until(sending), "done");
    talk.check();
  }
  await talk.goesOn(alice, bob);
});

test("C-04 a sender's two lives, and a relay that delivers the offers of both", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const copy = await copyOf(alice.store);
  const before = talk.relay.said.length;
  for (let i = 0; i < 3; i++) assert.equal(await talk.tell(alice, bob), "done");
  const old = deliveriesSince(talk, before, bob);
  await talk.restart(alice, copy);
  talk.relay.onAnswer = (to, frame) => {
    if (to === "bob" && frame.kind === "delivery")
      for (const each of old) talk.relay.say("bob", each);
    return [frame];
  };
  for (let i = 0; i < 3; i++) assert.equal(await talk.tell(alice, bob), "done");
  await talk.goesOn(alice, bob);
});

test("C-04 a sender's two lives before any receipt, when the chain key is all there is", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  talk.relay.onAnswer = (to, frame) => (to === "bob" && frame.kind === "delivery" ? [] : [frame]);
  const first = talk.start(alice, bob);
  await talk.settle();
  const copies = [await copyOf(alice.store), await copyOf(alice.store)];
  for (const copy of copies) {
    const later = talk.start(alice, bob);
    await talk.settle();
    await talk.restart(alice, copy);
    assert.deepEqual(await talk.until(Promise.all([first, later])), Array(2).fill(CANCELLED));
  }
  const offers = talk.relay.heard.filter(
    ({ from, frame }) => from === "alice" && frame.kind === "envelope",
  );
  assert.ok(offers.length >= 3);
  assert.equal(talk.seals.repeated, 0, "each life has keys of its own");
  await talk.goesOn(alice, bob);
});

const CANCELLED = "transfer/cancelled";

function deliveriesSince({ relay }: Talk, start: number, { name }: Actor): Delivery[] {
  return relay.said
    .slice(start)
    .flatMap(({ to, frame }) => (to === name && frame.kind === "delivery" ? [frame] : []));
}
