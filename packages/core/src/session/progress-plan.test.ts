import assert from "node:assert/strict";
import { test } from "node:test";
import { PROGRESS_EVERY_BYTES, PROGRESS_EVERY_RECORDS } from "../limits.ts";
import { ProgressPlan } from "./progress-plan.ts";

/** Where it reports when records of `bytes` are written from `from` to `to`. */
function reports(bytes: number, from: number, to: number): readonly number[] {
  const plan = new ProgressPlan(from);
  const places: number[] = [];
  for (let at = from + bytes; at <= to; at += bytes)
    if (plan.written(at)) {
      plan.reported(at);
      places.push(at - from);
    }
  return places;
}

test("ProgressPlan reports after every doubling, then every PROGRESS_EVERY_BYTES", () => {
  const mib = 1_048_576;
  assert.deepEqual(
    reports(mib / 16, 5, 5 + 12 * mib).map((at) => at / mib),
    [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 7, 10],
  );
  assert.equal(PROGRESS_EVERY_BYTES, 3 * mib);
});

test("ProgressPlan reports tiny records by their number", () => {
  assert.deepEqual(reports(1, 0, 10_000), [PROGRESS_EVERY_RECORDS, 2 * PROGRESS_EVERY_RECORDS]);
});
