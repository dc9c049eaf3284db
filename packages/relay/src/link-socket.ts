/**
 * Drives the relay's end of one link over a socket (docs/protocol.md 5).
 *
 * Invariants: sealed bytes are written in the order in which they were sealed; at most
 * `LINK_QUEUE_BYTES_MAX` wait for a slow client, then its link is closed; `onGone` comes once.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Suite } from "@postern/core/crypto";
import {
  linkDeadline,
  linkQueuedBytes,
  startRelayLink,
  stepLink,
  type LinkEvent,
  type LinkInput,
  type LinkState,
  type LinkStep,
  type RelayFrame,
  type RelayLinkOptions,
} from "@postern/core/link";
import {
  FRAMES_LATE_MS,
  FRAMES_WAITING_MAX,
  LINK_CLOSING_MS,
  LINK_CONGESTED_BYTES,
  LINK_QUEUE_BYTES_MAX,
  LINK_READ_BYTES,
} from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import { readInto, type ReadHandlers, type ReusedReads } from "@postern/node";
import type { RelayClock } from "./clock.ts";
import { networkOf } from "./network.ts";
import type { LinkId } from "./switchboard-io.ts";
import type { Timed, Wheel } from "./wheel.ts";

export interface LinkSocketPorts {
  readonly suite: Suite;
  readonly clock: RelayClock;
  readonly wheel: Wheel;
  /** Asks for {@link LinkSocket.sendWaiting} at that time. */
  readonly onWaiting: (link: LinkSocket, due: InstantMs) => void;
  readonly onEvent: (link: LinkSocket, event: LinkEvent) => void;
  /** It takes and gives nothing more; its socket may still be flushing. */
  readonly onGone: (link: LinkSocket, reason: string) => void;
  readonly onClosed: (link: LinkSocket) => void;
}

/** A connection that has just left HTTP. */
export interface Arrival {
  readonly socket: Socket;
  /** What came along with its request. */
  readonly head: Uint8Array;
  readonly options: RelayLinkOptions;
}

/** One for all links: bytes are opened, or what is left of a frame copied, before the next read. */
const READ_BUFFER = new Uint8Array(LINK_READ_BYTES);

export class LinkSocket implements Timed, ReadHandlers {
  readonly id: LinkId;
  readonly #reads: ReusedReads;
  readonly #ports: LinkSocketPorts;
  #state: LinkState;
  /** In this turn of the event loop; it leaves at its end. */
  #sealed: Uint8Array[] = [];
  #sealedBytes = 0;
  #isFlushing = false;
  /** Frames that go with the next one, or in a moment. */
  readonly #waiting: RelayFrame[] = [];
  #waitingDue: InstantMs | undefined;
  #closing: InstantMs | undefined;
  #isGone = false;

  /** `head` came behind the upgrade. */
  constructor(id: LinkId, { socket, head, options }: Arrival, ports: LinkSocketPorts) {
    this.id = id;
    this.#ports = ports;
    const { state } = startRelayLink(ports.suite, options, ports.clock.now());
    this.#state = state;
    this.#reads = readInto(socket, head, this);
    ports.wheel.schedule(this);
  }

  get socket(): Socket {
    return this.#reads.socket;
  }

  /** What its client's address counts as where a limit is for each. */
  get network(): string {
    return networkOf(this.socket.remoteAddress ?? "");
  }

  get isEstablished(): boolean {
    return this.#state.kind === "established";
  }

  /** Others' envelopes would make its queue too long. */
  get isCongested(): boolean {
    return this.#queuedBytes > LINK_CONGESTED_BYTES;
  }

  buffer(): Uint8Array {
    return READ_BUFFER;
  }

