/** S-17: a receiver that dies at any step, or is slow, is listed again or gone, never lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeSuite as suite } from "@postern/node";
import { bytesSource, outcomeOf, Stage, type Actor } from "./cast.ts";
import { envelopeOf } from "./envelopes.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;
const FILE = suite.random(150_000);

interface Step {
  readonly name: string;
  /** Arms what cuts the link of `who` when the step is reached. */
  readonly arm: (stage: Stage, cut: () => void) => void;
  /** What the sender may hear when its receiver has died there. */
  readonly outcomes: readonly string[];
}

const onDelivery =
  (kind: string): Step["arm"] =>
  ({ relay }, cut) => {
    relay.onAnswer = (_to, frame) => {
      if (frame.kind === "delivery" && envelopeOf(frame).kind === kind) cut();
      return [frame];
    };
  };

const onFrame =
  (writer: string, at: number): Step["arm"] =>
  ({ relay }, cut) => {
    relay.pipes.onFrame = (frame, place) => {
      if (place.writer === writer && place.index === at) cut();
      return [frame];
    };
  };

const STEPS: readonly Step[] = [
  {
    name: "before the offer is sent",
    arm: ({ relay }, cut) => {
      relay.onAnswer = (_to, frame) => {
        if (frame.kind === "found") cut();
        return [frame];
      };
    },
    outcomes: ["peer/absent"],
  },
  { name: "at the offer", arm: onDelivery("offer"), outcomes: ["peer/gone", "peer/absent"] },
  { name: "at the answer", arm: onDelivery("answer"), outcomes: ["peer/gone", "peer/absent"] },
  {
    name: "at the pipe",
    arm: ({ relay }, cut) => {
      relay.onAnswer = (_to, frame) => {
        if (frame.kind === "pipe-ticket") cut();
        return [frame];
      };
    },
    outcomes: ["peer/gone", "peer/absent"],
  },
  { name: "at the session key", arm: onFrame("alice", 0), outcomes: ["peer/gone"] },
  { name: "amid the records", arm: onFrame("alice", 1), outcomes: ["peer/gone"] },
  { name: "at its first word", arm: onFrame("bob", 0), outcomes: ["peer/gone", "done"] },
  // Its pipe, and with it `done`, may be cut before the receipt has been looked at.
  { name: "at the receipt", arm: onDelivery("receipt"), outcomes: ["done", "peer/gone"] },
];

for (const profile of PROFILES) {
  test(`S-17 ${profile}: a receiver that dies at any step is gone, then listed again`, async () => {
    for (const { name, arm, outcomes } of STEPS) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      const isDead = armOnce(stage, arm, "bob");
      const outcome = await stage.send(alice, "bob", { profile, content: bytesSource(FILE) });
      assert.ok(isDead(), `${name} was reached`);
      assert.ok(outcomes.includes(outcome), `${name}: ${outcome}`);
      await isListedAgain(stage, alice, bob, profile);
    }
  });

  test(`S-17 ${profile}: a sender that dies at any step leaves its receiver listed`, async () => {
    for (const { name, arm } of STEPS) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      const isDead = armOnce(stage, arm, "alice");
      await stage.clock.until(
        stage.start(alice, "bob", { profile, content: bytesSource(FILE) }).then(
          async (transfer) => await outcomeOf(transfer),
          () => "not found",
        ),
      );
      assert.ok(isDead(), `${name} was reached`);
      // Whatever waits for Alice has its time.
      await stage.clock.advance(30_000);
      await isListedAgain(stage, alice, bob, profile);
    }
  });

  test(`S-17 ${profile}: a receiver of 2 s or 9 min takes its time, and is busy meanwhile`, async () => {
    for (const delayMs of [2_000, 9 * 60_000]) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      bob.answer = () => "wait";
      const running = outcomeOf(stage.start(alice, "bob", { profile }));
      await stage.clock.advance(delayMs);
      assert.deepEqual(stage.relay.listed(), []);
      bob.accept(bob.offers[0]!);
      assert.equal(await stage.clock.until(running), "done");
      await stage.clock.advance(0);
      assert.deepEqual(stage.relay.listed(), ["bob"]);
    }
  });
}

/** Cuts the link and the pipes of `who` at the step, once. Returns whether that has happened,
 * and has taken it off the list at once. */
function armOnce(stage: Stage, arm: Step["arm"], who: string): () => boolean {
  let [isDead, isGone] = [false, false];
  arm(stage, () => {
    if (isDead) return;
    isDead = true;
    stage.relay.cut(who);
    stage.relay.pipes.cut(who);
    // The relay is in the midst of a step: it takes notice right after it.
    queueMicrotask(() => {
      isGone = !stage.relay.listed().includes(who);
    });
  });
  return () => isDead && isGone;
}

async function isListedAgain(
  stage: Stage,
  alice: Actor,
  bob: Actor,
  profile: (typeof PROFILES)[number],
): Promise<void> {
  const { relay, clock } = stage;
  relay.onAnswer = (_to, frame) => [frame];
  relay.pipes.onFrame = (frame) => [frame];
  // The way back takes a client a quarter of a second.
  await clock.advance(1_000);
  assert.deepEqual(relay.listed(), ["bob"]);
  const already = bob.received.length;
  assert.equal(await stage.send(alice, "bob", { profile, content: bytesSource(FILE) }), "done");
  assert.equal(bob.received.length, already + 1);
}
