/**
 * `npm test`: the unit tests in one process (a tenth of the time), then those that need processes
 * of their own, then a fixed number of simulator seeds, and one summary of all tests at the end.
 *
 *     npm test -- [--fast] [NAME ...] [--node-test-option=value ...]
 *
 * `--fast` leaves out what starts processes. A NAME keeps the test files whose path contains it.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { hasProgram, programsNeededBy } from "./programs.ts";
import { listFiles, PROJECT_ROOT, readText } from "./sources.ts";

const SIMULATOR = "sim/src/run.ts";
const SIMULATOR_SEEDS = 100;
const COUNTS = ["tests", "suites", "passed", "failed", "cancelled", "skipped", "todo"] as const;
type Totals = Record<(typeof COUNTS)[number], number>;

const started = process.hrtime.bigint();
const scratch = mkdtempSync(join(tmpdir(), "postern-tests-"));
process.exitCode = runAll(process.argv.slice(2)) ? 0 : 1;
rmSync(scratch, { recursive: true });

function runAll(given: readonly string[]): boolean {
  const fast = given.includes("--fast");
  const options = given.filter((each) => each.startsWith("-") && each !== "--fast");
  const names = given.filter((each) => !each.startsWith("-"));
  const files = testFiles(names);
  const apart = files.filter(runsApart);
  const runs = [
    testRun(
      files.filter((file) => !runsApart(file)),
      ["--test-isolation=none", "--test-timeout=60000", ...options],
    ),
    ...(fast
      ? []
      : [testRun(apart, ["--test-concurrency=2", "--test-timeout=300000", ...options])]),
  ];
  const simulated = names.length > 0 || simulate();
  for (const line of missingPrograms(fast ? files.filter((file) => !runsApart(file)) : files))
    say(line);
  const totals = addUp(runs.map((run) => run.totals));
  if (totals.tests === 0) say("no test was run");
  sayTotals(totals);
  return simulated && totals.tests > 0 && runs.every((run) => run.passed);
}

function testFiles(names: readonly string[]): string[] {
  return ["packages", "sim", "bench", "tools", "e2e"]
    .flatMap((folder) => listFiles(folder))
    .filter((path) => path.endsWith(".test.ts"))
    .filter((path) => names.length === 0 || names.some((name) => path.includes(name)));
}

/** Real processes and terminals: nothing that a neighbour in the same process may disturb. */
function runsApart(path: string): boolean {
  return path.startsWith("e2e/") || path.endsWith(".process.test.ts");
}

function testRun(
  files: readonly string[],
  options: readonly string[],
): { passed: boolean; totals: Totals } {
  if (files.length === 0) return { passed: true, totals: addUp([]) };
  const totalsFile = join(scratch, "totals.json");
  rmSync(totalsFile, { force: true });
  const reporters = [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    `--test-reporter=${join(PROJECT_ROOT, "tools", "totals-reporter.ts")}`,
    `--test-reporter-destination=${totalsFile}`,
  ];
  const passed = runNode(["--test", ...reporters, ...options, ...files]);
  // A run that broke off wrote none; it has failed anyhow.
  const text = existsSync(totalsFile) ? readFileSync(totalsFile, "utf8").trim() : "";
  const totals = text === "" ? addUp([]) : (JSON.parse(text) as Totals);
  return { passed: passed && text !== "", totals };
}

function simulate(): boolean {
  if (!existsSync(join(PROJECT_ROOT, SIMULATOR))) return true;
  return runNode([SIMULATOR, "--seeds", String(SIMULATOR_SEEDS)]);
}

function runNode(args: readonly string[]): boolean {
  // Stripped types and compiled code are kept between runs: half the time of an isolated file.
  const cache = process.env["NODE_COMPILE_CACHE"] ?? join(tmpdir(), "postern-compile-cache");
  const { status } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", ...args],
    {
      cwd: PROJECT_ROOT,
      stdio: "inherit",
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    },
  );
  return status === 0;
}

function missingPrograms(files: readonly string[]): string[] {
  const needing = new Map<string, string[]>();
  for (const file of files)
    for (const name of new Set(programsNeededBy(readText(file))))
      if (!hasProgram(name)) needing.set(name, [...(needing.get(name) ?? []), file]);
  return [...needing].map(
    ([name, tests]) => `${name} is not installed; skipped tests in: ${tests.join(", ")}`,
  );
}

function addUp(parts: readonly Totals[]): Totals {
  const sum = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  for (const part of parts) for (const key of COUNTS) sum[key] += part[key];
  return sum;
}

/** In the words of node:test's own summary, which every run has printed for itself already. */
function sayTotals(totals: Totals): void {
  const words = { ...totals, pass: totals.passed, fail: totals.failed };
  say("all test runs together:");
  for (const key of ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo"] as const)
    say(`ℹ ${key} ${words[key]}`);
  say(`ℹ duration_ms ${Number((process.hrtime.bigint() - started) / 1_000_000n)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
