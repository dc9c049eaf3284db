/**
 * `node sim/src/run.ts --seeds N [--from K]`, or `--seed K --trace` to replay one.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

const from = wholeNumber(values.seed ?? values.from);
const count = values.seed === undefined ? wholeNumber(values.seeds) : 1;
const endings = new Map<string, number>();
const started = performance.now();
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  const run = await simulate(seed);
  if (values.trace) say(`seed ${seed}, fingerprint ${run.fingerprint}`);
  if (values.trace) say(run.trace.join("\n"));
  for (const [ending, times] of run.endings)
    endings.set(ending, (endings.get(ending) ?? 0) + times);
  if (run.violation === undefined) continue;
  failed++;
  say(`seed ${seed}: ${run.violation}`);
  say(`  replay: node sim/src/run.ts --seed ${seed} --trace`);
}
say("transfers, as they ended for sender / receiver:");
for (const [ending, times] of [...endings].toSorted((a, b) => b[1] - a[1]))
  say(`${String(times).padStart(8)}  ${ending}`);
const seconds = ((performance.now() - started) / 1_000).toFixed(1);
say(`${count} seeds in ${seconds} s, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`not a number of seeds: ${text}`);
  return Number(text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
