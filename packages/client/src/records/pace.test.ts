import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RECORD_BYTES_MAX,
  RECORD_BYTES_MIN,
  RECORD_BYTES_START,
  UNVERIFIED_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { Pace } from "./pace.ts";

const at = (ms: number): InstantMs => ms as InstantMs;

/** Sends `records` over a path of this speed; the length of the last. */
function recordAfter(records: number, bytesPerMs: number): number {
  const pace = new Pace(undefined, 0, at(0));
  let now = 0;
  for (let i = 0; i < records; i++) {
    pace.sent(pace.recordBytes, at(now));
    now += pace.recordBytes / bytesPerMs;
    pace.drained(at(now));
  }
  return pace.recordBytes;
}

test("Pace doubles its records on a fast path, up to RECORD_BYTES_MAX", () => {
  assert.equal(recordAfter(0, 100_000), RECORD_BYTES_START);
  assert.equal(recordAfter(1, 100_000), 2 * RECORD_BYTES_START);
  assert.equal(recordAfter(9, 100_000), RECORD_BYTES_MAX);
});

test("Pace keeps a record to about half a second of a slow path", () => {
  assert.equal(recordAfter(5, 100), 50_000);
  assert.equal(recordAfter(5, 1), RECORD_BYTES_MIN);
});

test("Pace holds a rate over time, and makes up for no long pause", () => {
  const pace = new Pace(1_000_000, 0, at(0));
  let now = 0;
  let bytes = 0;
  while (now < 10_000) {
    now += pace.delayMs(at(now));
    pace.sent(pace.recordBytes, at(now));
    pace.drained(at(now));
    bytes += pace.recordBytes;
  }
  assert.ok(Math.abs(bytes / now - 1_000) < 50, `${bytes / now} bytes/ms`);
  assert.equal(pace.recordBytes, 250_000);
  pace.sent(1_000_000, at(60_000));
  assert.equal(pace.delayMs(at(60_000)), 750);
});

test("Pace lets eight seconds of what the receiver verifies be under way", () => {
  const pace = new Pace(undefined, 500, at(0));
  assert.equal(pace.windowBytes, WINDOW_BYTES_MIN);
  let verified = 500;
  for (let second = 1; second <= 10; second++)
    pace.progress((verified += 1_000_000), at(second * 1_000));
  assert.equal(pace.windowBytes, 8_000_000);
  for (let second = 11; second <= 30; second++) pace.progress((verified += 10), at(second * 1_000));
  assert.equal(pace.windowBytes, WINDOW_BYTES_MIN);
  for (let ms = 30_001; ms <= 30_020; ms++) pace.progress((verified += 8_388_608), at(ms));
  assert.equal(pace.windowBytes, UNVERIFIED_BYTES_MAX);
});
