/**
 * Writes opened records to the sink while the next ones arrive, unless it takes them at once: one
 * write at a time, in order, at most {@link OUTSTANDING_MAX} records held.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { ContentSink } from "../api.ts";
import { Wake } from "./wake.ts";

const OUTSTANDING_MAX = 3;

export class WriteBehind {
  readonly #sink: ContentSink;
  readonly #onWritten: (bytes: Uint8Array, offset: number) => void;
  readonly #onFailed: (error: PosternError) => void;
  readonly #queue: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  readonly #wake = new Wake();
  #running: Promise<void> | undefined;
  #failed = false;
  #halted = false;

  /**
   * `onWritten`: the sink has taken `bytes`, so it has everything up to their end at `offset`.
   * `onFailed`: it will not take more.
   */
  constructor(
    sink: ContentSink,
    onWritten: (bytes: Uint8Array, offset: number) => void,
    onFailed: (error: PosternError) => void,
  ) {
    this.#sink = sink;
    this.#onWritten = onWritten;
    this.#onFailed = onFailed;
  }

  get full(): boolean {
    return this.#queue.length >= OUTSTANDING_MAX && !this.#failed && !this.#halted;
  }

  get busy(): boolean {
    return this.#queue.length > 0 && !this.#failed;
  }

  /** The bytes belong to the sink until they are written. */
  push(bytes: Uint8Array, offset: number): void {
    this.#queue.push({ bytes, offset });
    if (this.#running === undefined && !this.#takesNow()) this.#running = this.#run();
  }

  /** Resolves when it is no longer {@link full}. */
  async room(): Promise<void> {
    while (this.full) await this.#wake.wait();
  }

  /** No more comes: lets a waiting {@link room} go. What was pushed is still written. */
  halt(): void {
    this.#halted = true;
    this.#wake.notify();
  }

  /** Resolves when the sink is not being called: everything is written, or a write failed. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Whether the queue is empty again, without a wait. */
  #takesNow(): boolean {
    try {
      while (!this.#failed) {
        const next = this.#queue[0];
        if (next === undefined) return true;
        if (this.#sink.writeNow?.(next.bytes, next.offset) !== true) return false;
        this.#written();
      }
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  async #run(): Promise<void> {
    do {
      try {
        const { bytes, offset } = this.#queue[0]!;
        await this.#sink.write(bytes, offset);
        this.#written();
      } catch (error) {
        this.#fail(error);
      }
    } while (!this.#takesNow());
    this.#running = undefined;
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#onFailed(storeError(error));
    this.#wake.notify();
  }

  #written(): void {
    const { bytes, offset } = this.#queue.shift()!;
    this.#onWritten(bytes, offset + bytes.length);
    this.#wake.notify();
  }
}

/** What a sink threw, as one of Postern's own. */
export function storeError(cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  return new PosternError("store/failed", "the content could not be stored", {}, { cause });
}
