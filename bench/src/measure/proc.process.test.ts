import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { platform } from "node:os";
import process from "node:process";
import { test } from "node:test";

import { cpuSecondsOf, memoryOf, treeOf } from "./proc.ts";

const skip = platform() === "linux" ? false : "costs are read from /proc";
const NO_PROCESS = 2 ** 22 + 1;

test("cpuSecondsOf() grows with the work of a process", { skip }, () => {
  const before = cpuSecondsOf(process.pid);
  const until = process.cpuUsage().user + 1e5;
  while (process.cpuUsage().user < until);
  const spent = cpuSecondsOf(process.pid) - before;
  assert.ok(spent > 0.02 && spent < 5, `${spent} s`);
});

test("memoryOf() knows what is resident and what was most", { skip }, () => {
  const resident = memoryOf(process.pid, "VmRSS");
  assert.ok(resident > 1e7, `${resident} bytes`);
  assert.ok(memoryOf(process.pid, "VmHWM") >= resident * 0.9);
});

test("treeOf() finds children of children", { skip }, async () => {
  const inner = "console.log(1); setTimeout(() => {}, 1e6)";
  const outer = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(inner)}], { stdio: "inherit" })`;
  const child = spawn(process.execPath, ["-e", outer], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const tree = treeOf(child.pid ?? 0);
  for (const pid of tree) process.kill(pid, "SIGKILL");
  await once(child, "close");
  assert.equal(tree.length, 2);
  assert.equal(tree[0], child.pid);
});

test("a process that is gone costs nothing", { skip }, () => {
  assert.deepEqual(treeOf(NO_PROCESS), [NO_PROCESS]);
  assert.equal(cpuSecondsOf(NO_PROCESS), 0);
  assert.equal(memoryOf(NO_PROCESS, "VmRSS"), 0);
});
