import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { identityFromSeed } from "@postern/core/identity";
import type { DirectoryAnswer } from "@postern/core/peer";
import type { InstantMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { hasCode } from "../test/has-code.ts";
import type { Paired, Pairing } from "./people.ts";
import type { Met } from "./client-contacts.ts";
import type { PairingFrame } from "./connection.ts";
import { PairingDesk, type PairingHost } from "./pairing-desk.ts";

type Sent = Parameters<PairingHost["send"]>[0];

const SLOT = 37;

/** One client at a relay that does nothing by itself. */
class Side {
  readonly sent: Sent[] = [];
  readonly met: Met[] = [];
  readonly timers: { readonly delayMs: number; readonly run: () => void }[] = [];
  now = 0;
  /** Answers the last question. */
  answer: (answer: DirectoryAnswer) => void = () => assert.fail("nothing was asked");
  fail: (error: PosternError) => void = () => assert.fail("nothing was asked");
  readonly desk = new PairingDesk({
    clock: {
      now: () => this.now as InstantMs,
      after: (delayMs, run) => {
        const timer = { delayMs, run };
        this.timers.push(timer);
        return () => void this.timers.splice(this.timers.indexOf(timer), 1);
      },
    },
    directory: {
      meet: (_query, answered, failed) => {
        this.answer = answered;
        this.fail = failed;
      },
    },
    send: (frame) => void this.sent.push(frame),
    meet: async (met) => {
      this.met.push(met);
      return { peer: { name: met.name, fingerprint: "", trust: undefined }, keep: never };
    },
  });
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  start(code?: string): Pairing {
    const identity = identityFromSeed(suite, new Uint8Array(32).fill(this.#seed));
    const { id, fingerprint, signing } = identity;
    const own = { self: { id, fingerprint }, signing, name: `side-${this.#seed}` };
    const context = { suite, relayFingerprint: new Uint8Array(32), ...own };
    return this.desk.start(context, code === undefined ? {} : { code });
  }

  /** Hands what this side sent to the other, all in one turn. */
  relayTo(other: Side): void {
    for (const frame of this.sent.splice(0)) {
      const said: PairingFrame =
        frame.kind === "pair-send"
          ? { kind: "pair-message", slot: frame.slot, body: frame.body }
          : { kind: "pair-closed", slot: frame.slot, reason: "closed" };
      other.desk.onFrame(said);
    }
  }
}

test("start() pairs two sides, also when answers and frames come in one turn", async () => {
  const { ann, bob, opening, joining } = await opened();
  bob.answer({ kind: "done" });
  // Nothing waits for a promise in between: the relay may send all this in one piece.
  ann.desk.onFrame({ kind: "pair-joined", slot: SLOT });
  for (let turn = 0; turn < 3; turn++) {
    ann.relayTo(bob);
    bob.relayTo(ann);
  }
  const both: readonly Paired[] = await Promise.all([opening.paired, joining.paired]);
  assert.deepEqual(
    both.map(({ peer }) => peer.name),
    ["side-2", "side-1"],
  );
  assert.deepEqual(ann.met[0]?.secret, bob.met[0]?.secret);
  assert.deepEqual([ann.timers, bob.timers], [[], []], "no timer is left behind");
});

test("onFrame() keeps frames of other slots out of a pairing", async () => {
  const { ann, opening } = await opened();
  ann.desk.onFrame({ kind: "pair-closed", slot: SLOT + 1, reason: "expired" });
  ann.desk.onFrame({ kind: "pair-joined", slot: SLOT + 1 });
  assert.deepEqual(ann.sent, []);
  ann.desk.onFrame({ kind: "pair-closed", slot: SLOT, reason: "expired" });
  await assert.rejects(opening.paired, hasCode("pairing/expired"));
});

test("a lost link, a refusal, a timer and cancel() end a pairing, each in its own way", async () => {
  const lost = new PosternError("link/closed", "gone");
  const { ann, opening } = await opened();
  ann.desk.onLost(lost);
  await assert.rejects(opening.paired, hasCode("link/closed"));
  const refused = ann.start();
  ann.answer({ kind: "overloaded" });
  await assert.rejects(refused.paired, hasCode("pairing/limited"));
  const unasked = ann.start();
  ann.fail(lost);
  await assert.rejects(unasked.paired, hasCode("link/closed"));
  const late = ann.start();
  const [timer] = ann.timers;
  ann.now += timer!.delayMs;
  timer!.run();
  await assert.rejects(late.paired, hasCode("pairing/expired"));
  const cancelled = ann.start();
  await ann.desk.end();
  await assert.rejects(cancelled.paired, hasCode("pairing/cancelled"));
  ann.answer({ kind: "pair-slot", request: 1, slot: SLOT, validMs: 1_000 });
  assert.deepEqual(ann.sent.at(-1), { kind: "pair-close", slot: SLOT }, "nobody will come");
  assert.deepEqual(ann.timers, []);
});

test("start() refuses what is no code at once, and asks the relay nothing", () => {
  const ann = new Side(1);
  assert.throws(() => ann.start("7-nonsense"), hasCode("pairing/invalid-code"));
  assert.throws(() => ann.answer({ kind: "done" }), { message: "nothing was asked" });
});

/** Ann has opened a slot, and Bob has asked to join it with her code. */
async function opened(): Promise<{ ann: Side; bob: Side; opening: Pairing; joining: Pairing }> {
  const [ann, bob] = [new Side(1), new Side(2)];
  const opening = ann.start();
  ann.answer({ kind: "pair-slot", request: 1, slot: SLOT, validMs: 60_000 });
  const { value } = await opening[Symbol.asyncIterator]().next();
  assert.ok(value?.type === "code");
  return { ann, bob, opening, joining: bob.start(value.code) };
}

async function never(): Promise<never> {
  return await new Promise<never>(() => undefined);
}
