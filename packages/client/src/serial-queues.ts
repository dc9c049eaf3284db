import { hex } from "@postern/core/bytes";

/** Work of each peer (fingerprint) one after the other, in the order in which it came. */
export class SerialQueues {
  readonly #last = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, number>();

  run<T>(peer: Uint8Array, work: () => Promise<T>): Promise<T> {
    const key = hex(peer);
    this.#waiting.set(key, this.waiting(peer) + 1);
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const ended = (): void => {
      const left = (this.#waiting.get(key) ?? 1) - 1;
      if (left > 0) return void this.#waiting.set(key, left);
      this.#waiting.delete(key);
      this.#last.delete(key);
    };
    this.#last.set(key, result.then(ended, ended));
    return result;
  }

  /** Work of this peer that has not ended. */
  waiting(peer: Uint8Array): number {
    return this.#waiting.get(hex(peer)) ?? 0;
  }

  /** Resolves when nothing waits, what came meanwhile included. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
