/**
 * Events for one reader, kept until they are read. `merge` may fold a new event into the last one
 * that waits, so that a reader who sleeps costs bounded memory.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  readonly #merge: (last: T, next: T) => boolean;
  #wake: (() => void) | undefined;
  #ended = false;

  /** `merge` says whether `next` replaces `last`. */
  constructor(merge: (last: T, next: T) => boolean = () => false) {
    this.#merge = merge;
  }

  push(event: T): void {
    if (this.#ended) return;
    const last = this.#waiting.at(-1);
    if (last !== undefined && this.#merge(last, event)) this.#waiting.pop();
    this.#waiting.push(event);
    this.#wake?.();
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
