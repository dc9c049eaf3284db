import assert from "node:assert/strict";
import { platform } from "node:os";
import process from "node:process";
import { test } from "node:test";

import { freePort } from "./ports.ts";
import { startMeasured, type MeasuredProcess } from "./measured-process.ts";
import { listening, untilAllEnded } from "./together.ts";

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

test(
  "listening() says why a program does not listen, as soon as it has ended",
  { skip },
  async () => {
    const port = await freePort();
    const failing = node("console.error('no such option'); process.exit(4)");
    const started = performance.now();
    await assert.rejects(listening(failing, [port]), /exited with 4: no such option/);
    await assert.rejects(listening(node("0"), [port]), /ended before/);
    assert.ok(performance.now() - started < 10_000);
  },
);
