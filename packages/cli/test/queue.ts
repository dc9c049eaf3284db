/** What a fake has to say, one after the other. @module */

/** An asynchronous queue that ends when it is told to. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake = Promise.withResolvers<void>();
  #hasEnded = false;

  push(...items: readonly T[]): void {
    this.#items.push(...items);
    this.#wake.resolve();
  }

  /** Before all that is there. */
  unshift(...items: readonly T[]): void {
    this.#items.unshift(...items);
    this.#wake.resolve();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake.resolve();
  }

  /** Returns at once, also while it waits, and may be iterated again. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    const items = this.#read();
    return {
      next: () => items.next(),
      return: async () => ({ done: true, value: undefined }),
    };
  }

  async *#read(): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#hasEnded) return;
      else {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    }
  }
}
