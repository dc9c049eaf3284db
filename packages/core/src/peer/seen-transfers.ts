import { HEADER_AHEAD_MS, HEADER_VALID_MS, SEEN_TRANSFERS_MAX } from "../limits.ts";
import type { InstantMs } from "../time.ts";

const REMEMBERED_MS = HEADER_VALID_MS + HEADER_AHEAD_MS;

/**
 * Transfers that were offered before: the answer to a replay. An offer lives 60 s, so an older
 * entry is refused by its time and may be forgotten.
 */
export class SeenTransfers {
  readonly #seen = new Map<string, InstantMs>();

  has(key: string): boolean {
    return this.#seen.has(key);
  }

  /** `false` when the memory is full of entries that are still needed: refuse, never forget. */
  hasRoom(now: InstantMs): boolean {
    for (const [key, at] of this.#seen) {
      if (now - at <= REMEMBERED_MS) break;
      this.#seen.delete(key);
    }
    return this.#seen.size < SEEN_TRANSFERS_MAX;
  }

  add(key: string, now: InstantMs): void {
    this.#seen.set(key, now);
  }
}
