import assert from "node:assert/strict";
import { platform } from "node:os";
import process from "node:process";
import { test } from "node:test";

import { startMeasured, type MeasuredProcess } from "./measured-process.ts";
import { untilAllEnded } from "./together.ts";

const skip = platform() === "linux" ? false : "costs are read from /proc";
const node = (script: string): MeasuredProcess => startMeasured([process.execPath, "-e", script]);
const FOR_EVER = "setInterval(() => {}, 1_000)";

test("untilAllEnded() has the costs of all", { skip }, async () => {
  const usages = await untilAllEnded([node("0"), node("0")]);
  assert.equal(usages.length, 2);
  for (const { cpuSeconds } of usages) assert.ok(cpuSeconds > 0);
});

test(
  "untilAllEnded() stops the others when one fails, and says what it said",
  { skip },
  async () => {
    const waiting = node(FOR_EVER);
    const failing = node("console.error('no relay'); process.exit(4)");
    await assert.rejects(untilAllEnded([waiting, failing]), /exited with 4: no relay/);
    await waiting.ended;
  },
);

test("untilAllEnded() stops programs that do not end", { skip }, async () => {
  const waiting = node(FOR_EVER);
  await assert.rejects(untilAllEnded([waiting], 200), /did not end within 0.2 s/);
  await waiting.ended;
});
