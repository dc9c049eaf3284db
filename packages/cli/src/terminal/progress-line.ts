/**
 * The progress of one transfer as text: a line that is redrawn (`progress-board.ts`), or, where
 * nothing can be redrawn, a line per tenth.
 *
 * @module
 */
import { formatBytes, formatClock, formatPart, formatRate } from "./format.ts";
import { displayWidth, fitWidth } from "./width.ts";

export interface ProgressState {
  /** Safe for a terminal. */
  readonly label: string;
  readonly bytes: number;
  readonly total: number | undefined;
  readonly sessionKey: number;
  readonly keyAgeMs: number;
  /** Of a folder: where it is. */
  readonly file?: FileState | undefined;
  /** Over the last seconds; `undefined` until it is known. */
  readonly bytesPerSecond: number | undefined;
}

export interface FileState {
  /** Counted from 1. */
  readonly number: number;
  readonly count: number;
  /** Safe for a terminal. */
  readonly name: string;
  readonly bytes: number;
  readonly size: number;
}

export interface ProgressLine {
  update(state: Omit<ProgressState, "label" | "bytesPerSecond">): void;
  /** Takes the line away; the next `update` draws it again. */
  clear(): void;
}

interface SteppedOptions {
  readonly label: string;
  readonly write: (text: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export const REDRAW_MS = 100;
/** Long enough to be steady, short enough to follow a network that changes. */
const RATE_WINDOW_MS = 3_000;
const BAR_COLUMNS = 12;
const LABEL_COLUMNS_MIN = 8;
const LABEL_COLUMNS_MAX = 32;
const FILE_COLUMNS_MAX = 20;
const UNKNOWN_STEP_BYTES = 100_000_000;

/** One line of at most `columns` - 1: the last column would make some terminals wrap. */
export function renderProgress(state: ProgressState, columns: number): string {
  const { bytes, total, bytesPerSecond } = state;
  const speed = bytesPerSecond === undefined ? [] : [formatRate(bytesPerSecond)];
  const left =
    total === undefined || bytesPerSecond === undefined || bytesPerSecond < 1
      ? []
      : [`${formatClock(((total - bytes) / bytesPerSecond) * 1000)} left`];
  const amount =
    total === undefined ? [formatBytes(bytes)] : [percent(bytes, total), formatPart(bytes, total)];
  const key =
    state.sessionKey > 0
      ? [`key ${state.sessionKey}, ${(state.keyAgeMs / 1000).toFixed(1)} s`]
      : [];
  const file = state.file === undefined ? [] : [renderFile(state.file)];
  const bars = total === undefined ? [] : [bar(bytes, total)];
  // From the fullest form to the barest: a narrow window loses the bar first, then file and key.
  const forms = [
    [...bars, ...amount, ...speed, ...left, ...file, ...key],
    [...amount, ...speed, ...left, ...file],
    [...bars, ...amount, ...speed, ...left, ...key],
    [...amount, ...speed, ...left, ...key],
    [...amount, ...speed, ...left],
    amount,
    amount.slice(0, 1),
  ];
  const room = columns - 1;
  for (const form of forms) {
    const rest = form.join("  ");
    const labelRoom = Math.min(room - displayWidth(rest) - 2, LABEL_COLUMNS_MAX);
    if (labelRoom >= Math.min(LABEL_COLUMNS_MIN, displayWidth(state.label)))
      return `${fitWidth(state.label, labelRoom)}  ${rest}`;
  }
  return fitWidth(amount[0]!, room);
}

export function steppedLine(options: SteppedOptions): ProgressLine {
  const rate = createRate(options.now);
  let written = 0;
  return {
    update(state) {
      const bytesPerSecond = rate.measure(state.bytes);
      const { bytes, total } = state;
      const step = total === undefined ? UNKNOWN_STEP_BYTES : Math.max(1, total / 10);
      const reached = Math.floor(bytes / step);
      if (reached <= written) return;
      written = reached;
      const shown = { ...state, label: options.label, bytesPerSecond };
      options.write(`${renderStep(shown)}\n`);
    },
    clear() {},
  };
}

/** `17/203 IMG_4711.raw 45%`: all of these are of one file. */
function renderFile({ number, count, name, bytes, size }: FileState): string {
  const shown = fitWidth(name, FILE_COLUMNS_MAX);
  return `${number}/${count} ${shown} ${percent(bytes, size).trim()}`;
}

function renderStep(state: ProgressState): string {
  const { label, bytes, total, bytesPerSecond, sessionKey, file } = state;
  const amount =
    total === undefined
      ? formatBytes(bytes)
      : `${percent(bytes, total).trim()} of ${formatBytes(total)}`;
  const speed = bytesPerSecond === undefined ? "" : `, ${formatRate(bytesPerSecond)}`;
  const files = file === undefined ? "" : `, file ${file.number} of ${file.count}`;
  return `${label}: ${amount}${speed}${files}${sessionKey > 0 ? `, key ${sessionKey}` : ""}`;
}

interface Rate {
  measure(bytes: number): number | undefined;
}

export function createRate(now: () => number): Rate {
  const samples: { at: number; bytes: number }[] = [];
  return {
    measure(bytes) {
      const at = now();
      samples.push({ at, bytes });
      // One sample older than the window stays as its left end.
      while (samples.length > 2 && samples[1]!.at <= at - RATE_WINDOW_MS) samples.shift();
      const [first] = samples;
      if (first === undefined || at - first.at < REDRAW_MS) return undefined;
      return Math.max(0, ((bytes - first.bytes) * 1000) / (at - first.at));
    },
  };
}

function percent(bytes: number, total: number): string {
  return `${Math.floor(share(bytes, total) * 100)}%`.padStart(4);
}

function bar(bytes: number, total: number): string {
  const full = Math.floor(share(bytes, total) * BAR_COLUMNS);
  return "█".repeat(full) + "░".repeat(BAR_COLUMNS - full);
}

function share(bytes: number, total: number): number {
  return total === 0 ? 1 : Math.min(1, bytes / total);
}
