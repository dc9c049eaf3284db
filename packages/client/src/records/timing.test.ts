/** Session keys, rates and stalls, by a clock that the test turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAUSE_AFTER_MS, UNVERIFIED_BYTES_MAX } from "@postern/core/limits";
import { outcome, RecordsLab } from "../../test/records-lab.ts";
import type { RecordsEvent } from "./options.ts";

const MIB = 1_048_576;

function keysOf(events: readonly RecordsEvent[]): readonly number[] {
  return events.flatMap((event) => (event.type === "session-key" ? [event.atOffset] : []));
}

test("a throttled transfer changes its session key every 5 s", async () => {
  const rateLimit = 200_000;
  const lab = new RecordsLab(new Uint8Array(12.5 * rateLimit), { send: { rateLimit } });
  const [sent, received] = await lab.run();
  assert.equal(sent.result?.sessionKeys, 3);
  assert.equal(received.result?.sessionKeys, 3);
  const seconds = lab.clock.now() / 1_000;
  assert.ok(seconds > 12 && seconds < 13, `${seconds} s`);
  const keys = keysOf(lab.sent);
  assert.deepEqual(keysOf(lab.received), keys);
  for (const [i, offset] of keys.entries())
    assert.ok(Math.abs(offset - i * 5 * rateLimit) < rateLimit / 2, `key ${i} at ${offset}`);
});

test("sendRecords() sends small records at a small rate", async () => {
  const lab = new RecordsLab(new Uint8Array(100_000), { send: { rateLimit: 10_000 } });
  await lab.run(50);
  const records = lab.pipes.sender.written.filter(([type]) => type === 2);
  assert.ok(records.every((record) => record.length <= 16_384 + 48));
});

test("progress events come at most ten a second and end with the whole", async () => {
  const lab = new RecordsLab(new Uint8Array(2 * MIB), { send: { rateLimit: MIB } });
  await lab.run();
  for (const events of [lab.sent, lab.received]) {
    const progress = events.filter((event) => event.type === "progress");
    assert.ok(progress.length > 5 && progress.length <= 22, `${progress.length}`);
    assert.equal(progress.at(-1)?.bytes, 2 * MIB);
    assert.equal(progress.at(-1)?.total, 2 * MIB);
    assert.ok(progress.every(({ keyAgeMs }) => keyAgeMs < 5_000));
  }
});

test("receiveRecords() pauses the sender while its sink takes nothing, then goes on", async () => {
  const content = new Uint8Array(16 * MIB);
  const lab = new RecordsLab(content);
  const stall = Promise.withResolvers<undefined>();
  // `pause` and `continue` are the only reverse frames of one byte.
  const bare = () => lab.pipes.receiver.written.filter(({ length }) => length === 49).length;
  lab.sink.beforeWrite = (offset) =>
    offset < 4 * MIB ? Promise.resolve(undefined) : stall.promise;
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(PAUSE_AFTER_MS - 100);
  assert.equal(bare(), 0);
  await lab.clock.advance(200);
  assert.equal(bare(), 1);
  const written = lab.pipes.sender.written.length;
  // Longer than any key may live on its way: the receiver's own delay does not age it.
  await lab.clock.advance(20_000);
  assert.equal(lab.pipes.sender.written.length, written);
  await lab.clock.advance(60_000);
  stall.resolve(undefined);
  await lab.clock.advance(1_000);
  assert.equal(bare(), 2);
  const [sent, received] = await both;
  assert.equal(received.code, undefined);
  assert.equal(sent.result?.total, content.length);
});

test("P-06 sendRecords() holds little on the way of a receiver that says nothing", async () => {
  const lab = new RecordsLab(new Uint8Array(8 * MIB));
  lab.pipes.sender.held = true;
  const sending = outcome(lab.send());
  await lab.clock.advance(60_000);
  const bytes = lab.pipes.sender.written.reduce((sum, frame) => sum + frame.length, 0);
  assert.ok(bytes < MIB, `${bytes} bytes of at most ${UNVERIFIED_BYTES_MAX}`);
  lab.pipes.sender.destroy();
  await lab.clock.advance(10);
  assert.equal((await sending).code, "transfer/pipe-lost");
});

test("C-05 no record is sealed under a key older than sessionMs, however slow the pipe", async () => {
  const lab = new RecordsLab(new Uint8Array(3 * MIB));
  // A disk that takes 40 ms per KiB holds the pipe up; a key lives 5 s of the sender's clock.
  lab.sink.beforeWrite = () =>
    new Promise((resolve) => {
      lab.clock.after(2_600, () => resolve(undefined));
    });
  const [sent] = await lab.run(100);
  assert.ok((sent.result?.sessionKeys ?? 0) > 2);
  let since = 0;
  for (const frame of lab.pipes.sender.written) {
    const elapsedMs = new DataView(frame.buffer).getUint32(28);
    if (frame[0] === 1) since = elapsedMs;
    assert.ok(elapsedMs - since < 5_000);
  }
});
