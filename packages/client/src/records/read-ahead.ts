/**
 * Reads the source ahead of the sender: while one block is sealed and sent the next is being read.
 * At most {@link BLOCKS} blocks in memory, one read at a time; a resend moves the place. Of a
 * source that reads at once a block is read when it is asked for, and is the only one: then its
 * bytes are in the cache of the core that seals them.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import { RECORD_BYTES_MAX } from "@postern/core/limits";
import type { ContentSource } from "../api.ts";

const BLOCKS = 3;

export class ReadAhead {
  readonly #source: ContentSource;
  readonly #onChange: () => void;
  readonly #blockBytes: number;
  readonly #free: Uint8Array[] = [];
  #allocated = 0;
  /** Filled and not yet taken, in order. `start` moves as records are taken from the first one. */
  #blocks: { readonly buffer: Uint8Array; start: number; readonly end: number }[] = [];
  #offset: number;
  #reading = false;
  /** The last read was done at once. */
  #isPrompt = false;
  #ended = false;
  #stopped = false;
  /** Counts the moves of the place: a read that was under way then is dropped. */
  #moves = 0;
  #failure: PosternError | undefined;

  /** `onChange` says that {@link peek} may have another answer. */
  constructor(source: ContentSource, fromOffset: number, onChange: () => void) {
    this.#source = source;
    this.#onChange = onChange;
    this.#offset = fromOffset;
    const rest = (source.info.size ?? Number.POSITIVE_INFINITY) - fromOffset;
    this.#blockBytes = Math.max(1, Math.min(RECORD_BYTES_MAX, rest));
    this.#fill();
  }

  /**
   * The bytes that come next, empty at the end of the content, `undefined` when they are not read
   * yet. Valid until the next {@link take} or {@link seek}.
   *
   * @throws {@link PosternError} `transfer/source-unreadable`, `transfer/source-changed`
   */
  peek(): Uint8Array | undefined {
    if (this.#blocks.length === 0) this.#fill();
    const block = this.#blocks[0];
    if (block !== undefined) return block.buffer.subarray(block.start, block.end);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#ended ? NOTHING : undefined;
  }

  /** The first `length` bytes of {@link peek} are used. */
  take(length: number): void {
    const block = this.#blocks[0];
    if (block === undefined) return;
    block.start += length;
    if (block.start < block.end) return;
    this.#blocks.shift();
    this.#free.push(block.buffer);
    if (!this.#isPrompt) this.#fill();
  }

  seek(offset: number): void {
    this.#moves++;
    for (const { buffer } of this.#blocks) this.#free.push(buffer);
    this.#blocks = [];
    this.#offset = offset;
    this.#ended = false;
    this.#fill();
  }

  /** No further read starts; one that is under way is ended by closing the source. */
  stop(): void {
    this.#stopped = true;
    this.#moves++;
  }

  #fill(): void {
    if (this.#reading || this.#ended || this.#stopped || this.#failure !== undefined) return;
    const buffer = this.#free.pop() ?? this.#allocate();
    if (buffer === undefined) return;
    const offset = this.#offset;
    try {
      const count = this.#source.readNow?.(buffer, offset);
      this.#isPrompt = count !== undefined;
      if (count !== undefined) return this.#place(buffer, offset, count);
    } catch (error) {
      return void (this.#failure = sourceError(error));
    }
    this.#readLater(buffer, offset);
  }

  #readLater(buffer: Uint8Array, offset: number): void {
    const moves = this.#moves;
    this.#reading = true;
    this.#source.read(buffer, offset).then(
      (read) => this.#read(buffer, offset, read, moves),
      (error: unknown) => this.#fail(buffer, error, moves),
    );
  }

  #allocate(): Uint8Array | undefined {
    if (this.#allocated === BLOCKS) return undefined;
    this.#allocated++;
    return new Uint8Array(this.#blockBytes);
  }

  #read(buffer: Uint8Array, offset: number, count: number, moves: number): void {
    this.#reading = false;
    if (moves === this.#moves) this.#place(buffer, offset, count);
    else this.#free.push(buffer);
    this.#goOn();
  }

  /** Also after a read that is of no more use: the next one may be done at once. */
  #goOn(): void {
    this.#fill();
    this.#onChange();
  }

  /** `count` bytes from `offset` on are in the buffer. */
  #place(buffer: Uint8Array, offset: number, count: number): void {
    const end = offset + count;
    const size = this.#source.info.size;
    const changed = size !== undefined && (count === 0 ? end !== size : end > size);
    if (changed)
      this.#failure = new PosternError("transfer/source-changed", "not the announced length");
    else if (count > 0) {
      this.#offset = end;
      this.#blocks.push({ buffer, start: 0, end: count });
    } else {
      this.#ended = true;
      this.#free.push(buffer);
    }
  }

  #fail(buffer: Uint8Array, cause: unknown, moves: number): void {
    this.#reading = false;
    this.#free.push(buffer);
    if (moves !== this.#moves && !this.#stopped) return this.#goOn();
    this.#failure = sourceError(cause);
    this.#onChange();
  }
}

/** What reading failed with, as one of Postern's own. */
export function sourceError(cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  return new PosternError("transfer/source-unreadable", "reading failed", {}, { cause });
}

const NOTHING = new Uint8Array(0);
