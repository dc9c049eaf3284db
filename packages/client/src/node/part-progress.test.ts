import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PART_SYNC_BYTES,
  PART_SYNC_INTERVAL_MS_MAX,
  PART_SYNC_INTERVAL_MS_MIN,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { hasCode } from "../../test/has-code.ts";
import { PartProgress } from "./part-progress.ts";

/** A disk whose syncs end when the test says so. */
function lab() {
  const syncs: PromiseWithResolvers<void>[] = [];
  const notes: number[] = [];
  let now = 0;
  const progress = new PartProgress({
    handle: {
      datasync: async () => {
        const sync = Promise.withResolvers<void>();
        syncs.push(sync);
        await sync.promise;
      },
    },
    clock: { now: () => now as InstantMs },
    bytes: 0,
    note: async (bytes) => void notes.push(bytes),
  });
  return { progress, syncs, notes, pass: (ms: number) => (now += ms) };
}

test("PartProgress syncs after PART_SYNC_BYTES, not within PART_SYNC_INTERVAL_MS_MIN", async () => {
  const { progress, syncs, notes, pass } = lab();
  progress.written(PART_SYNC_BYTES);
  pass(PART_SYNC_INTERVAL_MS_MIN - 1);
  progress.written(2 * PART_SYNC_BYTES);
  assert.equal(syncs.length, 0);
  pass(1);
  progress.written(3 * PART_SYNC_BYTES);
  assert.equal(syncs.length, 1);
  // What is written meanwhile may not be on the disk when the sync ends.
  progress.written(5 * PART_SYNC_BYTES);
  syncs[0]?.resolve();
  await progress.settled();
  assert.deepEqual(notes, [3 * PART_SYNC_BYTES]);
  assert.equal(progress.durable, 3 * PART_SYNC_BYTES);
});

test("PartProgress syncs the little that came in PART_SYNC_INTERVAL_MS_MAX", () => {
  const { progress, syncs, pass } = lab();
  pass(PART_SYNC_INTERVAL_MS_MAX);
  progress.written(0);
  assert.equal(syncs.length, 0);
  pass(-1);
  progress.written(1);
  assert.equal(syncs.length, 0);
  pass(1);
  progress.written(1);
  assert.equal(syncs.length, 1);
});

test("PartProgress finish() waits for what is under way and brings the rest", async () => {
  const { progress, syncs, notes, pass } = lab();
  pass(PART_SYNC_INTERVAL_MS_MAX);
  progress.written(10);
  const finished = progress.finish(20);
  syncs[0]?.resolve();
  while (syncs.length < 2) await Promise.resolve();
  syncs[1]?.resolve();
  await finished;
  assert.deepEqual(notes, [10, 20]);
  await progress.finish(20);
  assert.equal(syncs.length, 2);
});

test("PartProgress last() waits for what is under way; what it fails of is for ever (F-11)", async () => {
  const { progress, syncs, notes, pass } = lab();
  pass(PART_SYNC_INTERVAL_MS_MAX);
  progress.written(10);
  let isAsked = false;
  const last = progress.last(async () => {
    isAsked = true;
    throw Object.assign(new Error("lost"), { code: "EIO" });
  });
  assert.equal(isAsked, false);
  syncs[0]?.resolve();
  await assert.rejects(last, hasCode("store/failed"));
  await assert.rejects(progress.finish(20), hasCode("store/failed"));
  assert.equal(syncs.length, 1);
  assert.deepEqual([progress.durable, ...notes], [10, 10]);
});

test("PartProgress tells a failed sync to the next write, and takes no more (F-11)", async () => {
  const { progress, syncs, notes, pass } = lab();
  pass(PART_SYNC_INTERVAL_MS_MAX);
  progress.written(10);
  syncs[0]?.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
  await assert.rejects(progress.settled(), hasCode("store/no-space"));
  assert.throws(() => progress.written(20), hasCode("store/no-space"));
  await assert.rejects(progress.finish(20), hasCode("store/no-space"));
  assert.deepEqual(notes, []);
  assert.equal(progress.durable, 0);
});
