import { EVENTS_WAITING_MAX } from "@postern/core/limits";

/**
 * Events for one reader, kept until they are read. `merge` may fold a new event into the last one
 * that waits, and beyond `EVENTS_WAITING_MAX` the oldest that `mayGo` goes, so that a reader who
 * sleeps costs bounded memory.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  readonly #merge: (last: T, next: T) => boolean;
  readonly #mayGo: (event: T) => boolean;
  #wake: (() => void) | undefined;
  #ended = false;

  /** `merge` says whether `next` replaces `last`. */
  constructor(
    merge: (last: T, next: T) => boolean = () => false,
    mayGo: (event: T) => boolean = () => false,
  ) {
    this.#merge = merge;
    this.#mayGo = mayGo;
  }

  push(event: T): void {
    if (this.#ended) return;
    const last = this.#waiting.at(-1);
    if (last !== undefined && this.#merge(last, event)) this.#waiting.pop();
    if (this.#waiting.length >= EVENTS_WAITING_MAX) this.takeBack(this.#mayGo);
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Takes the oldest such event back; `false` when none waits. */
  takeBack(matches: (event: T) => boolean): boolean {
    const at = this.#waiting.findIndex(matches);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /** Nothing more comes; what waits is still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (true) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

interface Typed {
  readonly type: string;
}

/** Of a transfer: only the latest counts. */
export function bothProgress(last: Typed, next: Typed): boolean {
  return last.type === "progress" && next.type === "progress";
}

/** Of a transfer: something comes after it. */
export function isNoEnd({ type }: Typed): boolean {
  return type !== "done" && type !== "failed";
}
