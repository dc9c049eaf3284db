/**
 * Two end-to-end conversations whose parts a relay crosses, in envelopes and in pipes (C-02, C-03).
 * docs/protocol-end-to-end.md 7.3.3, docs/protocol.md 8.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import type { TransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import { carrying, changeDeliveries, envelopeOf, type Delivery } from "./envelopes.ts";
import type { FramePlace } from "./relay-pipes.ts";
import { shownTo, Talk } from "./talk.ts";

const FILES = [suite.random(150_000), suite.random(170_000)] as const;

for (const kind of ["offer", "receipt", "answer"] as const)
  test(`C-02 a ${kind} of one transfer under the name of another of the same pair`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    assert.equal(await talk.tell(alice, bob), "done");
    swapTwo(talk, kind);
    const sending = FILES.map(async (file) => await talk.startFile(alice, bob, file));
    const outcomes = await talk.until(Promise.all(sending));
    // Receipts only say again what came through the pipes.
    if (kind === "receipt") assert.deepEqual(outcomes, ["done", "done"]);
    else assert.ok(!outcomes.includes("done"), outcomes.join());
    await talk.goesOn(alice, bob);
  });

for (const kind of ["offer", "receipt"] as const)
  test(`C-02 a message's ${kind} under the name of another of the same pair`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    assert.equal(await talk.tell(alice, bob), "done");
    swapTwo(talk, kind);
    const sending = [1, 2].map(async () => await talk.start(alice, bob));
    const outcomes = await talk.until(Promise.all(sending));
    assert.ok(!outcomes.includes("done"), outcomes.join());
    await talk.goesOn(alice, bob);
  });

test("C-02 what one sender says is handed on as another's, or to another receiver", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  const dave = await talk.join("dave");
  const people = { alice, bob, carol, dave };
  const names = Object.keys(people) as (keyof typeof people)[];
  for (const [one, other] of [
    [alice, bob],
    [carol, dave],
    [alice, dave],
    [carol, bob],
  ] as const) {
    assert.equal(await talk.tell(one, other), "done");
    assert.equal(await talk.tell(one, other), "done");
  }
  const before = names.map((name) => shownTo(people[name]).length);
  const said = talk.relay.said.flatMap(({ to, frame }) =>
    frame.kind === "delivery" ? [{ to, frame }] : [],
  );
  for (const { to, frame } of said)
    for (const reader of names)
      for (const author of names) {
        if (reader === author) continue;
        const { id } = people[author].identity;
        const isGenuine = reader === to && hex(id) === hex(frame.from);
        if (!isGenuine) talk.relay.say(reader, { ...frame, from: id, name: author });
      }
  await talk.settle();
  const after = names.map((name) => shownTo(people[name]).length);
  assert.deepEqual(after, before);
  await talk.goesOn(alice, bob);
  await talk.goesOn(carol, dave);
});

test("C-02 the offers of two senders to one receiver are exchanged while they wait", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  const held: Delivery[] = [];
  changeDeliveries(talk.relay, (to, delivery, { kind }) => {
    if (to !== "bob" || kind !== "offer" || held.length >= 2) return [delivery];
    held.push(delivery);
    return [];
  });
  const sending = [talk.start(alice, bob), talk.start(carol, bob)];
  await talk.settle();
  const [first, second] = held;
  talk.relay.say("bob", { ...first!, from: second!.from, name: second!.name });
  talk.relay.say("bob", { ...second!, from: first!.from, name: first!.name });
  await talk.until(Promise.all(sending));
  assert.deepEqual(bob.offers, []);
  await talk.goesOn(alice, bob);
  await talk.goesOn(carol, bob);
});

test("C-02 C-03 the frames of two pipes are exchanged: all of them, some, or one direction's", async () => {
  for (const [what, isSwapped] of [
    ["all", () => true],
    ["sender's", ({ writer }: FramePlace) => writer === "alice"],
    ["receiver's", ({ writer }: FramePlace) => writer === "bob"],
    ["records", ({ writer, index }: FramePlace) => writer === "alice" && index > 0],
    ["one", ({ writer, index }: FramePlace) => writer === "alice" && index === 1],
  ] as const) {
    const { talk, alice, bob } = await Talk.ofTwo();
    assert.equal(await talk.tell(alice, bob), "done");
    const swapped = swapPipes(talk, isSwapped);
    const sending = FILES.map(async (file) => await talk.startFile(alice, bob, file));
    const outcomes = await talk.until(Promise.all(sending));
    assert.ok(swapped() >= 2, what);
    if (what === "all") assert.ok(!outcomes.includes("done"));
    if (what === "one") assert.deepEqual(outcomes, ["done", "done"], "sent again");
    await talk.goesOn(alice, bob);
  }
});

/** Two envelopes of this kind, each under the other's transfer. */
function swapTwo({ relay }: Talk, wanted: TransferEnvelope["kind"]): void {
  const held: { readonly to: string; readonly delivery: Delivery }[] = [];
  changeDeliveries(relay, (to, delivery, { kind }) => {
    if (kind !== wanted || held.length >= 2) return [delivery];
    held.push({ to, delivery });
    const [first, second] = held;
    if (first === undefined || second === undefined) return [];
    const [one, other] = [envelopeOf(first.delivery), envelopeOf(second.delivery)];
    relay.say(first.to, carrying(first.delivery, { ...one, transfer: other.transfer }));
    return [carrying(second.delivery, { ...other, transfer: one.transfer })];
  });
}

/** Frames of one pipe go into the other, as soon as both are there. */
function swapPipes({ relay }: Talk, isSwapped: (place: FramePlace) => boolean): () => number {
  let count = 0;
  const ways = new Map<string, { readonly pipe: number; readonly place: FramePlace }>();
  const waiting: { readonly place: FramePlace; readonly frame: Uint8Array }[] = [];
  const deliver = (place: FramePlace, frame: Uint8Array): boolean => {
    for (const { pipe, place: other } of ways.values())
      if (pipe !== place.pipe && other.writer === place.writer) {
        other.forward(frame);
        count++;
        return true;
      }
    return false;
  };
  relay.pipes.onFrame = (frame, place) => {
    ways.set(`${place.pipe} ${place.writer}`, { pipe: place.pipe, place });
    if (!isSwapped(place)) return [frame];
    waiting.push({ place, frame });
    for (const each of waiting.splice(0)) if (!deliver(each.place, each.frame)) waiting.push(each);
    return [];
  };
  return () => count;
}
