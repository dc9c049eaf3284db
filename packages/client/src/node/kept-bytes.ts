/**
 * Bytes by their offset, in blocks: a stream of single bytes costs no more than one of large
 * chunks.
 *
 * @module
 */
const BLOCK_BYTES = 262_144;

export class KeptBytes {
  readonly #blocks = new Map<number, Uint8Array>();
  #first = 0;

  append(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) {
      const index = Math.floor((at + done) / BLOCK_BYTES);
      const start = (at + done) % BLOCK_BYTES;
      const part = bytes.subarray(done, done + BLOCK_BYTES - start);
      this.#block(index).set(part, start);
      done += part.length;
    }
  }

  /** Copies from `offset` on, up to `end` and the end of a block. */
  copy(into: Uint8Array, offset: number, end: number): number {
    const bytes = this.#piece(offset, Math.min(end, offset + into.length));
    into.set(bytes);
    return bytes.length;
  }

  /** What is kept from `start` to `end`, in pieces that stay the keeper's. */
  *range(start: number, end: number): Generator<Uint8Array, void> {
    for (let at = start; at < end;) {
      const bytes = this.#piece(at, end);
      yield bytes;
      at += bytes.length;
    }
  }

  /** Lets go of all blocks that end at or before `offset`. */
  forget(offset: number): void {
    for (; (this.#first + 1) * BLOCK_BYTES <= offset; this.#first++)
      this.#blocks.delete(this.#first);
  }

  clear(): void {
    this.#blocks.clear();
  }

  #piece(offset: number, end: number): Uint8Array {
    const start = offset % BLOCK_BYTES;
    const length = Math.min(end - offset, BLOCK_BYTES - start);
    return this.#block(Math.floor(offset / BLOCK_BYTES)).subarray(start, start + length);
  }

  #block(index: number): Uint8Array {
    const present = this.#blocks.get(index);
    if (present !== undefined) return present;
    const block = new Uint8Array(BLOCK_BYTES);
    this.#blocks.set(index, block);
    return block;
  }
}
