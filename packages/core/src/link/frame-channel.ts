/**
 * The two sealed directions of an established link (docs/protocol.md 5):
 *
 * ```text
 *   0               3        4
 *   +---------------+--------+--------------+----------+
 *   | length u24    | type u8| body         | tag (16) |     sealed from 3 on
 *   +---------------+--------+--------------+----------+
 * ```
 *
 * `length` counts the sealed bytes and is their associated data.
 *
 * Invariants: a length is judged before a byte behind it is kept; each direction is rekeyed after
 * the same number of frames on both sides.
 *
 * @module
 */
import { AEAD_TAG_BYTES } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { LINK_FRAME_BYTES_MAX, LINK_REKEY_FRAMES } from "../limits.ts";
import { bundleFrames, type WrittenFrame } from "./bundle.ts";
import type { Inbox } from "./inbox.ts";
import type { CipherState } from "./noise.ts";

const PREFIX_BYTES = 3;
const SEALED_BYTES_MIN = 1 + AEAD_TAG_BYTES;
const NOTHING: readonly Uint8Array[] = [];

/** Changes in place. */
export class FrameChannel {
  readonly #sending: CipherState;
  readonly #receiving: CipherState;
  readonly #inbox: Inbox;
  readonly #rekeyFrames: number;
  #queued: WrittenFrame[] = [];
  #queuedBytes = 0;
  /** The length bytes of the frame that is arriving. */
  #prefix: Uint8Array | undefined;

  /** Owns what it is given. `inbox` may hold what came behind the handshake. */
  constructor(
    sending: CipherState,
    receiving: CipherState,
    inbox: Inbox,
    rekeyFrames: number = LINK_REKEY_FRAMES,
  ) {
    this.#sending = sending;
    this.#receiving = receiving;
    this.#inbox = inbox;
    this.#rekeyFrames = rekeyFrames;
  }

  /** Seals type and body. Every frame of `frames.ts` is far below `LINK_FRAME_BYTES_MAX`. */
  seal(plaintext: Uint8Array): Uint8Array {
    const length = plaintext.length + AEAD_TAG_BYTES;
    const bytes = new Uint8Array(PREFIX_BYTES + length);
    bytes[0] = length >>> 16;
    bytes[1] = length >>> 8;
    bytes[2] = length;
    bytes.set(this.#sending.seal(bytes.subarray(0, PREFIX_BYTES), plaintext), PREFIX_BYTES);
    this.#count(this.#sending);
    return bytes;
  }

  /** Type and body of a frame for the next {@link flush}; until then they must not change. */
  queue(frame: WrittenFrame): void {
    this.#queued.push(frame);
    this.#queuedBytes += frame.length;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Seals what is queued, in its order, as few as may be. */
  flush(): readonly Uint8Array[] {
    if (this.#queued.length === 0) return NOTHING;
    const frames = this.#queued;
    this.#queued = [];
    this.#queuedBytes = 0;
    return bundleFrames(frames, (plaintext) => this.seal(plaintext));
  }

  /** Takes bytes of the stream; {@link next} is called until it has no frame left. */
  push(bytes: Uint8Array): void {
    this.#inbox.push(bytes);
  }

  /**
   * Type and body of the next frame, in a fresh buffer, at least 1 byte.
   *
   * @throws {@link PosternError} `link/malformed`, `link/authentication-failed`
   */
  next(): Uint8Array | undefined {
    if (this.#prefix === undefined) {
      const prefix = this.#inbox.take(PREFIX_BYTES);
      if (prefix === undefined) return undefined;
      this.#prefix = new Uint8Array(prefix);
    }
    const length = (this.#prefix[0]! << 16) | (this.#prefix[1]! << 8) | this.#prefix[2]!;
    if (length < SEALED_BYTES_MIN || length > LINK_FRAME_BYTES_MAX)
      throw new PosternError("link/malformed", `a frame of ${length} bytes`, { length });
    const sealed = this.#inbox.take(length);
    if (sealed === undefined) return undefined;
    const plaintext = this.#receiving.open(this.#prefix, sealed);
    if (plaintext === undefined)
      throw new PosternError("link/authentication-failed", "a frame's tag does not hold");
    this.#prefix = undefined;
    this.#count(this.#receiving);
    return plaintext;
  }

  wipe(): void {
    this.#sending.wipe();
    this.#receiving.wipe();
  }

  #count(direction: CipherState): void {
    if (direction.counter % this.#rekeyFrames === 0) direction.rekey();
  }
}
