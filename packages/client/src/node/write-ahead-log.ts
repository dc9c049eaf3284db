/**
 * What a write-ahead log adds to its state file, by the format of SQLite (sqlite.org/fileformat2,
 * 4): for reading a state that another process has, without its locks.
 *
 * Invariant: only frames count that a finished change wrote, up to the first that does not hold.
 *
 * @module
 */
import { PAGE_BYTES } from "./state-schema.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** The last bit tells how the words are ordered that the sums are made of. */
const MAGIC = 0x37_7f_06_82;
const VERSION = 3_007_000;

/** `state` as it is with every finished change of `log`: a copy. */
export function withLog(state: Uint8Array, log: Uint8Array): Uint8Array {
  const { pages, count } = committed(log);
  const merged = new Uint8Array(count === undefined ? state.length : count * PAGE_BYTES);
  merged.set(state.subarray(0, merged.length));
  for (const [page, bytes] of pages)
    if (page * PAGE_BYTES <= merged.length) merged.set(bytes, (page - 1) * PAGE_BYTES);
  return merged;
}

interface Committed {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** Pages of the state after the last change; `undefined`: there is none. */
  readonly count: number | undefined;
}

function committed(log: Uint8Array): Committed {
  const pages = new Map<number, Uint8Array>();
  let count: number | undefined;
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const sum = headerSum(view);
  if (sum === undefined) return { pages, count };
  let unfinished: [number, Uint8Array][] = [];
  for (let at = HEADER_BYTES; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    const body = at + FRAME_HEADER_BYTES;
    const isOfLog =
      view.getUint32(at + 8) === view.getUint32(16) &&
      view.getUint32(at + 12) === view.getUint32(20);
    sum.add(at, 8);
    sum.add(body, PAGE_BYTES);
    const page = view.getUint32(at);
    if (!isOfLog || page === 0 || !sum.isAt(at + 16)) break;
    unfinished.push([page, log.subarray(body, body + PAGE_BYTES)]);
    const countNow = view.getUint32(at + 4);
    if (countNow === 0) continue;
    count = countNow;
    for (const [number, bytes] of unfinished) pages.set(number, bytes);
    unfinished = [];
  }
  return { pages, count };
}

/** `undefined`: no frame counts. */
function headerSum(view: DataView): RunningSum | undefined {
  if (view.byteLength < HEADER_BYTES) return undefined;
  const magic = view.getUint32(0);
  if (magic >>> 1 !== MAGIC >>> 1 || view.getUint32(4) !== VERSION) return undefined;
  if (view.getUint32(8) !== PAGE_BYTES) return undefined;
  const sum = new RunningSum(view, (magic & 1) === 0);
  sum.add(0, 24);
  return sum.isAt(24) ? sum : undefined;
}

class RunningSum {
  readonly #view: DataView;
  readonly #isLittle: boolean;
  #first = 0;
  #second = 0;

  constructor(view: DataView, isLittle: boolean) {
    this.#view = view;
    this.#isLittle = isLittle;
  }

  add(from: number, length: number): void {
    for (let at = from; at < from + length; at += 8) {
      const one = this.#view.getUint32(at, this.#isLittle);
      const other = this.#view.getUint32(at + 4, this.#isLittle);
      this.#first = (this.#first + one + this.#second) >>> 0;
      this.#second = (this.#second + other + this.#first) >>> 0;
    }
  }

  isAt(at: number): boolean {
    return (
      this.#view.getUint32(at) === this.#first && this.#view.getUint32(at + 4) === this.#second
    );
  }
}
