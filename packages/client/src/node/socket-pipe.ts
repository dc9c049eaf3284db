/**
 * A pipe over TCP (docs/protocol.md 4): HTTP upgrade at the relay, then raw bytes. Reads land in
 * the reader's own memory; what arrives while nobody reads goes into a small space of this pipe.
 *
 * @module
 */
import type { Socket } from "node:net";
import { PosternError } from "@postern/core/errors";
import type { RelayAddress } from "@postern/core/identity";
import { readInto, writeToSocket, type ReusedReads } from "@postern/node";
import type { BytePipe } from "../records/byte-pipe.ts";
import { upgrade } from "./upgrade.ts";

/** Joins the pipe of the ticket. @throws {@link PosternError} `transfer/pipe-lost` */
export async function openSocketPipe(address: RelayAddress, ticket: Uint8Array): Promise<BytePipe> {
  try {
    const path = `/pipe/${Buffer.from(ticket).toString("base64url")}`;
    const { socket, head } = await upgrade(address, path);
    return new SocketPipe(socket, head);
  } catch (cause) {
    throw new PosternError("transfer/pipe-lost", "the relay gives no pipe", {}, { cause });
  }
}

/** Less than a record: only the head of one arrives while nobody reads. */
const SPARE_BYTES = 65_536;

interface PendingRead {
  readonly into: Uint8Array;
  filled: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: PosternError) => void;
}

interface PendingDrain {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: PosternError) => void;
}

export class SocketPipe implements BytePipe {
  readonly #reads: ReusedReads;
  readonly #closed = Promise.withResolvers<void>();
  #arrived = 0;
  readonly #spare = new Uint8Array(SPARE_BYTES);
  /** What of {@link #spare} holds bytes that nobody has read. */
  #spareStart = 0;
  #spareEnd = 0;
  #read: PendingRead | undefined;
  #drain: PendingDrain | undefined;
  #ended = false;
  #lost = false;
  #discarding = false;

  constructor(socket: Socket, head: Uint8Array) {
    this.#reads = readInto(socket, head, {
      buffer: () => this.#buffer(),
      onBytes: (count, buffer) => this.#onBytes(count, buffer),
      onEnd: () => this.#onEnd(),
      onClose: () => this.#onClose(),
    });
    this.#reads.socket.on("drain", () => this.#onDrain());
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get arrived(): number {
    return this.#arrived;
  }

  read(into: Uint8Array): Promise<number> {
    if (this.#discarding) return Promise.reject(pipeLost());
    const filled = Math.min(into.length, this.#spareEnd - this.#spareStart);
    if (filled > 0) {
      into.set(this.#spare.subarray(this.#spareStart, this.#spareStart + filled));
      this.#spareStart += filled;
    }
    if (filled === into.length || this.#ended) return Promise.resolve(filled);
    if (this.#lost) return Promise.reject(pipeLost());
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#read = { into, filled, resolve, reject };
    this.#reads.resume();
    return promise;
  }

  write(parts: readonly Uint8Array[], onLeft?: () => void): boolean {
    const { socket } = this.#reads;
    if (this.#lost || !socket.writable) return true;
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) socket.write(parts[i]!);
    // At once, when it can be: the memory is free while it is cached.
    if (writeToSocket(socket, parts[last]!, onLeft)) onLeft?.();
    return socket.writableLength < socket.writableHighWaterMark;
  }

  drained(): Promise<void> {
    const { socket } = this.#reads;
    if (this.#lost) return Promise.reject(pipeLost());
    if (socket.writableLength < socket.writableHighWaterMark) return Promise.resolve();
    this.#drain ??= Promise.withResolvers<void>();
    return this.#drain.promise;
  }

  end(): Promise<void> {
    const { socket } = this.#reads;
    if (this.#lost || socket.writableFinished) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("finish", resolve);
    void this.#closed.promise.then(resolve);
    socket.end();
    return promise;
  }

  discard(): void {
    this.#discarding = true;
    this.#spareStart = 0;
    this.#spareEnd = 0;
    this.#rejectRead();
    this.#reads.resume();
  }

  destroy(): void {
    this.#lost = true;
    this.#rejectRead();
    this.#reads.socket.destroy();
  }

  #buffer(): Uint8Array | undefined {
    if (this.#discarding) return this.#spare;
    if (this.#spareStart === this.#spareEnd) {
      this.#spareStart = 0;
      this.#spareEnd = 0;
      if (this.#read !== undefined) return this.#read.into.subarray(this.#read.filled);
    }
    return this.#spareEnd < SPARE_BYTES ? this.#spare.subarray(this.#spareEnd) : undefined;
  }

  #onBytes(count: number, buffer: Uint8Array): boolean {
    this.#arrived += count;
    if (this.#discarding) return true;
    if (buffer.buffer === this.#spare.buffer) {
      this.#spareEnd += count;
      this.#moveSpare();
      return true;
    }
    if (this.#read !== undefined) this.#fill(this.#read, count);
    return true;
  }

  /** A read began after the spare space was handed out: its bytes go there now. */
  #moveSpare(): void {
    const read = this.#read;
    if (read === undefined) return;
    const wanted = read.into.length - read.filled;
    const count = Math.min(wanted, this.#spareEnd - this.#spareStart);
    const from = this.#spare.subarray(this.#spareStart, this.#spareStart + count);
    read.into.set(from, read.filled);
    this.#spareStart += count;
    this.#fill(read, count);
  }

  #fill(read: PendingRead, count: number): void {
    read.filled += count;
    if (read.filled < read.into.length) return;
    this.#read = undefined;
    read.resolve(read.filled);
  }

  #onEnd(): void {
    this.#ended = true;
    this.#read?.resolve(this.#read.filled);
    this.#read = undefined;
  }

  #onDrain(): void {
    this.#drain?.resolve();
    this.#drain = undefined;
  }

  #onClose(): void {
    this.#lost = true;
    this.#rejectRead();
    this.#drain?.reject(pipeLost());
    this.#drain = undefined;
    this.#closed.resolve();
  }

  #rejectRead(): void {
    this.#read?.reject(pipeLost());
    this.#read = undefined;
  }
}

function pipeLost(): PosternError {
  return new PosternError("transfer/pipe-lost", "the pipe to the other client has ended");
}
