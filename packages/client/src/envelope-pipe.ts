/**
 * A pipe whose bytes ride in envelopes: a short message takes the same way through
 * `records/` as a file does, without a pipe of its own (docs/protocol.md 9).
 *
 * @module
 */
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { MESSAGE_INLINE_BYTES_MAX } from "@postern/core/limits";
import { FRAMES_PER_ENVELOPE_BYTES_MAX } from "@postern/core/transfer";
import type { BytePipe } from "./records/byte-pipe.ts";

/** What arrived and was not read yet: a message, its frames, and damage repeated a few times. */
const HELD_BYTES_MAX = 8 * MESSAGE_INLINE_BYTES_MAX;

export class EnvelopePipe implements BytePipe {
  readonly #send: (frames: Uint8Array) => void;
  readonly #ended = Promise.withResolvers<void>();
  #outgoing: Uint8Array[] = [];
  #incoming: Uint8Array = new Uint8Array(0);
  #reader: { readonly into: Uint8Array; readonly done: (count: number) => void } | undefined;
  #rejectReader: ((error: PosternError) => void) | undefined;
  /** Nothing more will be written. */
  #done = false;
  #lost = false;
  #arrived = 0;

  /** `send` puts the frames into one envelope. */
  constructor(send: (frames: Uint8Array) => void) {
    this.#send = send;
  }

  get closed(): Promise<void> {
    return this.#ended.promise;
  }

  get arrived(): number {
    return this.#arrived;
  }

  /** Frames of an envelope that arrived. */
  feed(frames: Uint8Array): void {
    if (this.#lost) return;
    if (this.#incoming.length + frames.length > HELD_BYTES_MAX) return this.destroy();
    this.#arrived += frames.length;
    this.#incoming = concat(this.#incoming, frames);
    this.#serve();
  }

  read(into: Uint8Array): Promise<number> {
    if (this.#lost) return Promise.reject(pipeLost());
    return new Promise((resolve, reject) => {
      this.#reader = { into, done: resolve };
      this.#rejectReader = reject;
      this.#serve();
    });
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#lost) return true;
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush());
    this.#outgoing.push(...parts);
    return true;
  }

  async drained(): Promise<void> {
    if (this.#lost) throw pipeLost();
  }

  async end(): Promise<void> {
    this.#flush();
    this.#done = true;
    if (this.#lost) this.#ended.resolve();
  }

  discard(): void {
    this.#fail();
    if (this.#done) this.#ended.resolve();
  }

  destroy(): void {
    this.#outgoing = [];
    this.#fail();
    this.#ended.resolve();
  }

  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined || this.#incoming.length < reader.into.length) return;
    reader.into.set(this.#incoming.subarray(0, reader.into.length));
    this.#incoming = this.#incoming.slice(reader.into.length);
    this.#reader = undefined;
    reader.done(reader.into.length);
  }

  #flush(): void {
    const bytes = concat(...this.#outgoing);
    this.#outgoing = [];
    for (let at = 0; at < bytes.length; at += FRAMES_PER_ENVELOPE_BYTES_MAX)
      this.#send(bytes.subarray(at, at + FRAMES_PER_ENVELOPE_BYTES_MAX));
  }

  #fail(): void {
    this.#lost = true;
    this.#incoming = new Uint8Array(0);
    this.#reader = undefined;
    this.#rejectReader?.(pipeLost());
  }
}

function pipeLost(): PosternError {
  return new PosternError("transfer/pipe-lost", "the envelopes of this transfer have ended");
}
