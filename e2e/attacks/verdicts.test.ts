/** Every verdict of docs/protocol.md 9 by a real run, as its sender gets it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_AHEAD_MS, HEADER_VALID_MS } from "@postern/core/limits";
import { Stage, outcomeOf, type Actor } from "./cast.ts";
import { carrying, changeDeliveries, lastDelivery } from "./envelopes.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;

for (const profile of PROFILES) {
  test(`${profile}: an honest relay: everything arrives`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
    assert.equal(bob.received.length, 1);
  });

  test(`S-11 ${profile}: expired: the sender's clock is 61 s back or 11 s ahead`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    const borders = [
      [-HEADER_VALID_MS - 1_000, "transfer/expired"],
      [-HEADER_VALID_MS, "done"],
      [HEADER_AHEAD_MS, "done"],
      [HEADER_AHEAD_MS + 1_000, "transfer/expired"],
      [30 * 86_400_000, "transfer/expired"],
    ] as const;
    for (const [skewMs, code] of borders) {
      const asked = bob.offers.length;
      alice.skewMs = skewMs;
      assert.equal(await stage.send(alice, "bob", { profile }), code, `${skewMs} ms`);
      assert.equal(bob.offers.length - asked, code === "done" ? 1 : 0);
    }
  });

  test(`S-11 ${profile}: replayed: an offer that was answered before asks nobody again`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    bob.answer = () => "decline";
    const captured = await answerLost(stage, alice, profile);
    await stage.clock.advance(HEADER_VALID_MS - 2_000);
    replay(stage, captured.frames);
    assert.equal(await stage.clock.until(captured.outcome), "transfer/replayed");
    assert.equal(bob.offers.length, 1);
  });

  test(`S-11 ${profile}: an offer replayed after its time is expired`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    bob.answer = () => "decline";
    const captured = await answerLost(stage, alice, profile);
    await stage.clock.advance(HEADER_VALID_MS + 1);
    replay(stage, captured.frames);
    assert.equal(await stage.clock.until(captured.outcome), "transfer/expired");
    assert.equal(bob.offers.length, 1);
  });

  test(`S-11 ${profile}: an offer replayed behind its transfer gives nothing twice`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
    const frames = stage.relay.said.filter(({ to }) => to === "bob");
    for (const { frame } of frames)
      if (frame.kind === "delivery" || frame.kind === "key-down") stage.relay.say("bob", frame);
    await stage.clock.advance(30_000);
    assert.deepEqual([bob.offers.length, bob.received.length], [1, 1]);
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
  });

  test(`S-10 ${profile}: wrong-receiver or invalid: Bob's offer is handed to Carol`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    const carol = await stage.receiver("carol", { profiles: PROFILES });
    changeDeliveries(stage.relay, (to, delivery, envelope) => {
      if (to === "bob" && envelope.kind === "offer") {
        stage.relay.say("carol", delivery);
        return [];
      }
      return [delivery];
    });
    // Carol answers Alice; the relay says that it was Bob.
    const honest = stage.relay.onAnswer;
    stage.relay.onAnswer = (to, frame) => {
      const isCarols = frame.kind === "delivery" && to === "alice" && frame.name === carol.name;
      return isCarols ? [{ ...frame, from: bob.identity.id, name: "bob" }] : honest(to, frame);
    };
    assert.equal(await stage.send(alice, "bob", { profile }), "transfer/wrong-receiver");
    assert.deepEqual([bob.offers.length, carol.offers.length], [0, 0]);
  });

  test(`${profile}: busy: a receiver whose relay says that it is free`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    const dave = await stage.person("dave");
    bob.answer = () => "wait";
    const first = stage.start(dave, "bob", { profile });
    await stage.clock.advance(0);
    assert.equal(await stage.send(alice, "bob", { profile }), "peer/busy", "the relay knows");
    stage.relay.onAnswer = (_to, frame) =>
      frame.kind === "found" ? [{ ...frame, status: "free" }] : [frame];
    assert.equal(await stage.send(alice, "bob", { profile }), "peer/busy", "the receiver says");
    assert.equal(bob.offers.length, 1);
    bob.accept(bob.offers[0]!);
    assert.equal(await stage.clock.until(outcomeOf(first)), "done");
  });

  test(`${profile}: decline, and a person who does not decide`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    bob.answer = () => "decline";
    assert.equal(await stage.send(alice, "bob", { profile }), "peer/declined");
    bob.answer = () => "wait";
    const waiting = outcomeOf(stage.start(alice, "bob", { profile }));
    assert.equal(await stage.clock.until(waiting, 11 * 60_000), "peer/timed-out");
    assert.equal(bob.received.length, 0);
  });
}

test("C-18 a relay that says an answer of its own reaches the sender as that verdict alone", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  bob.answer = () => "wait";
  const clear = { busy: "peer/busy", "wrong-receiver": "transfer/wrong-receiver" } as const;
  for (const verdict of ["busy", "wrong-receiver"] as const) {
    const running = outcomeOf(stage.start(alice, "bob"));
    await stage.clock.advance(0);
    const offer = lastDelivery(stage.relay, "offer");
    const transfer = offer.body.slice(1, 17);
    const from = bob.identity.id;
    const answer = carrying(
      { ...offer, from, name: "bob" },
      { kind: "refusal", transfer, verdict },
    );
    stage.relay.say("alice", answer);
    assert.equal(await stage.clock.until(running), clear[verdict]);
    bob.offers.at(-1)!.decline();
    await stage.clock.advance(0);
  }
  assert.equal(bob.received.length, 0);
});

/** Alice's offer is declined, and the relay loses the answer. */
async function answerLost(stage: Stage, alice: Actor, profile: (typeof PROFILES)[number]) {
  const honest = stage.relay.onAnswer;
  stage.relay.onAnswer = (to, frame) =>
    to === "alice" && frame.kind === "delivery" ? [] : [frame];
  const outcome = outcomeOf(stage.start(alice, "bob", { profile }));
  await stage.clock.advance(0);
  stage.relay.onAnswer = honest;
  const frames = stage.relay.said.flatMap(({ to, frame }) =>
    to === "bob" && (frame.kind === "delivery" || frame.kind === "key-down") ? [frame] : [],
  );
  return { outcome, frames };
}

function replay({ relay }: Stage, frames: Parameters<typeof relay.say>[1][]): void {
  for (const frame of frames) relay.say("bob", frame);
}
