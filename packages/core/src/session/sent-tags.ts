/**
 * The tags of the records that were sent, for the digest of the last record (docs/protocol.md 8).
 * What the receiver has verified is hashed and forgotten; the rest can still be taken back when a
 * `resend` makes the sender go on from an earlier place.
 *
 * @module
 */
import type { Sha256Stream } from "../crypto/suite.ts";

interface SentTag {
  /** Where the record ends in the content. */
  readonly end: number;
  readonly tag: Uint8Array;
}

export class SentTags {
  readonly #verified: Sha256Stream;
  #unverified: SentTag[] = [];
  #verifiedEnd: number;

  constructor(stream: Sha256Stream, fromOffset: number) {
    this.#verified = stream;
    this.#verifiedEnd = fromOffset;
  }

  /** Records that are sent and not yet verified. */
  get count(): number {
    return this.#unverified.length;
  }

  push(end: number, tag: Uint8Array): void {
    this.#unverified.push({ end, tag: tag.slice() });
  }

  /** The receiver has verified everything below `offset`. */
  verify(offset: number): void {
    let taken = 0;
    for (const { end, tag } of this.#unverified) {
      if (end > offset) break;
      this.#verified.update(tag);
      this.#verifiedEnd = end;
      taken++;
    }
    this.#unverified.splice(0, taken);
  }

  /** Forgets the records after `offset`. False when no record ends there: nothing is changed. */
  rewind(offset: number): boolean {
    const last = this.#unverified.findIndex((sent) => sent.end === offset);
    if (last < 0 && offset !== this.#verifiedEnd) return false;
    this.#unverified.length = last + 1;
    return true;
  }

  /** The digest of all tags, verified or not, in their order. */
  digest(): Uint8Array {
    const stream = this.#verified.copy();
    for (const { tag } of this.#unverified) stream.update(tag);
    return stream.digest();
  }
}
