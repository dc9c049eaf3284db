/**
 * Counts the frames in a stream of sealed ones without opening them (docs/protocol.md 5): three
 * bytes of length, then as many bytes, which are one frame or a bundle. There are two kinds, of
 * lengths that are known: a short answer and a long delivery. So the length of a bundle tells how
 * many of each are in it, while the short ones together are shorter than a long one.
 *
 * @module
 */
const PREFIX_BYTES = 3;
const TAG_BYTES = 16;
const BUNDLE_TYPE_BYTES = 1;
const BUNDLED_LENGTH_BYTES = 2;

/** Of type and body. */
export interface FrameLengths {
  readonly short: number;
  readonly long: number;
}

export class FrameCounter {
  readonly #lengths: FrameLengths;
  #short = 0;
  #long = 0;
  /** Of the length that is arriving. */
  #prefix = 0;
  #prefixBytes = 0;
  /** Of what is arriving. */
  #rest = 0;

  constructor(lengths: FrameLengths) {
    this.#lengths = lengths;
  }

  get short(): number {
    return this.#short;
  }

  get long(): number {
    return this.#long;
  }

  /** @throws Error for a length that these frames do not give */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, bytes.length - at);
        this.#rest -= taken;
        at += taken;
        continue;
      }
      this.#prefix = (this.#prefix << 8) | (bytes[at++] ?? 0);
      if (++this.#prefixBytes === PREFIX_BYTES) this.#begin();
    }
  }

  /** Frames count from their first byte on. */
  #begin(): void {
    this.#count(this.#prefix - TAG_BYTES);
    this.#rest = this.#prefix;
    this.#prefix = 0;
    this.#prefixBytes = 0;
  }

  #count(plaintextBytes: number): void {
    const { short, long } = this.#lengths;
    if (plaintextBytes === short) this.#short++;
    else if (plaintextBytes === long) this.#long++;
    else {
      const bytes = plaintextBytes - BUNDLE_TYPE_BYTES;
      const [eachShort, eachLong] = [short + BUNDLED_LENGTH_BYTES, long + BUNDLED_LENGTH_BYTES];
      const answers = (bytes % eachLong) / eachShort;
      if (!Number.isInteger(answers)) throw new Error(`what are ${plaintextBytes} bytes?`);
      this.#long += Math.floor(bytes / eachLong);
      this.#short += answers;
    }
  }
}
