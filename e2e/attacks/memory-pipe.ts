/**
 * One end of a pipe in memory, at a client. What it writes goes to the relay frame by frame
 * (docs/protocol.md 8); what the relay hands on is {@link MemoryPipe.deliver}ed here.
 *
 * @module
 */
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { ClientPorts } from "@postern/client";

type BytePipe = Awaited<ReturnType<ClientPorts["transport"]["openPipe"]>>;

/** What the relay hears of an end. */
export interface PipeEvents {
  onFrame(frame: Uint8Array): void;
  onEnd(): void;
  onDestroyed(): void;
}

interface Reading {
  readonly into: Uint8Array;
  readonly done: PromiseWithResolvers<number>;
  filled: number;
}

const HEADER_BYTES = 32;

export class MemoryPipe implements BytePipe {
  readonly closed: Promise<void>;
  arrived = 0;
  readonly #events: PipeEvents;
  readonly #closing = Promise.withResolvers<void>();
  readonly #arrived: Uint8Array[] = [];
  #reading: Reading | undefined;
  #written: Uint8Array = new Uint8Array(0);
  #isHearing = true;
  #isSpeaking = true;
  #isLost = false;

  constructor(events: PipeEvents) {
    this.#events = events;
    this.closed = this.#closing.promise;
  }

  read(into: Uint8Array): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.#reading = { into, done, filled: 0 };
    this.#serve();
    return done.promise;
  }

  write(parts: readonly Uint8Array[], onLeft?: () => void): boolean {
    if (this.#isSpeaking && !this.#isLost) {
      this.#written = concat(this.#written, ...parts);
      this.#sendFrames();
    }
    onLeft?.();
    return true;
  }

  async drained(): Promise<void> {
    if (this.#isLost) throw lost();
  }

  async end(): Promise<void> {
    if (!this.#isSpeaking || this.#isLost) return;
    this.#isSpeaking = false;
    this.#events.onEnd();
    this.#closeWhenDone();
  }

  discard(): void {
    this.#arrived.length = 0;
    this.#reading?.done.reject(lost());
    this.#reading = undefined;
  }

  destroy(): void {
    if (this.#isLost) return;
    this.lose();
    this.#events.onDestroyed();
  }

  /** Bytes from the other end. */
  deliver(bytes: Uint8Array): void {
    if (this.#isLost) return;
    this.arrived += bytes.length;
    this.#arrived.push(bytes);
    this.#serve();
  }

  /** The other end writes nothing more. */
  hearEnd(): void {
    this.#isHearing = false;
    this.#serve();
    this.#closeWhenDone();
  }

  /** The connection is gone. */
  lose(): void {
    this.#isLost = true;
    this.#serve();
    this.#closing.resolve();
  }

  #sendFrames(): void {
    for (;;) {
      const bytes = this.#written;
      if (bytes.length < HEADER_BYTES) return;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const length = HEADER_BYTES + view.getUint32(4);
      if (bytes.length < length) return;
      this.#written = bytes.slice(length);
      this.#events.onFrame(bytes.slice(0, length));
    }
  }

  #serve(): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    for (let head = this.#arrived.shift(); head !== undefined; head = this.#arrived.shift()) {
      const room = reading.into.length - reading.filled;
      reading.into.set(head.subarray(0, room), reading.filled);
      reading.filled += Math.min(room, head.length);
      if (head.length > room) this.#arrived.unshift(head.subarray(room));
      if (head.length >= room) break;
    }
    const isFull = reading.filled === reading.into.length;
    if (!isFull && this.#isHearing && !this.#isLost) return;
    this.#reading = undefined;
    if (isFull || !this.#isLost) reading.done.resolve(reading.filled);
    else reading.done.reject(lost());
  }

  #closeWhenDone(): void {
    if (!this.#isSpeaking && !this.#isHearing) this.#closing.resolve();
  }
}

function lost(): PosternError {
  return new PosternError("transfer/pipe-lost", "the pipe of this test has ended");
}
