import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstantMs, WallMs } from "@postern/core/time";
import type { RelayClock } from "./clock.ts";
import { Wheel, WHEEL_TICK_MS, type Timed } from "./wheel.ts";

/** Counts its timers; time passes only by `advance`. */
class StillClock implements RelayClock {
  time = 0;
  timers = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly call: () => void }>();

  now(): InstantMs {
    return this.time as InstantMs;
  }

  wall(): WallMs {
    return 0 as WallMs;
  }

  wakeAt(at: InstantMs, call: () => void): () => void {
    const entry = { at, call };
    this.#waiting.add(entry);
    this.timers = Math.max(this.timers, this.#waiting.size);
    return () => this.#waiting.delete(entry);
  }

  advance(to: number): void {
    this.time = to;
    // Those that wait now: what they arm again has its turn at the next advance.
    const due = [...this.#waiting].filter(({ at }) => at <= to);
    for (const entry of due) if (this.#waiting.delete(entry)) entry.call();
  }
}

class Item implements Timed {
  due: number | undefined;
  readonly woken: number[] = [];
  readonly after: number | undefined;

  constructor(due: number | undefined, after?: number) {
    this.due = due;
    this.after = after;
  }

  deadline(): InstantMs | undefined {
    return this.due as InstantMs | undefined;
  }

  wake(now: InstantMs): void {
    this.woken.push(now);
    this.due = this.after;
  }
}

test("Wheel wakes each item at its deadline or a tick later, with one timer for all", () => {
  const clock = new StillClock();
  const wheel = new Wheel(clock);
  const items = Array.from({ length: 1_000 }, (_, i) => new Item((i * 7_919) % 60_000));
  const dues = items.map(({ due }) => due ?? 0);
  for (const item of items) wheel.schedule(item);
  for (let time = 0; time <= 61_000; time += 50) clock.advance(time);
  assert.equal(clock.timers, 1);
  for (const [i, item] of items.entries()) {
    const [at, ...more] = item.woken;
    const due = dues[i] ?? 0;
    assert(at !== undefined && at >= due && at <= due + WHEEL_TICK_MS, `${due} at ${at}`);
    assert.deepEqual(more, []);
  }
});

test("Wheel asks again when a deadline has moved away, and at once when it has come nearer", () => {
  const clock = new StillClock();
  const wheel = new Wheel(clock);
  const item = new Item(10_000);
  wheel.schedule(item);
  item.due = 30_000;
  clock.advance(10_000);
  assert.deepEqual(item.woken, []);
  item.due = 12_000;
  wheel.schedule(item);
  clock.advance(12_000);
  assert.deepEqual(item.woken, [12_000]);
  clock.advance(90_000);
  assert.equal(item.woken.length, 1);
});

test("Wheel wakes an item again at its next deadline and never after forget() or stop()", () => {
  const clock = new StillClock();
  const wheel = new Wheel(clock);
  const again = new Item(1_000, 2_000);
  const forgotten = new Item(1_500);
  wheel.schedule(again);
  wheel.schedule(forgotten);
  wheel.forget(forgotten);
  clock.advance(1_000);
  clock.advance(2_000);
  assert.deepEqual(again.woken, [1_000, 2_000]);
  again.due = 3_000;
  wheel.stop();
  clock.advance(9_000);
  assert.equal(again.woken.length, 2);
  assert.deepEqual(forgotten.woken, []);
});
