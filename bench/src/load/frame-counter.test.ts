import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameCounter } from "./frame-counter.ts";

const frame = (length: number): number[] => [
  length >>> 16,
  (length >>> 8) & 0xff,
  length & 0xff,
  ...Array.from({ length }, () => 0xff),
];
const STREAM = Uint8Array.from([...frame(22), ...frame(1_100), ...frame(70_000), ...frame(22)]);

test("FrameCounter tells short frames from long ones", () => {
  const counter = new FrameCounter(1_000);
  counter.push(STREAM);
  assert.deepEqual([counter.short, counter.long], [2, 2]);
});

test("FrameCounter counts the same however the stream is cut", () => {
  for (const size of [1, 2, 3, 7, 1_024]) {
    const counter = new FrameCounter(1_000);
    for (let at = 0; at < STREAM.length; at += size) counter.push(STREAM.subarray(at, at + size));
    assert.deepEqual([counter.short, counter.long], [2, 2], `pieces of ${size}`);
  }
});
