import assert from "node:assert/strict";
import { test } from "node:test";

import { PacketQueue } from "./packet-queue.ts";

const PATH = { delayMs: 25, loss: 0.01, bytesPerMs: 100, queueMs: 50 };
const packet = (value: number, length = 100): Uint8Array => new Uint8Array(length).fill(value);

test("PacketQueue holds a packet for its own time on the link and the delay", () => {
  const queue = new PacketQueue(PATH);
  queue.push(packet(1), 10, 0.5);
  assert.equal(queue.take(35.9), undefined);
  assert.equal(queue.take(36)?.[0], 1);
  assert.equal(queue.take(99), undefined);
  assert.ok(queue.isEmpty);
});

test("PacketQueue lets packets leave at the rate of the link, in order", () => {
  const queue = new PacketQueue(PATH);
  for (const value of [1, 2, 3]) queue.push(packet(value), 0, 0.5);
  assert.equal(queue.take(26)?.[0], 1);
  assert.equal(queue.take(26), undefined);
  assert.equal(queue.take(27)?.[0], 2);
  assert.equal(queue.take(28)?.[0], 3);
});

test("PacketQueue loses by chance, and a lost packet has taken its time on the link", () => {
  const queue = new PacketQueue(PATH);
  queue.push(packet(1), 0, 0.009);
  queue.push(packet(2), 0, 0.01);
  assert.equal(queue.take(26.9), undefined);
  assert.equal(queue.take(27)?.[0], 2);
});

test("PacketQueue drops what would wait too long", () => {
  const queue = new PacketQueue(PATH);
  for (let at = 0; at < 60; at++) queue.push(packet(at), 0, 0.5);
  let last = -1;
  for (let next = queue.take(1e6); next !== undefined; next = queue.take(1e6)) last = next[0] ?? -1;
  assert.equal(last, 50);
});

test("PacketQueue keeps the order over thousands of packets", () => {
  const queue = new PacketQueue({ ...PATH, bytesPerMs: 1e9 });
  const seen: number[] = [];
  for (let at = 0; at < 5_000; at++) {
    queue.push(Uint8Array.from([at >>> 8, at & 0xff]), at, 0.5);
    for (let next = queue.take(at); next !== undefined; next = queue.take(at))
      seen.push(((next[0] ?? 0) << 8) | (next[1] ?? 0));
  }
  assert.deepEqual(
    seen,
    Array.from({ length: seen.length }, (_, at) => at),
  );
  assert.ok(seen.length > 4_900, `${seen.length}`);
});
