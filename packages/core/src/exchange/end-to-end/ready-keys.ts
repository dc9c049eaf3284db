/**
 * A receiver's newest keys of one channel, expanded: to make them of their seeds again costs as
 * much as the rest of an opening. They only save time; what counts is the record.
 *
 * Invariants: a key that the record has no more is wiped here by the same job; `wipe` leaves none.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import type { KemKeyPair } from "../../crypto/suite.ts";

/** Changes in place. */
export class ReadyKeys {
  #pairs: readonly KemKeyPair[] = [];

  of(publicKey: Uint8Array): KemKeyPair | undefined {
    return this.#pairs.find((pair) => equalBytes(pair.publicKey, publicKey));
  }

  /** Owns `pair` from here on. */
  add(pair: KemKeyPair): void {
    this.#pairs = [...this.#pairs, pair];
  }

  keepOnly(keys: readonly Pick<KemKeyPair, "publicKey">[]): void {
    const isKept = (pair: KemKeyPair): boolean =>
      keys.some(({ publicKey }) => equalBytes(publicKey, pair.publicKey));
    for (const pair of this.#pairs) if (!isKept(pair)) wipe(pair.seed);
    this.#pairs = this.#pairs.filter(isKept);
  }

  wipe(): void {
    this.keepOnly([]);
  }
}
