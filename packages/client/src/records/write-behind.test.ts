import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySink } from "../../test/records-lab.ts";
import { settle } from "../../test/turned-clock.ts";
import { WriteBehind } from "./write-behind.ts";

function setUp() {
  const sink = new MemorySink(100);
  const gates: PromiseWithResolvers<undefined>[] = [];
  sink.beforeWrite = () => {
    const gate = Promise.withResolvers<undefined>();
    gates.push(gate);
    return gate.promise;
  };
  const written: number[] = [];
  const failures: string[] = [];
  const writes = new WriteBehind(
    sink,
    (_, offset) => written.push(offset),
    ({ code }) => failures.push(code),
  );
  const push = (count: number) => {
    for (let i = 0; i < count; i++) writes.push(new Uint8Array(10), 10 * i);
  };
  return { sink, gates, written, failures, writes, push };
}

test("WriteBehind calls the sink once at a time, in order", async () => {
  const { gates, written, writes, push } = setUp();
  push(3);
  await settle();
  assert.equal(gates.length, 1);
  for (let i = 0; i < 3; i++) {
    gates[i]!.resolve(undefined);
    await settle();
  }
  await writes.idle();
  assert.deepEqual(written, [10, 20, 30]);
});

test("WriteBehind is full with three records, and has room after one is written", async () => {
  const { gates, writes, push } = setUp();
  push(2);
  assert.equal(writes.full, false);
  await writes.room();
  writes.push(new Uint8Array(10), 20);
  assert.equal(writes.full, true);
  let room = false;
  void writes.room().then(() => (room = true));
  await settle();
  assert.equal(room, false);
  gates[0]!.resolve(undefined);
  await settle();
  assert.equal(room, true);
});

test("WriteBehind tells the first failure once and writes nothing after it", async () => {
  const { gates, written, failures, writes, push } = setUp();
  push(3);
  gates[0]!.reject(new Error("EIO"));
  await writes.room();
  await writes.idle();
  writes.push(new Uint8Array(10), 30);
  await settle();
  assert.deepEqual(failures, ["store/failed"]);
  assert.deepEqual(written, []);
  assert.equal(gates.length, 1);
});

test("WriteBehind.halt() lets a waiting room() go at once, and what was pushed is written", async () => {
  const { gates, written, writes, push } = setUp();
  push(3);
  const room = writes.room();
  writes.halt();
  await room;
  let idle = false;
  void writes.idle().then(() => (idle = true));
  for (let i = 0; i < 3; i++) {
    await settle();
    assert.equal(idle, false);
    gates[i]!.resolve(undefined);
  }
  await settle();
  assert.equal(idle, true);
  assert.deepEqual(written, [10, 20, 30]);
});

test("WriteBehind hands over at once what the sink takes at once", async () => {
  const { gates, sink, written, writes } = setUp();
  const taken: number[] = [];
  sink.writeNow = (bytes, offset) => {
    if (offset === 20) return false;
    taken.push(offset);
    return sink.take(bytes, offset);
  };
  for (let i = 0; i < 5; i++) writes.push(new Uint8Array(10), 10 * i);
  assert.deepEqual(written, [10, 20]);
  assert.deepEqual(taken, [0, 10]);
  assert.equal(writes.full, true, "the third takes time, and the others wait behind it");
  await settle();
  assert.equal(gates.length, 1);
  gates[0]!.resolve(undefined);
  await writes.idle();
  assert.deepEqual(written, [10, 20, 30, 40, 50]);
  assert.deepEqual(taken, [0, 10, 30, 40]);
  writes.push(new Uint8Array(10), 50);
  assert.equal(written.at(-1), 60);
});

test("WriteBehind tells what writeNow() threw, once, and writes nothing after it", async () => {
  const { gates, sink, written, failures, writes, push } = setUp();
  sink.writeNow = () => {
    throw new Error("EIO");
  };
  push(2);
  await writes.idle();
  assert.deepEqual(failures, ["store/failed"]);
  assert.deepEqual(written, []);
  assert.equal(gates.length, 0);
});
