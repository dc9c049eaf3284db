/** Both pumps while pipes break, one after the other (docs/protocol.md 8.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import {
  ANSWER_TIMEOUT_MS,
  FRAME_STALL_MS_MAX,
  PAUSE_AFTER_MS,
  PIPES_PER_TRANSFER_MAX,
} from "@postern/core/limits";
import type { TamperFrame } from "../../test/memory-pipe.ts";
import { outcome, RecordsLab, type LabOptions } from "../../test/records-lab.ts";
import type { RecordsEvent } from "./options.ts";

const MIB = 1_048_576;

function counted(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

const CONTENT = counted(200_000);
/** Session, three records, the last one. */
const FRAMES = 5;

async function assertHealed(options: LabOptions, content = CONTENT): Promise<RecordsLab> {
  const lab = new RecordsLab(content, { renews: true, ...options });
  assertWhole(lab, await lab.run(), content);
  return lab;
}

function assertWhole(
  lab: RecordsLab,
  [sent, received]: Awaited<ReturnType<RecordsLab["run"]>>,
  content = CONTENT,
): void {
  assert.deepEqual([sent.code, received.code], [undefined, undefined]);
  assert.deepEqual(sent.result?.digest, received.result?.digest);
  assert.equal(lab.sink.committed, content.length);
  assert.ok(Buffer.from(lab.sink.bytes).equals(content));
  assert.equal(lab.source.closed, 1);
  assert.equal(lab.sink.abandoned, 0);
  assert.equal(lab.wiped, 2);
}

function newPipes(events: readonly RecordsEvent[]): readonly number[] {
  return events.flatMap((event) => (event.type === "new-pipe" ? [event.count] : []));
}

/** A frame of the first pipe meets `what`; all others arrive. */
function once(n: number, what: (frame: Uint8Array) => ReturnType<TamperFrame>): TamperFrame {
  return (frame, i, pipe) => (pipe === 0 && i === n ? what(frame) : [frame]);
}

test("C-01 sendRecords(), receiveRecords(): one broken header costs exactly one new pipe", async () => {
  for (let n = 0; n < FRAMES; n++) {
    const lab = await assertHealed({ forward: once(n, (frame) => [flipped(frame, 0)]) });
    assert.deepEqual(newPipes(lab.sent), [2]);
    assert.deepEqual(newPipes(lab.received), [2]);
    assert.equal(lab.allPipes.length, 2);
    assert.deepEqual(lab.asked, { sender: 1, receiver: 1 });
  }
});

test("C-03 a pipe that is cut or lost after any frame costs one new pipe, the last frame too", async () => {
  for (const way of ["cut", "lost"] as const)
    for (let n = 0; n < FRAMES; n++) {
      const lab = await assertHealed({ forward: once(n, () => way) });
      assert.deepEqual(newPipes(lab.sent), [2], `${way} at ${n}`);
    }
});

test("C-03 a pipe that is cut within a frame costs one new pipe", async () => {
  for (const bytes of [1, 31, 32, 33, 1_000]) {
    const forward: TamperFrame = (frame, i, pipe) => {
      if (pipe > 0 || i < 2) return [frame];
      return i === 2 ? [frame.subarray(0, bytes)] : "cut";
    };
    await assertHealed({ forward });
  }
});

test("C-03 a pipe that is lost with any word of the receiver costs one new pipe, `done` too", async () => {
  const plain = await assertHealed({});
  const words = plain.pipes.receiver.written.length;
  assert.ok(words >= 2);
  for (const way of ["cut", "lost"] as const)
    for (let n = 0; n < words; n++) {
      const lab = await assertHealed({ reverse: once(n, () => way) });
      assert.deepEqual(newPipes(lab.sent), [2], `${way} at ${n} of ${words}`);
    }
});

test("C-01 a damaged word of the receiver costs one new pipe", async () => {
  for (const at of [0, 20, 40]) {
    const lab = await assertHealed({ reverse: once(0, (frame) => [flipped(frame, at)]) });
    assert.deepEqual(newPipes(lab.sent), [2]);
  }
});

