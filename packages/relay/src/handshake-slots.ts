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

export class HandshakeSlots {
  readonly #limits: HandshakeLimits;
  readonly #addresses = new Map<string, number>();
  readonly #held = new Map<Socket, { readonly address: string; readonly isFree: boolean }>();

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
    this.#held.set(socket, { address, isFree: used < 1 });
    socket.once("close", () => this.release(socket));
    return used < 1 ? "free" : "busy";
  }

  /** Whether this connection was within the limit when it came. */
  isFree(socket: Socket): boolean {
    return this.#held.get(socket)?.isFree === true;
  }

  release(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    const left = (this.#addresses.get(held.address) ?? 1) - 1;
    if (left > 0) this.#addresses.set(held.address, left);
    else this.#addresses.delete(held.address);
  }
}
