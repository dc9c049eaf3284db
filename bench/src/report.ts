/** From runs to medians, and to the table that people read. @module */
import type { Run } from "./contender.ts";

export interface Result {
  readonly name: string;
  readonly what: string;
  readonly runs: readonly Run[];
}

export interface Report {
  readonly bytes: number;
  readonly results: readonly Result[];
  readonly absent: readonly { readonly name: string; readonly why: string }[];
  readonly machine: Readonly<Record<string, string | number>>;
}

const MIB = 1_048_576;
const GIB = 1_024 * MIB;
const HEAD = [
  "program",
  "whole command, s",
  "MiB/s",
  "of socat",
  "transfer only, s",
  "MiB/s",
  "CPU s/GiB: sender + relay + receiver",
  "peak MiB: sender, relay, receiver",
];

/** Medians; in brackets the smallest and the largest. Ratios are to the median of `baseline`. */
export function renderReport(report: Report, baseline: string): string {
  const { bytes, results, absent, machine } = report;
  const base = results.find(({ name }) => name === baseline);
  const rows = results.map((result) => row(result, bytes, base));
  const lines = [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const notes = [
    ...results.map(({ name, what, runs }) => `- ${name}: ${what}; ${runs.length} runs`),
    ...absent.map(({ name, why }) => `- ${name}: absent, ${why}`),
  ];
  const about = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  return `${bytes / MIB} MiB; ${about.join(", ")}\n\n${lines.join("\n")}\n\n${notes.join("\n")}\n`;
}

function row({ name, runs }: Result, bytes: number, base: Result | undefined): string[] {
  const wall = runs.map((run) => run.wallMs / 1_000);
  const transfer = runs.flatMap(({ transferMs }) =>
    transferMs === undefined ? [] : [transferMs / 1_000],
  );
  const ratio = base && median(base.runs.map((run) => run.wallMs / 1_000)) / median(wall);
  return [
    name,
    spread(wall, 2),
    (bytes / MIB / median(wall)).toFixed(0),
    ratio === undefined ? "" : ratio.toFixed(2),
    transfer.length === 0 ? "" : spread(transfer, 2),
    transfer.length === 0 ? "" : (bytes / MIB / median(transfer)).toFixed(0),
    cpuCell(runs, bytes),
    roles(runs, (usage) => usage.peakBytes / MIB)
      .map((peaks) => median(peaks).toFixed(0))
      .join(", "),
  ];
}

function cpuCell(runs: readonly Run[], bytes: number): string {
  const parts = roles(runs, (usage) => usage.cpuSeconds / (bytes / GIB));
  const sums = runs.map((_, at) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0));
  return `${parts.map((part) => median(part).toFixed(2)).join(" + ")} = ${spread(sums, 2)}`;
}

function roles(runs: readonly Run[], of: (usage: Run["sender"]) => number): number[][] {
  return [
    runs.map((run) => of(run.sender)),
    runs.map((run) => of(run.relay)),
    runs.map((run) => of(run.receiver)),
  ];
}

function spread(values: readonly number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
