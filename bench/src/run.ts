/**
 * `npm run bench`: whole programs side by side, in alternation (A B A B). Prints a table for each
 * case and keeps it with all figures in `bench/results/`. What they mean: `bench/README.md`.
 *
 * @module
 */
import { access, constants, mkdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";

import { alternate, reasonOf, type Missing } from "./alternate.ts";
import { parseArguments, USAGE, type BenchOptions } from "./arguments.ts";
import { NotPossible, type BenchCase } from "./bench-case.ts";
import { CASES } from "./cases.ts";
import { hasMemoryFor, makeDiskScratch, makeScratch, removeScratch } from "./measure/payload.ts";
import { bundlePostern } from "./peers/postern-command.ts";
import { renderReport, reportOf, type CaseReport, type Report } from "./report/report.ts";

/** The largest file of any case. */
const BYTES_USUAL = { quick: 2 ** 27, full: 2 ** 30 };
const RESULTS = join(import.meta.dirname, "../results");

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(1));
// Whoever reads a part of it and leaves has no need of the rest; the results are kept all the same.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const exitCode = await main(process.argv.slice(2));
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
// Whatever still runs ends with this process.
process.exit(exitCode);

/** 0: all was measured, absent programs aside. 1: something failed, or nothing was measured. */
async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  let chosen: readonly BenchCase[];
  try {
    options = parseArguments(args);
    chosen = choose(options.cases);
    if (options.json !== undefined && options.json !== "-") await checkPlace(options.json);
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.isListing) {
    for (const { name, title } of CASES) process.stdout.write(`${name.padEnd(15)} ${title}\n`);
    return 0;
  }
  if (platform() !== "linux") {
    process.stderr.write("bench: costs are read from /proc, so it runs on Linux only\n");
    return 1;
  }
  const noBundle = bundlePostern();
  if (noBundle !== undefined) say(noBundle);
  const report = await measure(chosen, options);
  try {
    await keep(report, options.json);
  } catch (error) {
    say(`the figures could not be kept: ${reasonOf(error)}`);
    return 1;
  }
  const failures = [report.broken, ...report.cases.map(({ failed }) => failed)].flat();
  const isEmpty = report.cases.every(({ results }) => results.length === 0);
  if (isEmpty) say("nothing was measured");
  return failures.length > 0 || isEmpty ? 1 : 0;
}

/** Before minutes are spent on figures that nobody gets. @throws why they cannot be kept there */
async function checkPlace(file: string): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory() === true) throw new Error(`--json ${file}: is a folder`);
  await access(there === undefined ? dirname(file) : file, constants.W_OK);
}

/** @throws Error with a sentence for people. */
function choose(names: readonly string[] | undefined): readonly BenchCase[] {
  if (names === undefined) return CASES;
  return names.map((name) => {
    const found = CASES.find((each) => each.name === name);
    if (found === undefined)
      throw new Error(`no case ${name}; there are ${CASES.map((each) => each.name).join(", ")}`);
    return found;
  });
}

async function measure(chosen: readonly BenchCase[], options: BenchOptions): Promise<Report> {
  const machine = describeMachine(options.bytes ?? BYTES_USUAL[options.scale]);
  const cases: CaseReport[] = [];
  const [skipped, broken]: [Missing[], Missing[]] = [[], []];
  for (const each of chosen) {
    say(`${each.name}: ${each.title}`);
    try {
      cases.push(await measureCase(each, options));
    } catch (error) {
      const isHere = !(error instanceof NotPossible);
      (isHere ? broken : skipped).push({ name: each.name, why: reasonOf(error) });
      say(`  ${reasonOf(error)}`);
    }
  }
  return { time: new Date().toISOString(), machine, cases, skipped, broken };
}

async function measureCase(each: BenchCase, options: BenchOptions): Promise<CaseReport> {
  const { scale, bytes, profiles, relay, only } = options;
  const folder = await makeScratch(bytes ?? BYTES_USUAL[scale]);
  const disk = await makeDiskScratch();
  try {
    const setting = { scale, bytes, profiles, relay, folder: join(folder, "case"), disk };
    await mkdir(setting.folder);
    const { contenders, notes, close } = await each.open(setting);
    try {
      let folders = 0;
      const outcome = await alternate(contenders.filter(isWanted(only)), {
        runs: options.runs ?? each.runs[scale],
        say: (line) => say(`  ${line}`),
        async makeFolder() {
          const made = join(folder, String(folders++));
          await mkdir(made);
          return made;
        },
      });
      return reportOf(each, notes, outcome);
    } finally {
      await close?.();
    }
  } finally {
    for (const path of [folder, disk]) await removeScratch(path);
  }
}

function isWanted(
  only: readonly string[] | undefined,
): (each: { readonly name: string }) => boolean {
  return ({ name }) => only === undefined || only.some((part) => name.includes(part));
}

function describeMachine(bytes: number): Report["machine"] {
  return {
    CPU: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    "memory GiB": Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    "Node.js": process.version,
    // More than a little: somebody else is using the machine.
    "load before": (loadavg()[0] ?? 0).toFixed(2),
    "files in": hasMemoryFor(bytes) ? "memory" : "the folder for temporary files",
  };
}

async function keep(report: Report, json: string | undefined): Promise<void> {
  const figures = `${JSON.stringify(report, null, 2)}\n`;
  const text = renderReport(report);
  if (json === "-") return void process.stdout.write(figures);
  process.stdout.write(text);
  if (json !== undefined) return await writeFile(json, figures);
  const name = report.time.replaceAll(/[:.]/g, "-");
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${name}.json`), figures);
  await writeFile(join(RESULTS, `${name}.md`), text);
  say(`kept as bench/results/${name}.md and .json`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
