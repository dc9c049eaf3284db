import { HEADER_AHEAD_MS, HEADER_VALID_MS, SEEN_TRANSFERS_MAX } from "../limits.ts";
import type { InstantMs } from "../time.ts";

const REMEMBERED_MS = HEADER_VALID_MS + HEADER_AHEAD_MS;

interface Seen {
  readonly key: string;
  readonly at: InstantMs;
}

/**
 * Transfers that were offered before: the answer to a replay. An offer lives 60 s, so an older
 * entry is refused by its time and may be forgotten.
 */
export class SeenTransfers {
  readonly #seen = new Map<string, InstantMs>();
  /**
   * The same, oldest first, from `#first` on. To look for the oldest in the map itself would take
   * longer with each one that was forgotten.
   */
  #order: Seen[] = [];
  #first = 0;

  has(key: string): boolean {
    return this.#seen.has(key);
  }

  /** `false` when the memory is full of entries that are still needed: refuse, never forget. */
  hasRoom(now: InstantMs): boolean {
    for (let oldest = this.#order[this.#first]; oldest; oldest = this.#order[++this.#first]) {
      if (now - oldest.at <= REMEMBERED_MS) break;
      // One that was seen again since stays until then.
      if (this.#seen.get(oldest.key) === oldest.at) this.#seen.delete(oldest.key);
    }
    if (2 * this.#first > this.#order.length) {
      this.#order = this.#order.slice(this.#first);
      this.#first = 0;
    }
    return this.#order.length - this.#first < SEEN_TRANSFERS_MAX;
  }

  add(key: string, now: InstantMs): void {
    this.#seen.set(key, now);
    this.#order.push({ key, at: now });
  }
}
