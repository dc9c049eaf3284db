import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { MemorySource } from "../../test/records-lab.ts";
import { settle } from "../../test/turned-clock.ts";
import { ReadAhead } from "./read-ahead.ts";

const MIB = 1_048_576;
const counted = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i * 3);

function setUp(content: Uint8Array, size: number | undefined = content.length) {
  const source = new MemorySource(content, size);
  const reads: number[] = [];
  const read = source.read.bind(source);
  source.read = (into, offset) => {
    reads.push(offset);
    return read(into, offset);
  };
  let changes = 0;
  const ahead = new ReadAhead(source, 0, () => changes++);
  return { source, reads, ahead, changes: () => changes };
}

test("ReadAhead holds three blocks and reads no further until one is taken", async () => {
  const { ahead, reads, changes } = setUp(counted(10 * MIB));
  assert.equal(ahead.peek(), undefined);
  await settle();
  assert.deepEqual(reads, [0, MIB, 2 * MIB]);
  assert.equal(changes(), 3);
  ahead.take(MIB - 1);
  await settle();
  assert.equal(reads.length, 3);
  assert.equal(ahead.peek()?.length, 1);
  ahead.take(1);
  await settle();
  assert.deepEqual(reads.at(-1), 3 * MIB);
});

test("ReadAhead shows the end as no bytes, after everything was taken", async () => {
  const { ahead } = setUp(counted(5), undefined);
  await settle();
  assert.deepEqual(ahead.peek(), counted(5));
  ahead.take(5);
  assert.equal(ahead.peek()?.length, 0);
});

test("ReadAhead.seek() goes back, also while a read is under way and after the end", async () => {
  const content = counted(3_000);
  const { ahead } = setUp(content);
  ahead.seek(2_000);
  await settle();
  assert.deepEqual(ahead.peek(), content.subarray(2_000));
  ahead.take(1_000);
  assert.equal(ahead.peek()?.length, 0);
  ahead.seek(10);
  await settle();
  assert.deepEqual(ahead.peek(), content.subarray(10));
});

test("F-13 ReadAhead.peek() throws when there is less or more than announced", async () => {
  for (const size of [4, 6]) {
    const { ahead } = setUp(counted(5), size);
    await settle();
    ahead.take(Math.min(size, 5));
    assert.throws(() => ahead.peek(), hasCode("transfer/source-changed"));
  }
});

test("ReadAhead gives what was read before a read failed, then throws", async () => {
  const { ahead, source } = setUp(counted(2 * MIB));
  source.read = () => Promise.reject(new Error("EIO"));
  await settle();
  ahead.take(MIB);
  assert.throws(() => ahead.peek(), hasCode("transfer/source-unreadable"));
});

test("ReadAhead.stop() starts no more reads", async () => {
  const { ahead, reads } = setUp(counted(10 * MIB));
  ahead.stop();
  await settle();
  assert.equal(reads.length, 1);
  assert.equal(ahead.peek(), undefined);
});
