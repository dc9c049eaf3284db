/**
 * A readable stream as content: standard input, a child's output, a socket. Its size is unknown.
 *
 * Invariants: the stream is read only when the transfer asks, so a slow receiver slows it down;
 * bytes from the last `verified` on are kept for repetition, at most `UNVERIFIED_BYTES_MAX`. A
 * stream that failed is never taken for one that ended.
 *
 * @module
 */
import type { Readable } from "node:stream";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { UNVERIFIED_BYTES_MAX } from "@postern/core/limits";
import { nativeSuite } from "@postern/node";
import type { ContentInfo, ContentSource } from "../api.ts";
import { sourceError } from "./fs-error.ts";
import { KeptBytes } from "./kept-bytes.ts";
import { sendableName } from "./sendable-name.ts";

/**
 * The stream is this source's from now on. It must give bytes: no encoding, no object mode.
 *
 * @throws {@link PosternError} `transfer/source-unreadable` for a name that others cannot store.
 */
export function streamSource(readable: Readable, name: string): ContentSource {
  const stream = new SourceStream(readable, name, undefined);
  return stream.source(() => stream.close());
}

/** A stream that one transfer after the other reads, each going on where the last one broke. */
export interface KeptStream {
  /** The next transfer's source; the one before it is of no more use. */
  open(): Promise<ContentSource>;
  /** Ends the stream. */
  close(): Promise<void>;
}

/** The stream is its own from now on; see {@link streamSource}. */
export function keptStream(readable: Readable, name: string): KeptStream {
  const stream = new SourceStream(readable, name, nativeSuite.sha256Stream());
  return {
    open: async () => stream.source(async () => {}),
    close: async () => await stream.close(),
  };
}

class SourceStream {
  readonly #info: ContentInfo;
  readonly #readable: Readable;
  readonly #chunks: AsyncIterator<unknown>;
  readonly #kept = new KeptBytes();
  /** Over everything verified, when that can be asked for. */
  readonly #hashed: Sha256Stream | undefined;
  /** Rest of a chunk that came with more than was asked for. */
  #pending: Uint8Array = new Uint8Array(0);
  #verified = 0;
  #produced = 0;
  /** One read of the stream at a time, also when a broken transfer's has not ended. */
  #producing: Promise<number> | undefined;
  #roomChanged = Promise.withResolvers<void>();
  #failure: PosternError | undefined;
  #isClosed = false;

  constructor(readable: Readable, name: string, hashed: Sha256Stream | undefined) {
    // A stream needs no name.
    const offered = name === "" ? name : sendableName(name);
    this.#info = { kind: "stream", name: offered, size: undefined };
    this.#readable = readable;
    this.#hashed = hashed;
    this.#chunks = readable[Symbol.asyncIterator]();
    // An error before the first read would end the process; the read reports it.
    readable.on("error", () => {});
  }

  source(close: () => Promise<void>): ContentSource {
    return {
      info: this.#info,
      read: async (into, offset) => await this.#read(into, offset),
      digestTo: async (offset) => this.#digestTo(offset),
      verified: (offset) => this.#setVerified(offset),
      close,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failure ??= new PosternError("transfer/source-unreadable", "the stream was closed");
    // Not the iterator's return(): it would wait for a read that may never end.
    this.#readable.destroy();
    this.#kept.clear();
    this.#roomChanged.resolve();
  }

  async #read(into: Uint8Array, offset: number): Promise<number> {
    if (into.length === 0)
      throw new PosternError("usage/invalid-argument", "no room to read into", { offset });
    for (;;) {
      if (this.#isClosed) throw this.#failure;
      if (offset < this.#verified)
        throw new PosternError("transfer/source-unreadable", "what a stream gave is gone", {
          errno: "ESPIPE",
        });
      if (offset > this.#produced)
        throw new PosternError("usage/invalid-argument", "bytes that are not read", { offset });
      if (offset < this.#produced) return this.#kept.copy(into, offset, this.#produced);
      if (this.#producing !== undefined) {
        await this.#producing.catch(() => {});
        continue;
      }
      this.#producing = this.#produce(into).finally(() => (this.#producing = undefined));
      return await this.#producing;
    }
  }

  #digestTo(offset: number): Uint8Array | undefined {
    if (this.#hashed === undefined || this.#isClosed) return undefined;
    if (offset < this.#verified || offset > this.#produced) return undefined;
    const hashed = this.#hashed.copy();
    for (const bytes of this.#kept.range(this.#verified, offset)) hashed.update(bytes);
    return hashed.digest();
  }

  #setVerified(offset: number): void {
    if (offset <= this.#verified || offset > this.#produced) return;
    if (this.#hashed !== undefined)
      for (const bytes of this.#kept.range(this.#verified, offset)) this.#hashed.update(bytes);
    this.#verified = offset;
    this.#kept.forget(offset);
    this.#roomChanged.resolve();
    this.#roomChanged = Promise.withResolvers();
  }

  /** Waits for the first bytes only: what a person types must not wait for a full record. */
  async #produce(into: Uint8Array): Promise<number> {
    const room = await this.#room();
    const limit = Math.min(into.length, room);
    let filled = 0;
    while (filled < limit) {
      if (this.#pending.length === 0) {
        if (filled > 0 && this.#readable.readableLength === 0) break;
        if (!(await this.#pull())) break;
      }
      const part = this.#pending.subarray(0, limit - filled);
      this.#pending = this.#pending.subarray(part.length);
      into.set(part, filled);
      this.#kept.append(part, this.#produced);
      this.#produced += part.length;
      filled += part.length;
    }
    return filled;
  }

  async #room(): Promise<number> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const room = UNVERIFIED_BYTES_MAX - (this.#produced - this.#verified);
      if (room > 0) return room;
      await this.#roomChanged.promise;
    }
  }

  /** False at the end of the stream. */
  async #pull(): Promise<boolean> {
    try {
      const next = await this.#chunks.next();
      if (this.#failure !== undefined) throw this.#failure;
      if (next.done === true) return false;
      if (!(next.value instanceof Uint8Array))
        throw new PosternError("transfer/source-unreadable", "the stream gives no bytes");
      this.#pending = next.value;
      return true;
    } catch (error) {
      // An iterator that has thrown once says "done" from then on.
      this.#failure ??= sourceError("cannot read the stream", error);
      throw this.#failure;
    }
  }
}
