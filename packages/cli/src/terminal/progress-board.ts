/**
 * The progress of everything that runs: on a terminal one line for each transfer, redrawn in place;
 * elsewhere a line per tenth of each. Nothing else may write to the terminal between `update` and
 * `hide`.
 *
 * @module
 */
import {
  createRate,
  REDRAW_MS,
  renderProgress,
  steppedLine,
  type ProgressLine,
  type ProgressState,
} from "./progress-line.ts";

export interface ProgressBoard {
  /** A line for one more transfer; it shows from its first `update` to `clear`. */
  open(label: string): ProgressLine;
  /** Takes all lines away; the next `update` draws them again. */
  hide(): void;
}

export interface BoardOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Asked at every redraw, both: a window may change. */
  readonly columns: () => number;
  readonly rows: () => number;
  /** A question stands there now. */
  readonly isTaken: () => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export function createProgressBoard(options: BoardOptions): ProgressBoard {
  if (options.isTerminal) return new DrawnBoard(options);
  return { open: (label) => steppedLine({ ...options, label }), hide() {} };
}

interface Row {
  state: ProgressState;
}

class DrawnBoard implements ProgressBoard {
  readonly #options: BoardOptions;
  /** Those that show, in the order in which they began to. */
  readonly #rows = new Set<Row>();
  #drawn = 0;
  #drawnAt: number | undefined;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  open(label: string): ProgressLine {
    const rate = createRate(this.#options.now);
    let row: Row | undefined;
    return {
      update: (state) => {
        const shown = { ...state, label, bytesPerSecond: rate.measure(state.bytes) };
        if (row === undefined) this.#rows.add((row = { state: shown }));
        else row.state = shown;
        this.#draw();
      },
      clear: () => {
        if (row === undefined) return;
        this.hide();
        this.#rows.delete(row);
        row = undefined;
      },
    };
  }

  hide(): void {
    if (this.#drawn > 0)
      this.#options.write(`${this.#toTop()}${this.#drawn > 1 ? CLEAR_BELOW : CLEAR_LINE}`);
    this.#drawn = 0;
    this.#drawnAt = undefined;
  }

  #draw(): void {
    const { columns, isTaken, now, write } = this.#options;
    const at = now();
    if (isTaken()) return;
    if (this.#drawnAt !== undefined && at - this.#drawnAt < REDRAW_MS) return;
    const lines = this.#lines(columns());
    const rest = lines.length < this.#drawn ? CLEAR_BELOW : "";
    write(`${this.#toTop()}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\n")}${rest}`);
    this.#drawn = lines.length;
    this.#drawnAt = at;
  }

  /** What scrolled away could not be drawn over: no more lines than the window has room for. */
  #lines(columns: number): string[] {
    const room = Math.max(1, Math.min(ROWS_MAX, this.#options.rows() - 1));
    const rows = [...this.#rows];
    const shown = rows.length <= room ? rows : rows.slice(0, Math.max(1, room - 1));
    const lines = shown.map(({ state }) => renderProgress(state, columns));
    if (shown.length < rows.length && room > 1)
      lines.push(`and ${rows.length - shown.length} more`.slice(0, Math.max(1, columns - 1)));
    return lines;
  }

  #toTop(): string {
    return this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A\r` : "\r";
  }
}

/** More would be a wall of bars. */
const ROWS_MAX = 12;

const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
