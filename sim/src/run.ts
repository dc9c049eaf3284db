/**
 * `node sim/src/run.ts --seeds N [--from K]`, or `--seed K --trace` to replay one. Each seed runs
 * in both profiles, or in one with `--profile symmetric` or `end-to-end`. With `--seed K
 * --each-crash` an end-to-end run is repeated with a crash at each point. Exits with 1 when a run
 * broke a promise.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { SimProfile } from "./cast.ts";
import { simulateCrashes } from "./crash-points.ts";
import { simulate } from "./simulate.ts";
import { sweep, type Sweep } from "./sweep.ts";

const ENDINGS_SHOWN = 12;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    profile: { type: "string" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    "each-crash": { type: "boolean", default: false },
  },
});

if (values["each-crash"]) await runCrashes(wholeNumber(values.seed ?? "0"));
else
  for (const profile of profilesOf(values.profile)) {
    if (values.seed === undefined)
      await runMany(wholeNumber(values.from), wholeNumber(values.seeds), profile);
    else await runOne(wholeNumber(values.seed), values.trace, profile);
  }

async function runCrashes(seed: number): Promise<void> {
  const { points, violations } = await simulateCrashes(seed);
  for (const [point, violation] of violations) say(`crash at point ${point}: ${violation}`);
  say(`seed ${seed}: ${points} points of a crash, ${violations.size} failed`);
  if (violations.size > 0) process.exitCode = 1;
}

async function runMany(from: number, count: number, profile: SimProfile): Promise<void> {
  const started = performance.now();
  const result = await sweep({ from, count, profile });
  report(result, profile);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  say(`${profile}: ${count} seeds in ${seconds} s, ${result.violations.size} failed`);
}

async function runOne(seed: number, withTrace: boolean, profile: SimProfile): Promise<void> {
  const { violation, trace, fingerprint, endings } = await simulate(seed, { profile });
  if (withTrace) for (const line of trace) say(line);
  say(`seed ${seed}: fingerprint ${fingerprint.toString(16)}`);
  const violations = new Map(violation === undefined ? [] : [[seed, violation]]);
  report({ violations, endings }, profile);
}

function profilesOf(text: string | undefined): readonly SimProfile[] {
  if (text === undefined) return ["symmetric", "end-to-end"];
  if (text !== "symmetric" && text !== "end-to-end") throw new Error(`not a profile: ${text}`);
  return [text];
}

function report({ violations, endings }: Sweep, profile: SimProfile): void {
  say("transfers, as they ended most often for sender / receiver:");
  const sorted = [...endings].toSorted((a, b) => b[1] - a[1]);
  for (const [ending, times] of sorted.slice(0, ENDINGS_SHOWN))
    say(`${String(times).padStart(8)}  ${ending}`);
  for (const [seed, violation] of violations) {
    say(`seed ${seed}: ${violation}`);
    say(`  replay: npm run sim -- --profile ${profile} --seed ${seed} --trace`);
  }
  if (violations.size > 0) process.exitCode = 1;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`not a number of seeds: ${text}`);
  return Number(text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
