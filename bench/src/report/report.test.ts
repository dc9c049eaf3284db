import assert from "node:assert/strict";
import { test } from "node:test";

import { renderCase, renderReport, type CaseReport } from "./report.ts";

const EMPTY: CaseReport = {
  name: "file",
  title: "a file",
  columns: [
    { key: "rate", heading: "MiB/s", digits: 0, hasSpread: true },
    { key: "cpu", heading: "CPU s", digits: 2 },
    { key: "nobody", heading: "nobody's", digits: 1 },
  ],
  chart: "rate",
  isHigherBetter: true,
  notes: ["1 GiB"],
  results: [],
  absent: [],
  failed: [],
};

const FULL: CaseReport = {
  ...EMPTY,
  results: [
    { name: "postern x", what: "one", runs: runs([200, 100, 210], 1.234) },
    { name: "peer", what: "other", runs: runs([100, 50, 70]) },
  ],
  absent: [{ name: "third", why: "not installed" }],
  failed: [{ name: "fourth", why: "out of breath" }],
};

test("renderCase() gives medians with their spread", () => {
  const text = renderCase(FULL);
  assert.ok(text.includes("| postern x | 200 [100-210] | 1.23 |"), text);
  assert.ok(text.includes("| peer | 70 [50-100] |  |"), text);
});

test("renderCase() leaves out a column that nobody fills", () => {
  assert.ok(!renderCase(FULL).includes("nobody's"));
  assert.ok(renderCase(FULL).includes("|  | MiB/s | CPU s |\n| --- | ---: | ---: |"));
});

test("renderCase() gives Postern's ratios from runs of the same turn", () => {
  assert.ok(renderCase(FULL).includes("- **postern x** reaches 2.00 x peer"));
  assert.ok(renderCase({ ...FULL, isHigherBetter: false }).includes("takes 2.00 x peer"));
});

test("renderCase() draws the chart and says which way is better", () => {
  const text = renderCase(FULL);
  assert.ok(text.includes(`MiB/s, more is better\npostern x ${"█".repeat(40)} 200\n`), text);
  assert.ok(text.includes(`peer      ${"█".repeat(14)} 70\n`), text);
});

test("renderCase() names what is absent and what failed", () => {
  const text = renderCase(FULL);
  assert.ok(text.includes("- third: absent, not installed"));
  assert.ok(text.includes("- fourth: failed, out of breath"));
  assert.ok(text.includes("- peer: other; 3 runs"));
});

test("renderCase() of a case where nobody took part has no table", () => {
  assert.equal(renderCase(EMPTY), "## file: a file\n\n- 1 GiB");
});

test("renderReport() begins with the machine and ends with what was not measured", () => {
  const text = renderReport({
    time: "now",
    machine: { cores: 2, CPU: "fast" },
    cases: [FULL],
    skipped: [{ name: "long-link", why: "not permitted" }],
    broken: [{ name: "connects", why: "no relay" }],
  });
  assert.ok(text.startsWith("# Postern measured, now\n\ncores 2, CPU fast\n\n## file: a file\n"));
  assert.ok(
    text.endsWith("## Not measured\n\n- long-link: not permitted\n- connects: failed, no relay\n"),
  );
});

function runs(rates: readonly number[], cpu?: number): CaseReport["results"][number]["runs"] {
  return rates.map((rate) => (cpu === undefined ? { rate } : { rate, cpu }));
}
