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

interface ReadyKey {
  readonly kid: Uint8Array;
  readonly pair: KemKeyPair;
}

/** Changes in place. */
export class ReadyKeys {
  #keys: readonly ReadyKey[] = [];

  /** The key that this client has offered under this kid (16 bytes). */
  of(kid: Uint8Array): KemKeyPair | undefined {
    return this.#keys.find((key) => equalBytes(key.kid, kid))?.pair;
  }

  /** Owns `pair` from here on. */
  add(kid: Uint8Array, pair: KemKeyPair): void {
    this.#keys = [...this.#keys, { kid, pair }];
  }

  keepOnly(keys: readonly Pick<ReadyKey, "kid">[]): void {
    const isKept = (key: ReadyKey): boolean => keys.some(({ kid }) => equalBytes(kid, key.kid));
    for (const key of this.#keys) if (!isKept(key)) wipe(key.pair.seed);
    this.#keys = this.#keys.filter(isKept);
  }

  wipe(): void {
    this.keepOnly([]);
  }
}
