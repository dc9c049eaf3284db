import assert from "node:assert/strict";
import { once } from "node:events";
import { platform } from "node:os";
import { test } from "node:test";

import { startMeasured, usageSince } from "./measured-process.ts";

/** By the process's own account: on a machine that others use, time passes without it. */
const BUSY = "while (process.cpuUsage().user < 3e5);";
const skip = platform() === "linux" ? false : "costs are read from /proc";

test("startMeasured() counts CPU and memory of a program and its child", { skip }, async () => {
  const child = `const a = Buffer.alloc(9e7, 1); ${BUSY}`;
  const parent = `require("child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(child)}])`;
  const { cpuSeconds, peakBytes } = await startMeasured([process.execPath, "-e", parent]).ended;
  assert.ok(cpuSeconds > 0.2 && cpuSeconds < 5, `${cpuSeconds} s`);
  assert.ok(peakBytes > 9e7 && peakBytes < 1e9, `${peakBytes} bytes`);
});

test("startMeasured() stops a program and still has its costs", { skip }, async () => {
  const running = startMeasured([
    process.execPath,
    "-e",
    "console.log(1); setTimeout(() => {}, 1e6)",
  ]);
  await once(running.stdout, "data");
  running.stop();
  const { cpuSeconds } = await running.ended;
  assert.ok(cpuSeconds > 0 && cpuSeconds < 5, `${cpuSeconds} s`);
});

test("startMeasured() knows the costs of a program that still runs", { skip }, async () => {
  const script = `${BUSY} console.log(1); setTimeout(() => {}, 1e6)`;
  const running = startMeasured([process.execPath, "-e", script]);
  const early = running.usage();
  await once(running.stdout, "data");
  const { cpuSeconds, peakBytes } = usageSince(early, running.usage());
  running.stop();
  await running.ended;
  assert.ok(cpuSeconds > 0.1 && cpuSeconds < 5, `${cpuSeconds} s`);
  assert.ok(peakBytes > 1e7, `${peakBytes} bytes`);
});

test("startMeasured() rejects with what a failed program said", { skip }, async () => {
  const script = 'console.error("out of order"); process.exit(3)';
  await assert.rejects(
    startMeasured([process.execPath, "-e", script]).ended,
    /exited with 3: out of order/,
  );
});

/** Any of these would wait for ever. */
const timeout = 60_000;

test(
  "startMeasured() does not let a program wait that prints much",
  { skip, timeout },
  async () => {
    const script = "process.stdout.write('x'.repeat(1e6), () => process.exit(3))";
    await assert.rejects(startMeasured([process.execPath, "-e", script]).ended, /exited with 3$/);
  },
);

test("startMeasured() stops a program that will not be asked", { skip, timeout }, async () => {
  const script = "process.on('SIGTERM', () => {}); console.log(1); setInterval(() => {}, 1_000)";
  const running = startMeasured([process.execPath, "-e", script]);
  await once(running.stdout, "data");
  running.stop();
  assert.ok((await running.ended).cpuSeconds > 0);
});

test("startMeasured() ends what a program leaves behind", { skip, timeout }, async () => {
  const { ended } = startMeasured(["bash", "-c", "sleep 1000 & exit 3"]);
  await assert.rejects(ended, /exited with 3$/);
});

test("startMeasured() repeats nothing that would change a terminal", { skip }, async () => {
  const { ended } = startMeasured([
    "bash",
    "-c",
    "printf '\\e[2J\\n one\\n\\ttwo\\x7f' >&2; exit 3",
  ]);
  await assert.rejects(ended, { message: "bash exited with 3: ?[2J one two?" });
});
