/**
 * One end of a pipe, and the copying between two (docs/protocol.md 6): bytes unchanged, both ways,
 * with back-pressure and half-close.
 *
 * ```text
 *   waiting ── joinEnds ──► joined ── both sockets closed, reset, or idle ──► closed
 * ```
 *
 * Invariants: a direction holds one read buffer and nothing else; while the other socket has not
 * taken it, nothing is read. An end that is cut cuts the other one: only an end that was said
 * is passed on as one.
 *
 * @module
 */
import type { Socket } from "node:net";
import { PIPE_BUFFER_BYTES, PIPE_FIRST_BUFFER_BYTES } from "@postern/core/limits";
import { readInto, writeToSocket, type ReadHandlers, type ReusedReads } from "@postern/node";
import type { EndId } from "./pipes.ts";

export interface PipeWatcher {
  /** Bytes have come in or gone out. */
  onMoved(): void;
  onClosed(end: PipeEnd, error: Error | undefined): void;
}

export class PipeEnd implements ReadHandlers {
  readonly id: EndId;
  /** Bytes read from this end. */
  bytes = 0;
  isClosed = false;
  readonly #reads: ReusedReads;
  #watcher: PipeWatcher;
  #other: PipeEnd | undefined;
  #buffer: Uint8Array | undefined;
  /** The other socket has not taken the buffer yet. */
  #isHeld = false;
  #isEnded = false;

  /** Reads nothing before {@link joinEnds}. */
  constructor(id: EndId, socket: Socket, head: Uint8Array, watcher: PipeWatcher) {
    this.id = id;
    this.#watcher = watcher;
    this.#reads = readInto(socket, head, this, { paused: true });
  }

  get socket(): Socket {
    return this.#reads.socket;
  }

  /** Both directions have ended by word. */
  get isFinished(): boolean {
    return this.#isEnded && this.socket.writableFinished;
  }

  join(other: PipeEnd, watcher: PipeWatcher): void {
    this.#other = other;
    this.#watcher = watcher;
    this.#reads.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  buffer(): Uint8Array {
    // Most ends send little; one that fills its first buffer gets a large one.
    this.#buffer ??= new Uint8Array(PIPE_FIRST_BUFFER_BYTES);
    return this.#buffer;
  }

  onBytes(count: number, buffer: Uint8Array): boolean {
    const out = this.#other?.socket;
    if (out === undefined) return false;
    this.bytes += count;
    this.#watcher.onMoved();
    if (count === buffer.length && count < PIPE_BUFFER_BYTES)
      this.#buffer = new Uint8Array(PIPE_BUFFER_BYTES);
    this.#isHeld = !writeToSocket(out, buffer.subarray(0, count), this.#onWritten);
    return !this.#isHeld;
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#other?.socket.end();
  }

  onClose(error?: Error): void {
    this.isClosed = true;
    this.#watcher.onClosed(this, error);
  }

  readonly #onWritten = (): void => {
    this.#isHeld = false;
    this.#watcher.onMoved();
    this.#reads.resume();
  };
}

/** Starts the copying. */
export function joinEnds(a: PipeEnd, b: PipeEnd, watcher: PipeWatcher): void {
  a.join(b, watcher);
  b.join(a, watcher);
}
