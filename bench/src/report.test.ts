import assert from "node:assert/strict";
import { test } from "node:test";

import type { Run } from "./contender.ts";
import { median, renderReport } from "./report.ts";

test("median() is the middle, or half-way between the two middles", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
});

test("renderReport() gives medians, spreads, speeds and the ratio", () => {
  const slow = [runOf(4_000, 2_000), runOf(6_000, 5_000), runOf(5_000, 4_000)];
  const fast = [runOf(1_000), runOf(3_000), runOf(2_000)];
  const text = renderReport(
    {
      bytes: 2 ** 30,
      results: [
        { name: "slow", what: "one", runs: slow },
        { name: "fast", what: "other", runs: fast },
      ],
      absent: [{ name: "third", why: "not installed" }],
      machine: { cores: 2 },
    },
    "fast",
  );
  const cpu = "1.00 + 2.00 + 3.00 = 6.00 [6.00-6.00] | 1, 2, 3";
  assert.ok(
    text.includes(`| slow | 5.00 [4.00-6.00] | 205 | 0.40 | 4.00 [2.00-5.00] | 256 | ${cpu}`),
  );
  assert.ok(text.includes(`| fast | 2.00 [1.00-3.00] | 512 | 1.00 |  |  | ${cpu}`));
  assert.ok(text.startsWith("1024 MiB; cores 2\n"));
  assert.ok(text.includes("- third: absent, not installed"));
});

test("renderReport() gives costs for each GiB, whatever the size", () => {
  const results = [{ name: "a", what: "", runs: [runOf(1_000)] }];
  const text = renderReport({ bytes: 2 ** 28, results, absent: [], machine: {} }, "a");
  assert.ok(text.includes("4.00 + 8.00 + 12.00 = 24.00"));
});

function runOf(wallMs: number, transferMs?: number): Run {
  const usage = (each: number) => ({ cpuSeconds: each, peakBytes: each * 2 ** 20 });
  return { wallMs, transferMs, sender: usage(1), relay: usage(2), receiver: usage(3) };
}
