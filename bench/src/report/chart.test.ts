import assert from "node:assert/strict";
import { test } from "node:test";

import { renderChart } from "./chart.ts";

test("renderChart() draws bars as long as their values are large", () => {
  const lines = renderChart([
    { name: "half", value: 50, shown: "50" },
    { name: "all of it", value: 100, shown: "100" },
    { name: "bit", value: 100 / 320, shown: "0" },
    { name: "none", value: 0, shown: "0" },
  ]);
  assert.deepEqual(lines, [
    `half      ${"█".repeat(20)} 50`,
    `all of it ${"█".repeat(40)} 100`,
    "bit       ▏ 0",
    "none       0",
  ]);
});

test("renderChart() draws nothing of zeros", () => {
  assert.deepEqual(renderChart([{ name: "a", value: 0, shown: "0" }]), ["a  0"]);
});
