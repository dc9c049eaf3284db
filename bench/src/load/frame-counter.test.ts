import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameCounter } from "./frame-counter.ts";

const LENGTHS = { short: 6, long: 1_084 };
const sealed = (plaintextBytes: number): number[] => {
  const length = plaintextBytes + 16;
  const prefix = [length >>> 16, (length >>> 8) & 0xff, length & 0xff];
  return [...prefix, ...Array.from({ length }, () => 0xff)];
};
const bundle = (short: number, long: number): number[] => sealed(1 + short * 8 + long * 1_086);
const STREAM = Uint8Array.from([
  ...sealed(6),
  ...sealed(1_084),
  ...bundle(3, 0),
  ...bundle(2, 50),
  ...bundle(0, 2),
  ...sealed(6),
]);

test("FrameCounter counts the same however the stream is cut, bundles by what they hold", () => {
  for (const size of [1, 2, 3, 7, 1_024, STREAM.length]) {
    const counter = new FrameCounter(LENGTHS);
    for (let at = 0; at < STREAM.length; at += size) counter.push(STREAM.subarray(at, at + size));
    assert.deepEqual([counter.short, counter.long], [7, 53], `pieces of ${size}`);
  }
});

test("FrameCounter refuses a length that it cannot tell the frames of", () => {
  const counter = new FrameCounter(LENGTHS);
  assert.throws(() => counter.push(Uint8Array.from(sealed(500))), { message: /500 bytes/ });
});
