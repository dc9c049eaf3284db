/**
 * A readable stream as content: standard input, a child's output, a socket. Its size is unknown.
 *
 * Invariants: the stream is read only when the transfer asks, so a slow receiver slows it down;
 * bytes from the last `verified` on are kept for repetition, at most `UNVERIFIED_BYTES_MAX`.
 *
 * @module
 */
import type { Readable } from "node:stream";
import { PosternError } from "@postern/core/errors";
import { UNVERIFIED_BYTES_MAX } from "@postern/core/limits";
import type { ContentInfo, ContentSource } from "../api.ts";
import { sourceError } from "./fs-error.ts";

/** The stream is this source's from now on. It must give bytes: no encoding, no object mode. */
export function streamSource(readable: Readable, name: string): ContentSource {
  return new StreamSource(readable, name);
}

class StreamSource implements ContentSource {
  readonly info: ContentInfo;
  readonly #readable: Readable;
  readonly #chunks: AsyncIterator<unknown>;
  readonly #kept = new KeptBytes();
  /** Rest of a chunk that came with more than was asked for. */
  #pending: Uint8Array = new Uint8Array(0);
  #verified = 0;
  #produced = 0;

  constructor(readable: Readable, name: string) {
    this.info = { kind: "stream", name: name.toWellFormed(), size: undefined };
    this.#readable = readable;
    this.#chunks = readable[Symbol.asyncIterator]();
    // An error before the first read would end the process; the read reports it.
    readable.on("error", () => {});
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    if (offset < this.#verified || offset > this.#produced)
      throw new PosternError("usage/invalid-argument", "bytes that are not kept", { offset });
    if (offset < this.#produced) return this.#kept.copy(into, offset, this.#produced);
    const room = UNVERIFIED_BYTES_MAX - (this.#produced - this.#verified);
    if (room === 0 || into.length === 0)
      throw new PosternError("usage/wrong-state", "no room for more unverified bytes");
    return this.#produce(into.subarray(0, room));
  }

  verified(offset: number): void {
    if (offset <= this.#verified || offset > this.#produced) return;
    this.#verified = offset;
    this.#kept.forget(offset);
  }

  async close(): Promise<void> {
    // Not the iterator's return(): it would wait for a read that may never end.
    this.#readable.destroy();
    this.#kept.forget(Number.POSITIVE_INFINITY);
  }

  /** Waits for the first bytes only: what a person types must not wait for a full record. */
  async #produce(into: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      if (this.#pending.length === 0) {
        if (filled > 0 && this.#readable.readableLength === 0) break;
        if (!(await this.#pull())) break;
      }
      const part = this.#pending.subarray(0, into.length - filled);
      this.#pending = this.#pending.subarray(part.length);
      into.set(part, filled);
      this.#kept.append(part, this.#produced);
      this.#produced += part.length;
      filled += part.length;
    }
    return filled;
  }

  /** False at the end of the stream. */
  async #pull(): Promise<boolean> {
    try {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      if (!(next.value instanceof Uint8Array))
        throw new PosternError("transfer/source-unreadable", "the stream gives no bytes");
      this.#pending = next.value;
      return true;
    } catch (error) {
      throw sourceError("cannot read the stream", error);
    }
  }
}

const BLOCK_BYTES = 262_144;

/** Bytes by offset, in blocks: a stream of single bytes costs no more than one of large chunks. */
class KeptBytes {
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
    const start = offset % BLOCK_BYTES;
    const length = Math.min(into.length, end - offset, BLOCK_BYTES - start);
    into.set(this.#block(Math.floor(offset / BLOCK_BYTES)).subarray(start, start + length));
    return length;
  }

  /** Lets go of all blocks that end at or before `offset`. */
  forget(offset: number): void {
    if (offset === Number.POSITIVE_INFINITY) return this.#blocks.clear();
    for (; (this.#first + 1) * BLOCK_BYTES <= offset; this.#first++)
      this.#blocks.delete(this.#first);
  }

  #block(index: number): Uint8Array {
    const present = this.#blocks.get(index);
    if (present !== undefined) return present;
    const block = new Uint8Array(BLOCK_BYTES);
    this.#blocks.set(index, block);
    return block;
  }
}
