/**
 * A relay that drops, delays, repeats, reorders and reflects what an end-to-end channel is made of
 * (C-02). docs/protocol-end-to-end.md 7.3.4, 7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PROFILE_BITS, type RelayFrame } from "@postern/core/link";
import type { TransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { Actor } from "./cast.ts";
import { changeDeliveries, envelopeOf, type Delivery } from "./envelopes.ts";
import { shownTo, Talk } from "./talk.ts";

type Kind = TransferEnvelope["kind"];

/** Too long for envelopes. */
const FILE = suite.random(150_000);

for (const [kind, first, later] of [
  ["offer", "peer/timed-out", "peer/timed-out"],
  ["receipt", "peer/timed-out", "peer/timed-out"],
] as const)
  test(`C-02 a message whose ${kind} is dropped is not reported as delivered`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    for (const outcome of [first, later]) {
      dropOnce(talk, kind);
      assert.equal(await talk.tell(alice, bob), outcome);
      await talk.goesOn(alice, bob);
    }
  });

for (const [kind, outcome] of [
  ["offer", "peer/timed-out"],
  // Bob says that no pipe came.
  ["answer", "transfer/pipe-lost"],
  // `done` came through the pipe.
  ["receipt", "done"],
] as const)
  test(`C-02 a file whose ${kind} is dropped`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    dropOnce(talk, kind);
    assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), outcome);
    await talk.goesOn(alice, bob);
  });

for (const kind of ["offer", "answer", "receipt", "resync", "close"] as const)
  test(`C-02 every ${kind} comes three times: all is shown once`, async () => {
    const { talk, alice, bob } = await Talk.ofTwo();
    const repeated = repeatAll(talk, kind);
    assert.equal(await talk.tell(alice, bob), "done");
    assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), "done");
    await unsettle(talk, alice, bob, kind);
    assert.ok(repeated() > 0, `a ${kind} was repeated`);
    await talk.goesOn(alice, bob);
  });

test("C-02 offers in the wrong order: the channel puts them right", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  const held: (() => void)[] = [];
  changeDeliveries(talk.relay, (to, delivery, { kind }) => {
    if (kind !== "offer" || held.length >= 3) return [delivery];
    held.push(() => talk.relay.say(to, delivery));
    return [];
  });
  const sending = [1, 2, 3].map(async () => await talk.start(alice, bob));
  await talk.settle();
  for (const release of held.toReversed()) release();
  assert.deepEqual(await talk.until(Promise.all(sending)), ["done", "done", "done"]);
  await talk.goesOn(alice, bob);
});

test("C-02 the first offers in the wrong order: a new channel, and the old one's offer is no success", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const held: (() => void)[] = [];
  changeDeliveries(talk.relay, (to, delivery, { kind }) => {
    if (kind !== "offer" || held.length >= 2) return [delivery];
    held.push(() => talk.relay.say(to, delivery));
    return [];
  });
  const sending = [1, 2].map(async () => await talk.start(alice, bob));
  await talk.settle();
  for (const release of held.toReversed()) release();
  // Bob has read both, but a receipt of the channel that is over is worth nothing.
  assert.deepEqual(await talk.until(Promise.all(sending)), ["peer/timed-out", "done"]);
  assert.equal(shownTo(bob).length, 2);
  await talk.goesOn(alice, bob);
});

test("C-02 whatever was said is said again: later, on a new link, to a new process", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), "done");
  assert.equal(await talk.tell(bob, alice), "done");
  await unsettle(talk, alice, bob, "resync");
  await unsettle(talk, alice, bob, "close");
  const kinds = new Set(deliveries(talk).map(({ frame }) => envelopeOf(frame).kind));
  for (const kind of ["offer", "answer", "receipt", "resync", "close"] as const)
    assert.ok(kinds.has(kind), kind);
  const again = async (): Promise<void> => {
    for (const { to, frame } of deliveries(talk)) talk.relay.say(to, frame);
    await talk.goesOn(alice, bob);
  };
  await again();
  for (const name of ["alice", "bob"]) talk.relay.cut(name);
  await talk.stage.clock.advance(10_000);
  await again();
  for (const person of [alice, bob]) {
    await talk.restart(person);
    await again();
  }
  await talk.stage.clock.advance(120_000);
  await again();
});

test("C-02 envelopes that come back to their sender, as from either, change nothing", async () => {
  for (const as of ["alice", "bob"] as const) {
    const { talk, alice, bob } = await Talk.ofTwo();
    const people = { alice, bob };
    changeDeliveries(talk.relay, (to, delivery, { kind }) => {
      // Anybody can make those; they end a transfer and nothing else.
      if (kind === "withdraw" || kind === "refusal") return [delivery];
      const author = to === "alice" ? "bob" : "alice";
      talk.relay.say(author, { ...delivery, from: people[as].identity.id, name: as });
      return [delivery];
    });
    assert.equal(await talk.tell(alice, bob), "done");
    assert.equal(await talk.tell(bob, alice), "done");
    assert.equal(await talk.tell(alice, bob), "done");
    await talk.goesOn(alice, bob);
  }
});

function deliveries({ relay }: Talk): { readonly to: string; readonly frame: Delivery }[] {
  return relay.said.flatMap(({ to, frame }) => (frame.kind === "delivery" ? [{ to, frame }] : []));
}

function dropOnce({ relay }: Talk, wanted: Kind): void {
  let isDropped = false;
  changeDeliveries(relay, (_to, delivery, { kind }) => {
    if (isDropped || kind !== wanted) return [delivery];
    isDropped = true;
    return [];
  });
}

/** Gives how many there were. */
function repeatAll({ relay }: Talk, wanted: Kind): () => number {
  let count = 0;
  changeDeliveries(relay, (_to, delivery, { kind }): RelayFrame[] => {
    if (kind !== wanted) return [delivery];
    count++;
    return [delivery, delivery, delivery];
  });
  return () => count;
}

/** Makes one end say `close` or `resync`. */
async function unsettle(talk: Talk, alice: Actor, bob: Actor, kind: Kind): Promise<void> {
  const before = talk.relay.onAnswer;
  if (kind === "close") {
    talk.relay.onAnswer = (to, frame) =>
      frame.kind === "delivery" && envelopeOf(frame).kind === "receipt" ? [] : before(to, frame);
    assert.equal(await talk.tell(alice, bob), "peer/timed-out");
    talk.relay.onAnswer = before;
    assert.equal(await talk.tell(alice, bob), "done");
  }
  if (kind === "resync") {
    await bob.store.dropChannels(alice.identity.fingerprint);
    assert.equal(await talk.tell(alice, bob), "done");
  }
}

test("a relay that says its policy again and again makes nobody announce himself again", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const announced = (): number =>
    talk.relay.heard.filter(({ from, frame }) => from === "bob" && frame.kind === "presence")
      .length;
  talk.relay.say("bob", { kind: "policy", profiles: PROFILE_BITS["end-to-end"] });
  await talk.settle();
  const before = announced();
  for (let profiles = 1; profiles <= 7; profiles++)
    talk.relay.say("bob", { kind: "policy", profiles });
  await talk.settle();
  assert.equal(announced(), before);
  await talk.goesOn(alice, bob);
});