test("receiveRecords() says `done` again on a pipe that comes after it has ended", async () => {
  const lab = new RecordsLab(CONTENT, { renews: true });
  lab.pipes.receiver.held = true;
  const sending = outcome(lab.send());
  const received = await Promise.race([outcome(lab.receive()), lab.clock.advance(5_000)]);
  assert.equal(received?.result?.total, CONTENT.length);
  lab.pipes.sender.destroy();
  await lab.clock.advance(100);
  const sent = await sending;
  assert.equal(sent.result?.pipes, 2);
  assert.deepEqual(sent.result?.digest, received?.result?.digest);
});

test("sendRecords() takes the receiver's word from elsewhere, with and without a pipe", async () => {
  for (const isBroken of [false, true]) {
    const lab = new RecordsLab(CONTENT, { renews: false });
    lab.pipes.receiver.held = true;
    const sending = outcome(lab.send());
    const received = await Promise.race([outcome(lab.receive()), lab.clock.advance(5_000)]);
    assert.ok(received?.result !== undefined);
    if (isBroken) lab.pipes.sender.destroy();
    await lab.clock.advance(100);
    lab.confirm(received.result);
    await lab.clock.advance(10_000);
    assert.deepEqual((await sending).result?.digest, received.result.digest);
    assert.equal(lab.source.closed, 1);
  }
});

test("C-02 sendRecords() takes no word from elsewhere that says other than it sent", async () => {
  const lab = new RecordsLab(CONTENT, { renews: false });
  lab.pipes.receiver.held = true;
  const sending = outcome(lab.send());
  const received = await Promise.race([outcome(lab.receive()), lab.clock.advance(5_000)]);
  assert.ok(received?.result !== undefined);
  lab.confirm({ ...received.result, digest: new Uint8Array(32) });
  await lab.clock.advance(10_000);
  assert.equal((await sending).code, "transfer/digest-mismatch");
});

test("receiveRecords() stays in touch over a new pipe while its sink takes long to commit", async () => {
  const lab = new RecordsLab(CONTENT, { renews: true });
  const slow = Promise.withResolvers<undefined>();
  lab.sink.commit = async (total) => {
    await slow.promise;
    lab.sink.committed = total;
  };
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(1_000);
  lab.pipes.sender.destroy();
  // Much longer than a new pipe may stay silent.
  await lab.clock.advance(4 * ANSWER_TIMEOUT_MS);
  slow.resolve(undefined);
  await lab.clock.advance(100);
  assertWhole(lab, await both);
  assert.deepEqual(newPipes(lab.sent), [2]);
});

test("receiveRecords() takes a new pipe while its sink takes nothing, and says so there", async () => {
  const content = counted(8 * MIB);
  const lab = new RecordsLab(content, { renews: true });
  const stall = Promise.withResolvers<undefined>();
  lab.sink.beforeWrite = (offset) => (offset < MIB ? Promise.resolve(undefined) : stall.promise);
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(PAUSE_AFTER_MS + 100);
  lab.pipes.sender.destroy();
  await lab.clock.advance(4 * ANSWER_TIMEOUT_MS);
  stall.resolve(undefined);
  await lab.clock.advance(1_000);
  assertWhole(lab, await both, content);
  assert.deepEqual(newPipes(lab.sent), [2]);
});

test("a header that is broken on each pipe fails both sides as framing, after the last pipe", async () => {
  const forward: TamperFrame = (frame) =>
    frame[0] === 2 && new DataView(frame.buffer).getBigUint64(20) === 65_536n
      ? [flipped(frame, 0)]
      : [frame];
  const lab = new RecordsLab(CONTENT, { renews: true, forward });
  const [sent, received] = await lab.run();
  assert.deepEqual([sent.code, received.code], ["transfer/framing", "transfer/framing"]);
  assert.equal(lab.allPipes.length, PIPES_PER_TRANSFER_MAX);
  assert.equal(lab.sink.committed, undefined);
  assert.equal(lab.sink.abandoned, 1);
  assert.equal(lab.source.closed, 1);
  assert.equal(lab.wiped, 2);
});

