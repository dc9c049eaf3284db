/**
 * Reads a connected socket into buffers of the caller, so that bulk data costs no allocation and
 * no copy. Node offers this (`onread`) only to sockets it connects itself; for accepted and
 * upgraded ones the handle is moved into a new `Socket`. That private step stands here alone;
 * where it cannot be made (TLS, a stream that is no socket) `data` events are copied.
 *
 * Invariants: one buffer is under way at a time; bytes arrive in order and once; nothing is read
 * while paused.
 *
 * @module
 */
import { Socket, type SocketConstructorOpts } from "node:net";

export interface ReadHandlers {
  /**
   * Where the next bytes go; asked at the start and after every {@link ReadHandlers.onBytes}.
   * Bytes land in the view returned last. `undefined` or an empty view says "no room now": at most
   * 64 KiB more are read and kept, then reading stops until {@link ReusedReads.resume}.
   */
  buffer(): Uint8Array | undefined;
  /**
   * `count` bytes are at the start of `buffer`. `false` pauses until {@link ReusedReads.resume}.
   */
  onBytes(count: number, buffer: Uint8Array): boolean;
  /** The other side sends no more; ours may go on writing. */
  onEnd(): void;
  /** The socket is closed, always last and once. */
  onClose(error?: Error): void;
}

export interface ReusedReads {
  /** Write to this one, not to the socket given, which may have lost its handle. */
  readonly socket: Socket;
  resume(): void;
}

/**
 * Takes over the reading side of `socket`. `head` is what was read along with the upgrade and
 * comes first. With `paused`, nothing is delivered before the first `resume()`. Handlers are
 * never called before this function has returned.
 */
export function readInto(
  socket: Socket,
  head: Uint8Array,
  handlers: ReadHandlers,
  options: { readonly paused?: boolean } = {},
): ReusedReads {
  const early = earlyBytes(socket, head);
  const handle: unknown = Reflect.get(socket, "_handle");
  const reads = isMovable(socket, handle)
    ? moveHandle(socket, handle, early, handlers)
    : copyData(socket, early, handlers);
  if (options.paused !== true) process.nextTick(() => reads.resume());
  return reads;
}

/**
 * Where a read lands when the caller has no room; shared, for it is emptied within the callback.
 */
const SPARE = new Uint8Array(65_536);

/** Copies bytes to the caller, keeps what finds no room, and knows whether reading is paused. */
class Inbox {
  paused = true;
  #held: Uint8Array;
  readonly #handlers: ReadHandlers;

  constructor(early: Uint8Array, handlers: ReadHandlers) {
    this.#held = early;
    this.#handlers = handlers;
  }

  get empty(): boolean {
    return this.#held.length === 0;
  }

  /** `false` when the caller paused or has no room. */
  deliver(bytes: Uint8Array): boolean {
    let rest = bytes;
    while (rest.length > 0) {
      const buffer = this.#handlers.buffer();
      if (buffer === undefined || buffer.length === 0) return this.#pause(rest);
      const count = Math.min(rest.length, buffer.length);
      buffer.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      if (!this.#handlers.onBytes(count, buffer)) return this.#pause(rest);
    }
    return true;
  }

  /** Delivers what is held; `true` when reading may go on. */
  resume(): boolean {
    if (!this.paused) return false;
    // Set first: a handler that calls resume() while held bytes are delivered must not start reads.
    this.paused = false;
    const held = this.#held;
    this.#held = NOTHING;
    return this.deliver(held);
  }

  #pause(rest: Uint8Array): false {
    this.#held = rest.slice();
    this.paused = true;
    return false;
  }
}

const NOTHING = new Uint8Array(0);

function moveHandle(
  from: Socket,
  handle: Handle,
  early: Uint8Array,
  handlers: ReadHandlers,
): ReusedReads {
  const inbox = new Inbox(early, handlers);
  let target: Uint8Array = SPARE;
  let started = false;
  const onread = {
    buffer: (): Uint8Array => {
      const next = started && inbox.empty ? handlers.buffer() : undefined;
      target = next === undefined || next.length === 0 ? SPARE : next;
      return target;
    },
    callback: (count: number): boolean => {
      if (target === SPARE) return inbox.deliver(SPARE.subarray(0, count));
      inbox.paused = !handlers.onBytes(count, target);
      return !inbox.paused;
    },
  };
  // `pauseOnCreate` stops a read that the old socket has under way.
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
  const socket = new Socket(options);
  started = true;
  // Without its handle the old socket closes nothing; closing it ends the server's count of it.
  Reflect.set(from, "_handle", null);
  from.destroy();
  watchEnd(socket, handlers);
  return { socket, resume: () => resume(socket, inbox) };
}

function copyData(socket: Socket, early: Uint8Array, handlers: ReadHandlers): ReusedReads {
  const inbox = new Inbox(early, handlers);
  socket.allowHalfOpen = true;
  socket.pause();
  socket.on("data", (chunk: Buffer) => {
    if (!inbox.deliver(chunk)) socket.pause();
  });
  // A stream that knows its end tells it beside its last chunk, of which some may still be held.
  let hasEnded = false;
  let isDelivering = false;
  const tellEnd = (): void => {
    if (!hasEnded || isDelivering || !inbox.empty) return;
    hasEnded = false;
    handlers.onEnd();
  };
  const onEnd = (): void => {
    hasEnded = true;
    tellEnd();
  };
  watchEnd(socket, { onEnd, onClose: (error) => handlers.onClose(error) });
  const resumeAll = (): void => {
    const wasDelivering = isDelivering;
    isDelivering = true;
    resume(socket, inbox);
    isDelivering = wasDelivering;
    tellEnd();
  };
  return { socket, resume: resumeAll };
}

function resume(socket: Socket, inbox: Inbox): void {
  if (!socket.destroyed && inbox.resume()) socket.resume();
}

function watchEnd(socket: Socket, handlers: Pick<ReadHandlers, "onEnd" | "onClose">): void {
  let failure: Error | undefined;
  socket.on("error", (error) => (failure = error));
  socket.once("end", () => handlers.onEnd());
  socket.once("close", () => handlers.onClose(failure));
}

/** What the old socket has already read stands behind `head`. */
function earlyBytes(socket: Socket, head: Uint8Array): Uint8Array {
  const read: unknown = socket.readableLength > 0 ? socket.read() : null;
  return read instanceof Uint8Array ? Buffer.concat([head, read]) : head;
}

/** What the option `handle` takes besides the bound sockets that Node documents. */
type Handle = NonNullable<SocketConstructorOpts["handle"]>;

/** A TLS handle is one with its socket and stays where it is. */
function isMovable(socket: Socket, handle: unknown): handle is Handle {
  if ("encrypted" in socket || !(socket instanceof Socket)) return false;
  return typeof handle === "object" && handle !== null && "useUserBuffer" in handle;
}
