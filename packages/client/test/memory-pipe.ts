/**
 * Two ends of a pipe in memory, with as much room as a small socket buffer. A test may change the
 * frames of either direction on their way.
 *
 * @module
 */
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { BytePipe } from "../src/records/byte-pipe.ts";

const ROOM_BYTES = 2 * 1_048_576;
const HEADER_BYTES = 32;

/**
 * Returns what arrives instead of this frame, the `index`th of its direction on the `pipe`th pipe;
 * `cut` ends the direction, `lost` the whole pipe.
 */
export type TamperFrame = (
  frame: Uint8Array,
  index: number,
  pipe: number,
) => readonly Uint8Array[] | "cut" | "lost";

export interface MemoryPipes {
  readonly sender: MemoryPipe;
  readonly receiver: MemoryPipe;
}

export function memoryPipes(
  forward: TamperFrame = (frame) => [frame],
  reverse: TamperFrame = (frame) => [frame],
): MemoryPipes {
  const sender = new MemoryPipe(forward);
  const receiver = new MemoryPipe(reverse);
  sender.peer = receiver;
  receiver.peer = sender;
  return { sender, receiver };
}

export class MemoryPipe implements BytePipe {
  peer!: MemoryPipe;
  /** Every frame that was written here. */
  readonly written: Uint8Array[] = [];
  /** While true nothing that is written here reaches the other end. */
  held = false;
  arrived = 0;
  readonly #tamper: TamperFrame;
  readonly #closed = Promise.withResolvers<void>();
  #queue: Uint8Array[] = [];
  #queued = 0;
  #finished = false;
  #ended = false;
  #lost = false;
  #discarding = false;
  #read: { into: Uint8Array; filled: number; done: PromiseWithResolvers<number> } | undefined;
  #drain: PromiseWithResolvers<void> | undefined;

  constructor(tamper: TamperFrame) {
    this.#tamper = tamper;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  read(into: Uint8Array): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.#read = { into, filled: 0, done };
    this.#serve();
    return done.promise;
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#lost || this.#ended) return true;
    let rest = concat(...parts);
    while (rest.length > 0) {
      const length = HEADER_BYTES + new DataView(rest.buffer, rest.byteOffset).getUint32(4);
      this.#send(rest.slice(0, length));
      rest = rest.subarray(length);
    }
    return this.peer.#queued < ROOM_BYTES;
  }

  async drained(): Promise<void> {
    if (this.#lost) throw lost();
    if (this.peer.#queued < ROOM_BYTES) return;
    this.#drain ??= Promise.withResolvers();
    await this.#drain.promise;
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.peer.#finished = true;
    this.peer.#serve();
    this.#closeWhenDone();
  }

  discard(): void {
    this.#discarding = true;
    this.#serve();
  }

  destroy(): void {
    for (const end of [this, this.peer]) {
      end.#lost = true;
      end.#drain?.reject(lost());
      end.#drain = undefined;
      end.#serve();
      end.#closed.resolve();
    }
  }

  #send(frame: Uint8Array): void {
    const index = this.written.push(frame) - 1;
    if (this.held) return;
    const arriving = this.#tamper(frame, index, 0);
    if (arriving === "cut") return void this.end();
    if (arriving === "lost") return this.destroy();
    for (const each of arriving) this.peer.#queue.push(each);
    const bytes = arriving.reduce((sum, each) => sum + each.length, 0);
    this.peer.#queued += bytes;
    this.peer.arrived += bytes;
    this.peer.#serve();
  }

  #serve(): void {
    if (this.#discarding) {
      this.#queue = [];
      this.#queued = 0;
    }
    const read = this.#read;
    if (read !== undefined) {
      this.#take(read);
      if (read.filled === read.into.length || this.#finished) this.#end()?.resolve(read.filled);
      else if (this.#lost || this.#discarding) this.#end()?.reject(lost());
    }
    this.peer.#onTaken();
    this.#closeWhenDone();
  }

  #take(read: { into: Uint8Array; filled: number }): void {
    let head = this.#queue[0];
    while (head !== undefined && read.filled < read.into.length) {
      const count = Math.min(head.length, read.into.length - read.filled);
      read.into.set(head.subarray(0, count), read.filled);
      read.filled += count;
      this.#queued -= count;
      if (count === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(count);
      head = this.#queue[0];
    }
  }

  #end(): PromiseWithResolvers<number> | undefined {
    const done = this.#read?.done;
    this.#read = undefined;
    return done;
  }

  #onTaken(): void {
    if (this.peer.#queued >= ROOM_BYTES) return;
    this.#drain?.resolve();
    this.#drain = undefined;
  }

  /** As a socket: both directions have ended, and what came has been read. */
  #closeWhenDone(): void {
    if (!this.#ended || !this.#finished || this.#queue.length > 0) return;
    this.#lost = true;
    this.#closed.resolve();
  }
}

function lost(): PosternError {
  return new PosternError("transfer/pipe-lost", "the pipe of this test has ended");
}
