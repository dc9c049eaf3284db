/**
 * The progress of one transfer: on a terminal one line that is redrawn in place, elsewhere a line
 * per tenth. Nothing else may write to the terminal between `update` and `clear`.
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
  /** Over the last seconds; `undefined` until it is known. */
  readonly bytesPerSecond: number | undefined;
}

export interface ProgressLine {
  update(state: Omit<ProgressState, "label" | "bytesPerSecond">): void;
  /** Takes the line away; the next `update` draws it again. */
  clear(): void;
}

export interface ProgressOptions {
  readonly label: string;
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Asked at every redraw: a window may change. */
  readonly columns: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const REDRAW_MS = 100;
/** Long enough to be steady, short enough to follow a network that changes. */
const RATE_WINDOW_MS = 3_000;
const BAR_COLUMNS = 12;
const LABEL_COLUMNS_MIN = 8;
const LABEL_COLUMNS_MAX = 32;
const UNKNOWN_STEP_BYTES = 100_000_000;

export function createProgressLine(options: ProgressOptions): ProgressLine {
  const rate = createRate(options.now);
  return options.isTerminal ? redrawn(options, rate) : stepped(options, rate);
}

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
  const bars = total === undefined ? [] : [bar(bytes, total)];
  // From the fullest form to the barest: a narrow window loses the bar first, then the key.
  const forms = [
    [...bars, ...amount, ...speed, ...left, ...key],
    [...amount, ...speed, ...left, ...key],
    [...amount, ...speed, ...left],
    amount,
    amount.slice(0, 1),
  ];
  const room = columns - 1;
  for (const form of forms) {
    const rest = form.join("  ");
    const labelRoom = Math.min(room - rest.length - 2, LABEL_COLUMNS_MAX);
    if (labelRoom >= Math.min(LABEL_COLUMNS_MIN, displayWidth(state.label)))
      return `${fitWidth(state.label, labelRoom)}  ${rest}`;
  }
  return fitWidth(amount[0]!, room);
}

function redrawn(options: ProgressOptions, rate: Rate): ProgressLine {
  let drawnAt: number | undefined;
  let isDrawn = false;
  return {
    update(state) {
      const bytesPerSecond = rate.measure(state.bytes);
      const now = options.now();
      if (drawnAt !== undefined && now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      isDrawn = true;
      const line = renderProgress(
        { ...state, label: options.label, bytesPerSecond },
        options.columns(),
      );
      options.write(`\r${line}\u001b[K`);
    },
    clear() {
      if (isDrawn) options.write("\r\u001b[K");
      isDrawn = false;
      drawnAt = undefined;
    },
  };
}

function stepped(options: ProgressOptions, rate: Rate): ProgressLine {
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

function renderStep(state: ProgressState): string {
  const { label, bytes, total, bytesPerSecond, sessionKey } = state;
  const amount =
    total === undefined
      ? formatBytes(bytes)
      : `${percent(bytes, total).trim()} of ${formatBytes(total)}`;
  const speed = bytesPerSecond === undefined ? "" : `, ${formatRate(bytesPerSecond)}`;
  return `${label}: ${amount}${speed}${sessionKey > 0 ? `, key ${sessionKey}` : ""}`;
}

interface Rate {
  measure(bytes: number): number | undefined;
}

function createRate(now: () => number): Rate {
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
