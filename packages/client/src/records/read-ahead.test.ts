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

/** Not `deepEqual`: its report of a difference between megabytes takes minutes. */
function assertNext(ahead: ReadAhead, expected: Uint8Array): void {
  assert.ok(Buffer.from(ahead.peek() ?? []).equals(expected));
}

test("ReadAhead reads a block when it is asked for, of a source that reads at once", async () => {
  const content = counted(3 * MIB + 5);
  const { ahead, reads, source, changes } = setUp(content);
  await settle();
  assert.equal(reads.length, 3);
  const now: number[] = [];
  source.readNow = (into, offset) => {
    now.push(offset);
    into.set(content.subarray(offset, offset + into.length));
    return Math.min(into.length, content.length - offset);
  };
  ahead.seek(0);
  assert.deepEqual(now, [0]);
  const before = changes();
  for (const offset of [0, MIB, 2 * MIB]) {
    assertNext(ahead, content.subarray(offset, offset + MIB));
    assert.deepEqual(now.at(-1), offset, "no more than one is held");
    ahead.take(MIB);
  }
  assertNext(ahead, content.subarray(3 * MIB));
  ahead.take(5);
  assert.equal(ahead.peek()?.length, 0);
  assert.equal(changes(), before);
  assert.equal(reads.length, 3);
});

test("ReadAhead goes on by read() where readNow() has nothing, and back", async () => {
  const content = counted(6 * MIB);
  const { ahead, source } = setUp(content);
  await settle();
  const now: number[] = [];
  source.readNow = (into, offset) => {
    if (offset % (2 * MIB) === 0) return undefined;
    now.push(offset);
    into.set(content.subarray(offset, offset + into.length));
    return into.length;
  };
  ahead.seek(0);
  for (let offset = 0; offset < content.length; offset += MIB) {
    ahead.peek();
    await settle();
    assertNext(ahead, content.subarray(offset, offset + MIB));
    ahead.take(MIB);
  }
  assert.deepEqual(now, [MIB, 3 * MIB, 5 * MIB]);
});

test("ReadAhead.peek() throws what readNow() threw, after what was read before", async () => {
  const { ahead, source } = setUp(counted(2 * MIB));
  await settle();
  source.readNow = () => {
    throw new Error("EIO");
  };
  ahead.seek(MIB);
  assert.throws(() => ahead.peek(), hasCode("transfer/source-unreadable"));
});

test("ReadAhead says so when it reads at once after a read that a seek made useless", async () => {
  const content = counted(3 * MIB);
  const failing = (): Promise<number> => Promise.reject(new Error("EIO"));
  for (const late of [() => Promise.resolve(MIB), failing]) {
    const { ahead, source, changes } = setUp(content);
    await settle();
    source.read = late;
    ahead.take(MIB);
    source.readNow = (into, offset) => {
      into.set(content.subarray(offset, offset + into.length));
      return into.length;
    };
    ahead.seek(MIB);
    assert.equal(ahead.peek(), undefined, "the read under way has not ended");
    const before = changes();
    await settle();
    assert.equal(changes(), before + 1);
    assertNext(ahead, content.subarray(MIB, 2 * MIB));
  }
});
