/** A relay that swallows what it likes and closes nothing, and receivers that are only slow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PIPE_STALLED_MS,
  PIPES_PER_TRANSFER_MAX,
  PAUSE_AFTER_MS,
  PING_INTERVAL_MS,
} from "@postern/core/limits";
import type { TamperFrame } from "../../test/memory-pipe.ts";
import { outcome, RecordsLab, type LabOptions } from "../../test/records-lab.ts";

const MIB = 1_048_576;
const CONTENT = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7 + (i >> 8));
/** When a stall is seen: it is looked for every so often. */
const SEEN_MS = PIPE_STALLED_MS + PING_INTERVAL_MS;
/** Much longer than any stall is borne. */
const LONG_MS = 20 * SEEN_MS;

const isLast = (frame: Uint8Array) => frame[0] === 2 && frame[1] === 1;
const isRecord = (frame: Uint8Array) => frame[0] === 2 && frame[1] === 0;

/** Both ends; with how many pipes it ended, or how it failed, after how long. */
async function run(
  options: LabOptions,
  lab = new RecordsLab(CONTENT, { renews: true, ...options }),
) {
  const since = lab.clock.now();
  let tookMs = Number.POSITIVE_INFINITY;
  const sending = outcome(lab.send());
  const receiving = outcome(lab.receive());
  void sending.then(() => (tookMs = lab.clock.now() - since));
  for (let passed = 0; passed < LONG_MS && tookMs > LONG_MS; passed += 5_000)
    await lab.clock.advance(5_000);
  lab.sendAbort.abort();
  lab.receiveAbort.abort();
  return { lab, tookMs, sending, receiving };
}

for (const what of [
  "the last record",
  "a record in the middle",
  "every frame from one on",
] as const)
  test(`P-06 C-17 a relay that swallows ${what} and closes nothing costs one new pipe`, async () => {
    const forward: TamperFrame = (frame, i, pipe) => {
      if (pipe > 0) return [frame];
      if (what === "the last record") return isLast(frame) ? [] : [frame];
      if (what === "a record in the middle") return isRecord(frame) && i === 2 ? [] : [frame];
      return i >= 2 ? [] : [frame];
    };
    const { lab, tookMs, sending } = await run({ forward });
    const { result } = await sending;
    // What follows a record shows that it is missing.
    assert.equal(result?.pipes, what === "a record in the middle" ? 1 : 2);
    assert.ok(tookMs <= SEEN_MS + 10_000, `${tookMs}`);
    assert.ok(Buffer.from(lab.sink.bytes).equals(Buffer.from(CONTENT)));
    assert.equal(lab.sink.committed, CONTENT.length);
  });

test("P-06 C-17 a relay that swallows the receiver's words costs new pipes, and then the transfer", async () => {
  const { lab, tookMs, sending } = await run({ reverse: () => [] });
  assert.equal((await sending).code, "transfer/pipe-lost");
  assert.equal(lab.allPipes.length, PIPES_PER_TRANSFER_MAX);
  assert.ok(tookMs <= PIPES_PER_TRANSFER_MAX * SEEN_MS, `${tookMs}`);
});

test("P-06 C-17 a relay that swallows the last record each time fails the transfer, in bounded time", async () => {
  const { tookMs, sending, lab } = await run({
    forward: (frame) => (isLast(frame) ? [] : [frame]),
  });
  assert.equal((await sending).code, "transfer/pipe-lost");
  assert.ok(tookMs <= PIPES_PER_TRANSFER_MAX * SEEN_MS, `${tookMs}`);
  assert.equal(lab.sink.committed, undefined);
  assert.equal(lab.source.closed, 1);
});

test("P-06 a receiver whose sink takes nothing for hours has said so, and costs nothing", async () => {
  const content = new Uint8Array(8 * MIB);
  const lab = new RecordsLab(content, { renews: true });
  const stall = Promise.withResolvers<undefined>();
  lab.sink.beforeWrite = (offset) => (offset < MIB ? Promise.resolve(undefined) : stall.promise);
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(PAUSE_AFTER_MS + LONG_MS);
  assert.equal(lab.allPipes.length, 1);
  stall.resolve(undefined);
  await lab.clock.advance(1_000);
  assert.equal((await both)[0].result?.pipes, 1);
});

test("P-06 a sink that is stuck for hours asks for patience, however little waits for it", async () => {
  for (const bytes of [10_000, 200_000]) {
    const lab = new RecordsLab(CONTENT.subarray(0, bytes), { renews: true, size: undefined });
    const stuck = Promise.withResolvers<undefined>();
    const more = Promise.withResolvers<undefined>();
    lab.sink.beforeWrite = async () => stuck.promise;
    const read = lab.source.read.bind(lab.source);
    lab.source.read = async (into, offset) => {
      if (offset > 0) await more.promise;
      return await read(into.subarray(0, 5_000), offset);
    };
    const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
    await lab.clock.advance(LONG_MS);
    assert.equal(lab.allPipes.length, 1);
    stuck.resolve(undefined);
    more.resolve(undefined);
    await lab.clock.advance(10_000);
    assert.equal((await both)[0].result?.pipes, 1);
  }
});

test("P-06 a receiver that takes hours to store what has come costs one pipe at most", async () => {
  const lab = new RecordsLab(CONTENT, { renews: true });
  const slow = Promise.withResolvers<undefined>();
  lab.sink.commit = async () => {
    await slow.promise;
  };
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(LONG_MS);
  slow.resolve(undefined);
  await lab.clock.advance(1_000);
  const [sent, received] = await both;
  assert.deepEqual([sent.code, received.code], [undefined, undefined]);
  assert.ok((sent.result?.pipes ?? 0) <= 2);
});

test("P-06 C-17 a relay that swallows every word of a receiver that has paused costs a new pipe", async () => {
  const content = new Uint8Array(8 * MIB);
  const lab: RecordsLab = new RecordsLab(content, {
    renews: true,
    reverse: (frame, _i, pipe) => (pipe > 0 || lab.clock.now() < SEEN_MS ? [frame] : []),
  });
  const stall = Promise.withResolvers<undefined>();
  lab.sink.beforeWrite = (offset) => (offset < MIB ? Promise.resolve(undefined) : stall.promise);
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(SEEN_MS);
  assert.equal(lab.allPipes.length, 1);
  await lab.clock.advance(SEEN_MS + 1_000);
  assert.equal(lab.allPipes.length, 2);
  stall.resolve(undefined);
  await lab.clock.advance(1_000);
  lab.sendAbort.abort();
  assert.equal((await both)[0].result?.pipes, 2);
});

test("P-06 a source that gives nothing for hours is no stall, nor is what follows it", async () => {
  const lab = new RecordsLab(CONTENT, { renews: true, size: undefined });
  const pause = Promise.withResolvers<undefined>();
  const read = lab.source.read.bind(lab.source);
  lab.source.readBytes = 50_000;
  lab.source.read = async (into, offset) => {
    if (offset >= 100_000) await pause.promise;
    return await read(into, offset);
  };
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(LONG_MS);
  pause.resolve(undefined);
  await lab.clock.advance(2_000);
  assert.equal((await both)[0].result?.pipes, 1);
});