  onBytes(count: number, buffer: Uint8Array): boolean {
    if (this.#closing === undefined)
      this.#step({ kind: "received", bytes: buffer.subarray(0, count) });
    return true;
  }

  onEnd(): void {
    this.close("closed by the client");
  }

  onClose(error?: Error): void {
    if (error !== undefined) this.#lose(reasonOf(error));
    // Retires the keys, whatever ended the connection.
    this.close("connection closed");
    this.#ports.wheel.forget(this);
    this.#ports.onClosed(this);
  }

  decide(input: Extract<LinkInput, { kind: "decide" }>): void {
    if (this.#state.kind === "expect-decision") this.#step(input);
  }

  send(frame: RelayFrame): void {
    this.sendWaiting();
    this.#queue(frame);
  }

  /** The same for a frame that nobody waits for: it need not cost a system call of its own. */
  sendLater(frame: RelayFrame): void {
    this.#waiting.push(frame);
    if (this.#waiting.length >= FRAMES_WAITING_MAX) return this.sendWaiting();
    if (this.#waitingDue !== undefined) return;
    this.#waitingDue = after(this.#ports.clock.now(), FRAMES_LATE_MS);
    this.#ports.onWaiting(this, this.#waitingDue);
  }

  /** When {@link sendWaiting} is to be called, unless another frame takes them along before. */
  get waitingDue(): InstantMs | undefined {
    return this.#waitingDue;
  }

  sendWaiting(): void {
    this.#waitingDue = undefined;
    for (const frame of this.#waiting.splice(0)) this.#queue(frame);
  }

  /** Ends it after what was written. */
  close(reason: string): void {
    if (this.#closing !== undefined) return;
    this.sendWaiting();
    this.#step({ kind: "flush" });
    this.#step({ kind: "close" });
    this.#finish(reason);
  }

  destroy(): void {
    this.socket.destroy();
  }

  deadline(): InstantMs | undefined {
    if (this.socket.destroyed) return undefined;
    return this.#closing ?? linkDeadline(this.#state);
  }

  wake(now: InstantMs): void {
    if (this.#closing !== undefined) this.socket.destroy();
    else this.#step({ kind: "woke" }, now);
  }

  #step(input: LinkInput, now = this.#ports.clock.now()): void {
    const { state, effects } = stepLink(this.#state, input, now);
    this.#state = state;
    // An event can make the relay seal more for this link: what is sealed already goes first.
    for (const effect of effects) if (effect.kind === "write") this.#write(effect.bytes);
    for (const effect of effects) this.#perform(effect);
    this.#ports.wheel.schedule(this);
  }

  #perform(effect: LinkStep["effects"][number]): void {
    if (effect.kind === "close") this.#finish("closed");
    if (effect.kind !== "emit") return;
    if (effect.event.kind === "failed") this.#finish(effect.event.error.code);
    else this.#ports.onEvent(this, effect.event);
  }

  get #queuedBytes(): number {
    return this.socket.writableLength + this.#sealedBytes + linkQueuedBytes(this.#state);
  }

  #write(bytes: Uint8Array): void {
    if (this.socket.destroyed) return;
    this.#flushSoon();
    this.#sealed.push(bytes);
    this.#sealedBytes += bytes.length;
    this.#bound();
  }

  /** Also between two frames: one read may hold thousands of questions with long answers. */
  #bound(): void {
    if (this.#queuedBytes <= LINK_QUEUE_BYTES_MAX) return;
    this.#lose("too slow");
    this.socket.destroy();
  }

  /** What one turn of the event loop has for this client leaves in one system call. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(this.#flush);
  }

  #queue(frame: RelayFrame): void {
    if (this.#state.kind !== "established" || this.socket.destroyed) return;
    // It changes neither a deadline nor what is to be done now.
    const now = this.#ports.clock.now();
    this.#state = stepLink(this.#state, { kind: "queue", frame }, now).state;
    this.#flushSoon();
    this.#bound();
  }

  readonly #flush = (): void => {
    this.#step({ kind: "flush" });
    this.#isFlushing = false;
    this.#writeSealed();
  };

  /** As one piece: putting frames together costs less than a socket that is told of each. */
  #writeSealed(): void {
    const [first, ...others] = this.#sealed;
    if (first === undefined || this.socket.destroyed) return;
    const bytes = others.length === 0 ? first : Buffer.concat(this.#sealed, this.#sealedBytes);
    this.#sealed = [];
    this.#sealedBytes = 0;
    this.socket.write(bytes);
  }

  /** Flushes, and gives the client a moment to read the last frames before the socket goes. */
  #finish(reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = after(this.#ports.clock.now(), LINK_CLOSING_MS);
    this.#writeSealed();
    this.socket.end();
    this.#ports.wheel.schedule(this);
    this.#lose(reason);
  }

  #lose(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#ports.onGone(this, reason);
  }
}

/** A system's error code says nothing about the client; a message could. */
function reasonOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "socket error";
}
