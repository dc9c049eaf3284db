/**
 * Counts the frames in a stream of sealed ones without opening them (docs/protocol.md 5): three
 * bytes of length, then as many bytes. The length tells a short answer from a long delivery.
 *
 * @module
 */
const PREFIX_BYTES = 3;

export class FrameCounter {
  /** Sealed bytes from which a frame counts as long. */
  readonly #longFrom: number;
  #short = 0;
  #long = 0;
  /** Of the length that is arriving. */
  #prefix = 0;
  #prefixBytes = 0;
  /** Of the frame that is arriving. */
  #rest = 0;

  constructor(longFrom: number) {
    this.#longFrom = longFrom;
  }

  get short(): number {
    return this.#short;
  }

  get long(): number {
    return this.#long;
  }

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

  /** A frame counts from its first byte on. */
  #begin(): void {
    if (this.#prefix >= this.#longFrom) this.#long++;
    else this.#short++;
    this.#rest = this.#prefix;
    this.#prefix = 0;
    this.#prefixBytes = 0;
  }
}
