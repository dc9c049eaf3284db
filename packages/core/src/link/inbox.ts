/**
 * Cuts a byte stream into pieces of known length, however it arrives: one byte at a time or many
 * frames at once. A piece that lies whole in what arrived is a view; only a piece that was cut is
 * put together, and every byte is copied at most twice.
 *
 * Invariants: holds less than the piece that is waited for; the room for it grows with the bytes
 * that have come, never with a length that was only announced.
 *
 * @module
 */
const EMPTY = new Uint8Array(0);
const ROOM_BYTES_MIN = 256;

/** Changes in place. */
export class Inbox {
  #arrived: Uint8Array = EMPTY;
  #held: Uint8Array = EMPTY;
  #heldLength = 0;

  /** Takes what has arrived. Whoever calls takes pieces until there are none, before the next. */
  push(bytes: Uint8Array): void {
    this.#arrived = bytes;
  }

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.#heldLength + this.#arrived.length;
  }

  /** Bytes of memory set aside for the piece that was cut. */
  get room(): number {
    return this.#held.length;
  }

  /**
   * The next `length` bytes, at least 1; `undefined` until they are there. Asked again it must be
   * for the same length. The view holds until the next call of any method.
   */
  take(length: number): Uint8Array | undefined {
    if (this.#heldLength === 0 && this.#arrived.length >= length) return this.#cut(length);
    this.#hold(this.#cut(Math.min(length - this.#heldLength, this.#arrived.length)), length);
    if (this.#heldLength < length) return undefined;
    const piece = this.#held.subarray(0, length);
    this.#held = EMPTY;
    this.#heldLength = 0;
    return piece;
  }

  #cut(length: number): Uint8Array {
    const piece = this.#arrived.subarray(0, length);
    // An empty rest must not keep the driver's buffer alive.
    this.#arrived = this.#arrived.length === length ? EMPTY : this.#arrived.subarray(length);
    return piece;
  }

  #hold(bytes: Uint8Array, lengthMax: number): void {
    const length = this.#heldLength + bytes.length;
    if (length > this.#held.length) {
      const room = Math.max(length, 2 * this.#held.length, ROOM_BYTES_MIN);
      const grown = new Uint8Array(Math.min(room, lengthMax));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#heldLength);
    this.#heldLength = length;
  }
}
