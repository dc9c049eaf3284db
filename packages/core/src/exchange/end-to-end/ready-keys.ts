/**
 * A receiver's newest keys of one channel, expanded: to make them of their seeds again costs as
 * much as the rest of an opening. They only save time; what counts is the record.
 *
 * Invariants: a key that the record has no more is wiped here by the same job; `wipe` leaves none.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import type { KemKeyPair, Suite } from "../../crypto/suite.ts";

/** From the second key on the sender is one that comes again. */
const MADE_BEFORE_AHEAD = 2;

/** Changes in place. */
export class ReadyKeys {
  #pairs: readonly KemKeyPair[] = [];
  /** No one's yet, and in no record. */
  #ahead: KemKeyPair | undefined;
  #made = 0;

  of(publicKey: Uint8Array): KemKeyPair | undefined {
    return this.#pairs.find((pair) => equalBytes(pair.publicKey, publicKey));
  }

  /** A new pair, made ahead or now; wiped here. */
  make(suite: Pick<Suite, "generateKem">): KemKeyPair {
    const pair = this.#ahead ?? suite.generateKem();
    this.#ahead = undefined;
    this.#made++;
    this.#pairs = [...this.#pairs, pair];
    return pair;
  }

  /** Whether the next pair is worth being made {@link makeAhead} of its use. */
  get wantsAhead(): boolean {
    return this.#ahead === undefined && this.#made >= MADE_BEFORE_AHEAD;
  }

  /** Makes the next pair while nobody waits for it. */
  makeAhead(suite: Pick<Suite, "generateKem">): void {
    if (this.wantsAhead) this.#ahead = suite.generateKem();
  }

  keepOnly(keys: readonly Pick<KemKeyPair, "publicKey">[]): void {
    const isKept = (pair: KemKeyPair): boolean =>
      keys.some(({ publicKey }) => equalBytes(publicKey, pair.publicKey));
    for (const pair of this.#pairs) if (!isKept(pair)) wipe(pair.seed);
    this.#pairs = this.#pairs.filter(isKept);
  }

  wipe(): void {
    this.keepOnly([]);
    wipe(this.#ahead?.seed);
    this.#ahead = undefined;
    this.#made = 0;
  }
}
