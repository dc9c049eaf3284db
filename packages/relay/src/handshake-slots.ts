/**
 * How many connections may be on their way to a link or a pipe, in all and from one address
 * (docs/protocol.md 4). One that is over the limit is answered with 503; far over, it is cut, so
 * that connections which say nothing stay bounded too.
 *
 * @module
 */
import type { Socket } from "node:net";

export interface HandshakeLimits {
  readonly handshakesMax: number;
  readonly handshakesPerAddressMax: number;
}

export type Admission = "free" | "busy" | "full";

/** Connections over the limit that may wait for their 503, as a multiple of the limit. */
const BUSY_FACTOR = 2;

interface Held {
  readonly address: string;
  readonly isFree: boolean;
}

export class HandshakeSlots {
  readonly #limits: HandshakeLimits;
  readonly #addresses = new Map<string, number>();
  readonly #held = new Map<Socket, Held>();

  constructor(limits: HandshakeLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Counts an accepted connection until {@link release} or its end. */
  take(socket: Socket): Admission {
    const address = socket.remoteAddress ?? "";
    const { handshakesMax, handshakesPerAddressMax } = this.#limits;
    const here = this.#addresses.get(address) ?? 0;
    const used = Math.max(this.#held.size / handshakesMax, here / handshakesPerAddressMax);
    if (used >= BUSY_FACTOR) return "full";
    this.#addresses.set(address, here + 1);
    this.#hold(socket, { address, isFree: used < 1 });
    return used < 1 ? "free" : "busy";
  }

  /** Whether this connection was within the limit when it came. */
  isFree(socket: Socket): boolean {
    return this.#held.get(socket)?.isFree === true;
  }

  /** The connection goes on as another socket, which may be the same. */
  move(from: Socket, to: Socket): void {
    const held = this.#held.get(from);
    if (held === undefined || from === to) return;
    this.#held.delete(from);
    this.#hold(to, held);
  }

  release(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    const left = (this.#addresses.get(held.address) ?? 1) - 1;
    if (left > 0) this.#addresses.set(held.address, left);
    else this.#addresses.delete(held.address);
  }
  #hold(socket: Socket, held: Held): void {
    this.#held.set(socket, held);
    socket.once("close", () => this.release(socket));
  }
}
