import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RECORD_BYTES_MAX,
  RECORD_BYTES_MIN,
  RECORD_BYTES_START,
  UNREPORTED_BYTES_MAX,
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

/** A path that takes `bytesPerMs` and holds each record for `tripMs`, with a report for each. */
class Path {
  readonly pace = new Pace(undefined, 500, at(0));
  readonly #way: { readonly end: number; readonly at: number }[] = [];
  readonly #bytesPerMs: number;
  readonly #tripMs: number;
  #now = 0;
  #sent = 500;
  #verified = 500;
  #freeAt = 0;

  constructor(bytesPerMs: number, tripMs: number) {
    this.#bytesPerMs = bytesPerMs;
    this.#tripMs = tripMs;
  }

  /** Sends as much as the window lets it. Returns the bytes verified for each ms. */
  run(ms: number): number {
    const [end, before] = [this.#now + ms, this.#verified];
    for (; this.#now < end; this.#now++) {
      const record = this.pace.recordBytes;
      for (;;) {
        const bytes = this.pace.portion(record, this.#sent - this.#verified);
        if (bytes === 0) break;
        this.#send(bytes);
      }
      for (
        let next = this.#way[0];
        next !== undefined && next.at <= this.#now;
        next = this.#way[0]
      ) {
        this.#way.shift();
        this.#verified = next.end;
        this.pace.progress(next.end, at(this.#now));
      }
    }
    return (this.#verified - before) / ms;
  }

  #send(bytes: number): void {
    this.#sent += bytes;
    this.#freeAt = Math.max(this.#freeAt, this.#now) + bytes / this.#bytesPerMs;
    this.#way.push({ end: this.#sent, at: this.#freeAt + this.#tripMs });
    this.pace.sent(bytes, at(this.#now));
    this.pace.drained(at(this.#now));
  }
}

test("Pace keeps a long path busy, whatever it holds", () => {
  const path = new Path(100_000, 200);
  assert.equal(path.pace.windowBytes, WINDOW_BYTES_MIN);
  path.run(3_000);
  assert.ok(path.run(1_000) > 95_000);
  // 20 MB on their way, and what fills no buffer for long.
  assert.ok(path.pace.windowBytes < 40_000_000, `${path.pace.windowBytes}`);
});

test("Pace has no more under way on a short fast path than it needs", () => {
  const path = new Path(500_000, 2);
  path.run(500);
  assert.ok(path.run(500) > 450_000);
  assert.ok(path.pace.windowBytes < UNREPORTED_BYTES_MAX + 4_000_000, `${path.pace.windowBytes}`);
});

test("Pace keeps the buffers of a slow path empty", () => {
  const path = new Path(100, 50);
  path.run(20_000);
  assert.ok(path.run(20_000) > 95);
  assert.equal(path.pace.windowBytes, WINDOW_BYTES_MIN);
});

test("Pace fills a wide window with whole records, a narrow one to the last", () => {
  const pace = new Pace(undefined, 0, at(0));
  const record = WINDOW_BYTES_MIN / 4;
  assert.equal(pace.portion(record, 3 * record), record);
  assert.equal(pace.portion(record, 3 * record + 1), 0);
  assert.equal(pace.portion(100, WINDOW_BYTES_MIN - 100), 100);
  const longer = record + 1;
  assert.equal(pace.portion(longer, 3 * record), record);
  assert.equal(pace.portion(longer, WINDOW_BYTES_MIN - RECORD_BYTES_MIN), RECORD_BYTES_MIN);
  assert.equal(pace.portion(longer, WINDOW_BYTES_MIN - RECORD_BYTES_MIN + 1), 0);
  assert.equal(pace.portion(longer, WINDOW_BYTES_MIN + 1), 0);
});

test("Pace lets UNVERIFIED_BYTES_MAX be under way at most", () => {
  const path = new Path(1_000_000, 500);
  path.run(20_000);
  assert.equal(path.pace.windowBytes, UNVERIFIED_BYTES_MAX);
});

test("Pace does not take one late report for a slow path", () => {
  const path = new Path(500_000, 2);
  path.run(500);
  const before = path.pace.windowBytes;
  path.pace.progress(10 ** 12, at(700));
  assert.ok(path.pace.windowBytes > 0.8 * before);
});

test("Pace measures another pipe anew", () => {
  const pace = new Pace(undefined, 0, at(0));
  const trip = (from: number, ms: number): void => {
    for (let i = 0; i < 4; i++) pace.sent(1_048_576, at(from));
    verified += 4 * 1_048_576;
    pace.progress(verified, at(from + ms));
  };
  let verified = 0;
  for (let i = 0; i < 20; i++) trip(i * 10, 2);
  for (let i = 0; i < 20; i++) trip(1_000 + i * 200, 100);
  const before = pace.windowBytes;
  pace.newPipe();
  for (let i = 0; i < 20; i++) trip(10_000 + i * 200, 100);
  assert.ok(pace.windowBytes > before + 2_000_000, `${before} ${pace.windowBytes}`);
});

test("Pace learns nothing from what was under way before a resend", () => {
  const pace = new Pace(undefined, 0, at(0));
  for (let i = 0; i < 4; i++) pace.sent(65_536, at(0));
  pace.restarted(65_536);
  pace.progress(65_536, at(1));
  assert.equal(pace.windowBytes, WINDOW_BYTES_MIN);
  pace.sent(65_536, at(10));
  pace.progress(131_072, at(11));
  assert.equal(pace.windowBytes, 2 * WINDOW_BYTES_MIN);
});
