/**
 * A writable stream as a sink: standard output, a child's input, a socket. Verified bytes leave at
 * once, so a transfer that fails later has already shown its beginning; the reader on the other
 * side learns of it by the process's exit code or the broken stream.
 *
 * @module
 */
import process from "node:process";
import type { Writable } from "node:stream";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { nativeSuite } from "@postern/node";
import type { ContentSink, HeldContent } from "../api.ts";
import { storeError } from "./fs-error.ts";

/** The stream is this sink's until the end; `commit` ends it, but for the process's own output. */
export function streamSink(writable: Writable): ContentSink {
  return new StreamSink(writable, undefined);
}

/**
 * A sink for one transfer after the other of the same content: each goes on behind what the last
 * one wrote. A transfer that fails leaves the stream open.
 */
export function keptStreamSink(writable: Writable): ContentSink {
  return new StreamSink(writable, nativeSuite.sha256Stream());
}

class StreamSink implements ContentSink {
  readonly #writable: Writable;
  readonly #isOwn: boolean;
  /** Over all that was written, when that can be asked for. */
  readonly #hashed: Sha256Stream | undefined;
  #written = 0;
  #committed = false;
  /** A write failed: how much of it the stream took is not known. */
  #isLost = false;

  constructor(writable: Writable, hashed: Sha256Stream | undefined) {
    this.#writable = writable;
    this.#isOwn = writable !== process.stdout && writable !== process.stderr;
    this.#hashed = hashed;
    // Reported by the write that meets it; without a listener it would end the process.
    writable.on("error", () => {});
  }

  get held(): HeldContent | undefined {
    if (this.#hashed === undefined || this.#written === 0 || this.#isLost) return undefined;
    return { offset: this.#written, hashed: this.#hashed };
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    if (offset !== this.#written || this.#isLost)
      throw new PosternError("usage/wrong-state", "stream bytes out of order", { offset });
    try {
      await settle((done) => this.#writable.write(bytes, done));
    } catch (error) {
      this.#isLost = true;
      throw error;
    }
    this.#hashed?.update(bytes);
    this.#written += bytes.length;
  }

  async commit(total: number): Promise<void> {
    const written = this.#written;
    if (total !== written)
      throw new PosternError("store/failed", "the stream got another length", { written, total });
    if (this.#isOwn) await settle((done) => this.#writable.end(done));
    this.#committed = true;
  }

  async abandon(): Promise<void> {
    if (this.#isOwn && !this.#committed && this.held === undefined) this.#writable.destroy();
  }
}

/** Waits until the stream took the bytes: that is the back-pressure. */
async function settle(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      start((error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw storeError("cannot write to the stream", error);
  }
}
