/** The table, the chart and the ratios that people read, of each case. @module */
import type { Missing, Outcome, Result } from "../alternate.ts";
import { isOwn, type BenchCase, type Column } from "../bench-case.ts";
import { ratioByTurn, spreadOf } from "../measure/statistics.ts";
import { renderChart } from "./chart.ts";

export interface CaseReport extends Outcome {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly chart: string;
  readonly isHigherBetter: boolean;
  readonly notes: readonly string[];
}

export interface Report {
  readonly time: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly cases: readonly CaseReport[];
  /** Cases that cannot be run here. */
  readonly skipped: readonly Missing[];
  /** Cases that failed as a whole. */
  readonly broken: readonly Missing[];
}

export function reportOf(
  { name, title, columns, chart, isHigherBetter }: BenchCase,
  notes: readonly string[],
  outcome: Outcome,
): CaseReport {
  return { name, title, columns, chart, isHigherBetter, notes, ...outcome };
}

export function renderReport({ time, machine, cases, skipped, broken }: Report): string {
  const about = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  const missing = [...listed(skipped), ...listed(broken, "failed, ")];
  const parts = [
    `# Postern measured, ${time}`,
    about.join(", "),
    ...cases.map(renderCase),
    ...(missing.length === 0 ? [] : [["## Not measured", "", ...missing].join("\n")]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Medians; in brackets the smallest and the largest. */
export function renderCase(report: CaseReport): string {
  const { name, title, results, absent, failed, notes } = report;
  const parts = [`## ${name}: ${title}`];
  if (results.length > 0) parts.push(tableOf(report), chartOf(report));
  parts.push(
    [
      ...notes.map((note) => `- ${note}`),
      ...results.map(({ name: who, what, runs }) => `- ${who}: ${what}; ${countOf(runs.length)}`),
      ...ratiosOf(report),
      ...listed(absent, "absent, "),
      ...listed(failed, "failed, "),
    ].join("\n"),
  );
  return parts.join("\n\n");
}

/** Columns that nobody has a figure for are left out. */
function tableOf({ columns, results }: CaseReport): string {
  const filled = columns.filter(({ key }) =>
    results.some((each) => valuesOf(each, key).length > 0),
  );
  const rows = results.map((result) => [
    result.name,
    ...filled.map((column) => cellOf(result, column)),
  ]);
  const head = ["", ...filled.map(({ heading }) => heading)];
  const rule = head.map((_, at) => (at === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cellOf(result: Result, { key, digits, hasSpread }: Column): string {
  const values = valuesOf(result, key);
  if (values.length === 0) return "";
  const { median, low, high } = spreadOf(values);
  const middle = median.toFixed(digits);
  if (hasSpread !== true || values.length === 1) return middle;
  return `${middle} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;
}

function chartOf({ columns, chart, results, isHigherBetter }: CaseReport): string {
  const column = columns.find(({ key }) => key === chart);
  if (column === undefined) throw new Error(`no column ${chart}`);
  const bars = results.flatMap((result) => {
    const values = valuesOf(result, chart);
    if (values.length === 0) return [];
    const shown = cellOf(result, { ...column, hasSpread: false });
    return [{ name: result.name, value: spreadOf(values).median, shown }];
  });
  if (bars.length === 0) return "";
  const caption = `${column.heading}, ${isHigherBetter ? "more" : "less"} is better`;
  return ["```text", caption, ...renderChart(bars), "```"].join("\n");
}

/** Postern's figure as a multiple of everybody else's, from runs of the same turn. */
function ratiosOf({ results, chart, isHigherBetter }: CaseReport): string[] {
  const others = results.filter((each) => !isOwn(each));
  const byTurn = ({ runs }: Result): (number | undefined)[] => runs.map((run) => run[chart]);
  return results.filter(isOwn).flatMap((one) => {
    const parts = others.flatMap((other) => {
      const ratio = ratioByTurn(byTurn(one), byTurn(other));
      return ratio === undefined ? [] : [`${ratio.toFixed(2)} x ${other.name}`];
    });
    const verb = isHigherBetter ? "reaches" : "takes";
    return parts.length === 0 ? [] : [`- **${one.name}** ${verb} ${parts.join(", ")}`];
  });
}

function valuesOf({ runs }: Result, key: string): number[] {
  return runs.flatMap((run) => run[key] ?? []);
}

function countOf(runs: number): string {
  return runs === 1 ? "1 run" : `${runs} runs`;
}

function listed(missing: readonly Missing[], word = ""): string[] {
  return missing.map(({ name, why }) => `- ${name}: ${word}${why}`);
}
