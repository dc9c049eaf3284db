/**
 * One direction of a long link: a packet leaves when the ones before it have left at the link's
 * rate, travels for the delay, or is lost.
 *
 * @module
 */
export interface PacketPath {
  readonly delayMs: number;
  /** 0 to 1. */
  readonly loss: number;
  readonly bytesPerMs: number;
  /** Packets that wait longer than this for their turn are dropped: the queue of the link. */
  readonly queueMs: number;
}

interface Travelling {
  readonly packet: Uint8Array;
  readonly dueMs: number;
}

export class PacketQueue {
  readonly #path: PacketPath;
  readonly #travelling: Travelling[] = [];
  #taken = 0;
  #freeAtMs = 0;

  constructor(path: PacketPath) {
    this.#path = path;
  }

  get isEmpty(): boolean {
    return this.#taken === this.#travelling.length;
  }

  /** `chance` is uniform in [0, 1). */
  push(packet: Uint8Array, nowMs: number, chance: number): void {
    const { delayMs, loss, bytesPerMs, queueMs } = this.#path;
    const startMs = Math.max(nowMs, this.#freeAtMs);
    if (startMs - nowMs > queueMs) return;
    this.#freeAtMs = startMs + packet.length / bytesPerMs;
    // Lost on the way, not before: it has taken its time on the link.
    if (chance >= loss) this.#travelling.push({ packet, dueMs: this.#freeAtMs + delayMs });
  }

  /** The next packet that has arrived by now. */
  take(nowMs: number): Uint8Array | undefined {
    const next = this.#travelling[this.#taken];
    if (next === undefined || next.dueMs > nowMs) return undefined;
    this.#taken++;
    if (this.isEmpty || this.#taken === COMPACT_AFTER) {
      this.#travelling.splice(0, this.#taken);
      this.#taken = 0;
    }
    return next.packet;
  }
}

/** Taking each from the front of a long array would cost its length. */
const COMPACT_AFTER = 1_024;
