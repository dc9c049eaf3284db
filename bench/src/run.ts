/**
 * `npm run bench`: whole programs side by side, in alternation (A B A B), on one file. Prints a
 * table and keeps it with all runs in `bench/results/`. What the numbers mean: `bench/README.md`.
 *
 * @module
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus, platform, release } from "node:os";
import { join } from "node:path";

import { parseArguments, USAGE, type BenchOptions } from "./arguments.ts";
import type { Contender, Run } from "./contender.ts";
import { hashOnlyFile, makeScratch, writeRandomFile } from "./payload.ts";
import { postern } from "./postern.ts";
import { renderReport, type Report } from "./report.ts";
import { socat } from "./socat.ts";

const RESULTS = join(import.meta.dirname, "../results");

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseArguments(args);
  } catch (error) {
    process.stderr.write(
      `bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`,
    );
    return 2;
  }
  if (platform() !== "linux") {
    process.stderr.write("bench: costs are read from /proc, so it runs on Linux only\n");
    return 1;
  }
  const report = await compare([postern(options.profile), socat], options);
  const text = renderReport(report, socat.name);
  process.stdout.write(text);
  await keep(report, text);
  return 0;
}

async function compare(all: readonly Contender[], options: BenchOptions): Promise<Report> {
  const absent = all.flatMap((contender) => {
    const why = contender.absence();
    return why === undefined ? [] : [{ name: contender.name, why }];
  });
  const present = all.filter((contender) => contender.absence() === undefined);
  const scratch = await makeScratch(options.bytes);
  try {
    const results = await alternate(present, options, scratch);
    return { bytes: options.bytes, results, absent, machine: describeMachine(scratch) };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function alternate(
  present: readonly Contender[],
  { bytes, runs }: BenchOptions,
  scratch: string,
): Promise<Report["results"]> {
  const file = join(scratch, "file");
  const digest = await writeRandomFile(file, bytes);
  const kept = present.map((contender) => ({ contender, runs: new Array<Run>() }));
  for (const [at, { contender }] of kept.entries()) {
    const folder = join(scratch, String(at));
    await mkdir(folder);
    await contender.prepare(folder);
  }
  for (let turn = 1; turn <= runs; turn++)
    for (const { contender, runs: done } of kept) {
      const run = await once(contender, file, digest, join(scratch, "output"));
      done.push(run);
      say(`${turn}/${runs} ${contender.name}: ${(run.wallMs / 1_000).toFixed(2)} s`);
    }
  return kept.map(({ contender: { name, what }, runs: done }) => ({ name, what, runs: done }));
}

/** The hash is compared after the clock has stopped, alike for all. */
async function once(
  contender: Contender,
  file: string,
  digest: string,
  outputFolder: string,
): Promise<Run> {
  await mkdir(outputFolder);
  const run = await contender.run({ file, outputFolder });
  if ((await hashOnlyFile(outputFolder)) !== digest)
    throw new Error(`${contender.name}: the file that arrived is not the one that was sent`);
  await rm(outputFolder, { recursive: true });
  return run;
}

function describeMachine(scratch: string): Report["machine"] {
  return {
    CPU: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    "Node.js": process.version,
    "files in": scratch.startsWith("/dev/shm") ? "memory" : "the folder for temporary files",
  };
}

async function keep(report: Report, text: string): Promise<void> {
  const time = new Date().toISOString();
  const name = time.replaceAll(/[:.]/g, "-");
  await mkdir(RESULTS, { recursive: true });
  await writeFile(
    join(RESULTS, `${name}.json`),
    `${JSON.stringify({ time, ...report }, null, 2)}\n`,
  );
  await writeFile(join(RESULTS, `${name}.md`), text);
  say(`kept as bench/results/${name}.md and .json`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