test("a path that loses each pipe fails both sides, after the last pipe", async () => {
  const forward: TamperFrame = (frame, i) => (i === 2 ? "lost" : [frame]);
  const lab = new RecordsLab(counted(4 * MIB), { renews: true, forward });
  const [sent, received] = await lab.run();
  assert.deepEqual([sent.code, received.code], ["transfer/pipe-lost", "transfer/pipe-lost"]);
  assert.equal(lab.allPipes.length, PIPES_PER_TRANSFER_MAX);
  assert.equal(lab.sink.abandoned, 1);
});

test("P-01 a length that asks for bytes which nobody sends costs a moment and one new pipe", async () => {
  // Byte 5 of the header is the third of the length: 64 KiB become 576.
  const lab = await assertHealed({ forward: once(1, (frame) => [flipped(frame, 5, 8)]) });
  assert.deepEqual(newPipes(lab.sent), [2]);
  const tookMs = lab.clock.now();
  assert.ok(tookMs >= FRAME_STALL_MS_MAX && tookMs <= 2 * FRAME_STALL_MS_MAX + 1_000, `${tookMs}`);
});

test("P-06 a new pipe on which the receiver says nothing is given up", async () => {
  const lab = new RecordsLab(CONTENT, { renews: true, forward: once(1, () => "lost") });
  const sending = outcome(lab.send());
  await lab.clock.advance(ANSWER_TIMEOUT_MS * PIPES_PER_TRANSFER_MAX);
  assert.equal((await sending).code, "transfer/pipe-lost");
  assert.equal(lab.allPipes.length, PIPES_PER_TRANSFER_MAX);
  // Not a byte left before the receiver had said from where.
  for (const { sender } of lab.allPipes.slice(1)) assert.equal(sender.written.length, 0);
});

test("a cancel ends a side that waits for a pipe, and the pipe that comes too late is closed", async () => {
  for (const end of ["sender", "receiver"] as const) {
    const lab = new RecordsLab(CONTENT, { renews: false, forward: once(2, () => "lost") });
    const both = { sender: outcome(lab.send()), receiver: outcome(lab.receive()) };
    await lab.clock.advance(100);
    assert.deepEqual(lab.asked, { sender: 1, receiver: 1 });
    const abort = end === "sender" ? lab.sendAbort : lab.receiveAbort;
    abort.abort(new PosternError("transfer/cancelled", "from the test"));
    await lab.clock.advance(100);
    assert.equal((await both[end]).code, "transfer/cancelled");
    lab.replacePipe();
    await lab.clock.advance(100);
    await lab.allPipes[1]![end].closed;
    (end === "sender" ? lab.receiveAbort : lab.sendAbort).abort();
    await lab.clock.advance(10_000);
  }
});

test("C-04 S-05 faults of every kind at random: whole, or failed on both sides", async () => {
  let state = 7;
  const chance = (n: number): boolean => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % n === 0;
  };
  const forward: TamperFrame = (frame) => {
    if (chance(60)) return "lost";
    if (chance(60)) return [flipped(frame, 1)];
    return [chance(10) ? flipped(frame, frame.length - 1) : frame];
  };
  const reverse: TamperFrame = (frame) => (chance(60) ? "lost" : [frame]);
  const content = counted(MIB);
  let healed = 0;
  for (let round = 0; round < 20; round++) {
    const lab = new RecordsLab(content, { renews: true, forward, reverse });
    const [sent, received] = await lab.run();
    if (sent.code === undefined) assertWhole(lab, [sent, received], content);
    else if (received.code !== undefined) assert.equal(lab.sink.committed, undefined);
    if (sent.code === undefined && lab.allPipes.length > 1) healed++;
  }
  assert.ok(healed >= 3, `${healed}`);
});

function flipped(frame: Uint8Array, at: number, bits = 4): Uint8Array {
  const copy = frame.slice();
  copy[at]! ^= bits;
  return copy;
}
