import assert from "node:assert/strict";
import { test } from "node:test";
import { FOUND_VALID_MS } from "@postern/core/limits";
import type { FoundFrame } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { RecentFinds } from "./recent-finds.ts";

const ANN = new Uint8Array(32).fill(1);
const BOB = new Uint8Array(32).fill(2);
const FOUND: FoundFrame = {
  kind: "found",
  request: 1,
  status: "free",
  id: new Uint8Array(35),
  profiles: 4,
};

function recentFinds(): { readonly recent: RecentFinds; readonly turn: (ms: number) => void } {
  let now = 0;
  const recent = new RecentFinds({ now: () => now as InstantMs });
  recent.keep("ann", FOUND, ANN, recent.mark);
  recent.keep("bob", FOUND, BOB, recent.mark);
  return { recent, turn: (ms) => (now += ms) };
}

test("RecentFinds keeps an answer for a time that its use does not prolong", () => {
  const { recent, turn } = recentFinds();
  turn(FOUND_VALID_MS - 1);
  assert.equal(recent.of("ann"), FOUND);
  turn(1);
  assert.equal(recent.of("ann"), undefined);
  assert.equal(recent.of("eve"), undefined);
});

test("RecentFinds knows nothing while a transfer to the peer runs: it may have no room", async () => {
  const { recent } = recentFinds();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  recent.use(ANN, first.promise);
  recent.use(ANN, second.promise);
  first.resolve();
  await first.promise;
  assert.deepEqual([recent.of("ann"), recent.of("bob")], [undefined, FOUND]);
  second.resolve();
  await second.promise;
  assert.equal(recent.of("ann"), FOUND);
});

test("RecentFinds forgets a peer that failed, that has gone, and all with their link", async () => {
  const { recent } = recentFinds();
  const failing = Promise.reject(new Error("declined"));
  recent.use(ANN, failing);
  await failing.catch(() => undefined);
  await Promise.resolve();
  assert.deepEqual([recent.of("ann"), recent.of("bob")], [undefined, FOUND]);
  recent.forget(BOB);
  assert.equal(recent.of("bob"), undefined);
  recent.keep("ann", FOUND, ANN, recent.mark);
  recent.clear();
  assert.equal(recent.of("ann"), undefined);
});

test("RecentFinds asks once for all who want the same name before its answer", async () => {
  const { recent } = recentFinds();
  const answers = [Promise.withResolvers<FoundFrame>(), Promise.withResolvers<FoundFrame>()];
  const asked: string[] = [];
  const ask = async (name: string): Promise<FoundFrame> =>
    await answers[asked.push(name) - 1]!.promise;
  const both = Promise.all([recent.next("ann", ask), recent.next("ann", ask)]);
  assert.deepEqual(asked, ["ann"]);
  answers[0]!.resolve(FOUND);
  assert.deepEqual(await both, [FOUND, FOUND]);
  const failing = recent.next("ann", ask);
  answers[1]!.reject(new Error("the link is gone"));
  await assert.rejects(failing);
  assert.deepEqual(asked, ["ann", "ann"]);
});

test("RecentFinds gives nobody the answer to a question from before a failure", async () => {
  const { recent } = recentFinds();
  const asked: string[] = [];
  const ask = async (name: string): Promise<FoundFrame> => {
    asked.push(name);
    return FOUND;
  };
  for (const speakAgainst of [() => recent.forget(ANN), () => recent.clear()]) {
    const earlier = recent.next("ann", ask);
    speakAgainst();
    await Promise.all([earlier, recent.next("ann", ask)]);
  }
  assert.equal(asked.length, 4);
});

test("RecentFinds does not keep an answer behind which the relay said the contrary", async () => {
  const { recent } = recentFinds();
  for (const speakAgainst of [() => recent.forget(ANN), () => recent.clear()]) {
    const { mark } = recent;
    const asked = recent.next("ann", async () => FOUND);
    speakAgainst();
    recent.keep("ann", await asked, ANN, mark);
    assert.equal(recent.of("ann"), undefined);
  }
  recent.keep("ann", FOUND, ANN, recent.mark);
  assert.equal(recent.of("ann"), FOUND);
});

test("RecentFinds forgets the oldest of too many names", () => {
  const { recent } = recentFinds();
  for (let n = 0; n < 255; n++) recent.keep(`n${n}`, FOUND, BOB, recent.mark);
  assert.equal(recent.of("ann"), undefined);
  assert.equal(recent.of("bob"), FOUND);
});
