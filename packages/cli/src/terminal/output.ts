/**
 * The two streams of a command. Messages and results go to stdout, all else to stderr; with
 * `--json` stdout holds one event a line and nothing else. Whoever writes a line to stderr through
 * here does not tear the progress lines.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import { EXIT, exitCodeOf, type ExitCode } from "../exit-codes.ts";
import { CommandFailure, type Explanation } from "../failures.ts";
import { isSet, type Surroundings } from "../surroundings.ts";
import { describe, isSecurityEvent, type About } from "./describe.ts";
import { systemReason } from "./network-reason.ts";
import { createProgressBoard } from "./progress-board.ts";
import type { ProgressLine } from "./progress-line.ts";
import { safeJson, safeText } from "./safe-text.ts";
import { sourceReason } from "./source-reason.ts";
import { confirmedField, isUnconfirmed } from "./unconfirmed.ts";

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

/** Whose failure it is, where several may fail. */
export interface FailureOf {
  readonly label: (line: string) => string;
  readonly to: string;
}

export type Paint = "bold" | "green" | "red" | "yellow" | "dim";

/** One event of `--json`; `type` is stable. */
export type JsonEvent = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Output {
  readonly json: boolean;
  readonly hasColor: boolean;
  /** Names the parties in explanations of errors; later calls add to earlier ones. */
  about(about: Partial<About>): void;
  /** A line for people on stderr; silenced by `--quiet`. */
  say(line: string): void;
  /** Like {@link say}, but also with `--quiet`. */
  warn(line: string): void;
  /** A line of the command's result on stdout; nothing with `--json`. */
  result(line: string): void;
  /** An event on stdout; nothing without `--json`. */
  event(event: JsonEvent): void;
  /** Explains an error on stderr and as an event. Returns its exit code. */
  fail(error: unknown, about?: Partial<About>, of?: FailureOf): ExitCode;
  /** A line for one transfer; several show at once, one below the other. */
  progress(label: string): ProgressLine;
  /** Whatever else is said waits until `ask` has its answer: a question is not torn. */
  during<T>(ask: () => Promise<T>): Promise<T>;
  paint(paint: Paint, text: string): string;
}

const CODES: Readonly<Record<Paint, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export function createOutput(surroundings: Surroundings, options: OutputOptions): Output {
  const { stdout, stderr, env } = surroundings;
  const { json, quiet } = options;
  const hasColor = wantsColor(surroundings, options.noColor);
  let known: About = { relay: "the relay" };
  let questions = 0;
  const board = createProgressBoard({
    write: (text) => void stderr.write(text),
    isTerminal: stderr.isTTY === true && env["TERM"] !== "dumb",
    // 0 on a terminal that was never told its size, as in some containers.
    columns: () => stderr.columns || 80,
    rows: () => stderr.rows || 24,
    isTaken: () => questions > 0,
    now: surroundings.now,
  });
  const heldBack: string[] = [];

  const write = (text: string): void => {
    if (questions > 0) return void heldBack.push(text);
    board.hide();
    stderr.write(`${text}\n`);
  };
  const paint = (name: Paint, text: string): string =>
    hasColor ? `\u001b[${CODES[name]}m${text}\u001b[0m` : text;
  const event = (value: JsonEvent): void => {
    if (json) stdout.write(`${safeJson(value)}\n`);
  };
  return {
    json,
    hasColor,
    paint,
    event,
    about: (more) => void (known = { ...known, ...more }),
    say: (text) => void (quiet || write(text)),
    warn: write,
    result(text) {
      if (json) return;
      board.hide();
      stdout.write(`${text}\n`);
    },
    fail(error, about, of) {
      const failure = explain(error, { ...known, ...about }, isSet(env["POSTERN_DEBUG"]));
      for (const text of failure.lines) {
        const line = failure.isAlarm ? paint("red", text) : text;
        write(of === undefined ? line : of.label(line));
      }
      event({ type: "error", ...failure.event, ...(of && { to: of.to }) });
      return failure.exitCode;
    },
    progress: (label) => (quiet ? SILENT : board.open(safeText(label))),
    async during(ask) {
      board.hide();
      questions++;
      try {
        return await ask();
      } finally {
        questions--;
        if (questions === 0) for (const text of heldBack.splice(0)) write(text);
      }
    },
  };
}

const SILENT: ProgressLine = { update() {}, clear() {} };

interface Failure {
  readonly lines: readonly string[];
  readonly event: { readonly code: string; readonly confirmed?: false };
  readonly exitCode: ExitCode;
  readonly isAlarm: boolean;
}

function explain(error: unknown, about: About, isDebugging: boolean): Failure {
  const stack = isDebugging && error instanceof Error ? [safeStack(error)] : [];
  if (error instanceof PosternError) {
    const { word } = error.details;
    const said = describe(error.code, {
      ...about,
      reason: sourceReason(error) ?? systemReason(error),
      isUnconfirmed: isUnconfirmed(error),
      // No other failure names a path: what peers send has none that could be shown.
      isState: error.details["path"] !== undefined,
      word: typeof word === "number" ? word : undefined,
    });
    const isAlarm = isSecurityEvent(error.code);
    const lines = [...block(said, isAlarm), ...stack];
    const event = { code: error.code, ...confirmedField(error) };
    return { lines, event, exitCode: exitCodeOf(error.code), isAlarm };
  }
  if (error instanceof CommandFailure) {
    const lines = [...block(error.explanation, false), ...stack];
    return { lines, event: { code: error.code }, exitCode: error.exitCode, isAlarm: false };
  }
  const text = error instanceof Error ? error.message : String(error);
  const what = `postern: unexpected failure: ${safeText(text.slice(0, 500))}`;
  const hint = isDebugging ? "" : " (POSTERN_DEBUG=1 shows where)";
  return {
    lines: [what + hint, ...stack],
    event: { code: "internal" },
    exitCode: EXIT.failed,
    isAlarm: false,
  };
}

function block({ what, why, next }: Explanation, isAlarm: boolean): string[] {
  return [`postern: ${isAlarm ? "STOPPED - " : ""}${what}`, `  why:  ${why}`, `  next: ${next}`];
}

function safeStack(error: Error): string {
  return (error.stack ?? "").split("\n").map(safeText).join("\n");
}

function wantsColor({ stderr, env }: Surroundings, noColor: boolean): boolean {
  if (noColor || isSet(env["NO_COLOR"])) return false;
  if (isSet(env["FORCE_COLOR"]) && env["FORCE_COLOR"] !== "0") return true;
  return stderr.isTTY === true && env["TERM"] !== "dumb";
}
