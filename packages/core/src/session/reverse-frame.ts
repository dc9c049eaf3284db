/**
 * Reverse frames, receiver to sender (docs/protocol.md 8.2), sealed under the reverse key with a
 * counter of their own, over all pipes of the transfer. The counter is the nonce: a frame that is
 * lost, repeated or moved leaves every later one unreadable, so nothing can be taken out of the row
 * unseen. Only the first frame on a new pipe may have a larger number than the next: what was under
 * way on the old pipe is lost.
 *
 * @module
 */
import { ByteReader, malformed } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { HASH_BYTES } from "../crypto/suite.ts";
import { PosternError, unreachable } from "../errors.ts";
import { DIRECTION_REVERSE, FLAGS_REVERSE, FRAME_REVERSE } from "./record-header.ts";
import type { FrameHeader } from "./record-header.ts";
import { openFrame, sealFrame, type FrameContext, type RecordSuite } from "./record-seal.ts";

export type ReverseFrame =
  | { readonly kind: "progress"; readonly offset: number }
  | { readonly kind: "resend"; readonly j: number; readonly offset: number }
  | { readonly kind: "pause" }
  | { readonly kind: "continue" }
  | { readonly kind: "cancel"; readonly reason: number }
  | {
      readonly kind: "done";
      readonly total: number;
      readonly digest: Uint8Array;
      /** Of a signed transfer: the receiver's. Empty of every other. */
      readonly statement: Uint8Array;
    }
  /** The person takes what the list names: the sender may go on behind it. */
  | { readonly kind: "proceed" };

const PROGRESS = 1;
const RESEND = 2;
const PAUSE = 3;
const CONTINUE = 4;
const CANCEL = 5;
const DONE = 6;
const PROCEED = 7;

/** Seals the reverse frames of one transfer, in their order. `key` stays the caller's. */
export class ReverseSealer {
  readonly #context: FrameContext;
  readonly #key: Uint8Array;
  #seq = 0;

  constructor(suite: RecordSuite, th: Uint8Array, key: Uint8Array) {
    this.#context = { suite, th, direction: DIRECTION_REVERSE };
    this.#key = key;
  }

  /** The whole frame. */
  seal(frame: ReverseFrame): Uint8Array {
    const header = reverseHeader(this.#seq++);
    return sealFrame(this.#context, this.#key, header, encodeReverse(frame));
  }
}

/** Opens them in the same order. `key` stays the caller's. */
export class ReverseOpener {
  readonly #context: FrameContext;
  readonly #key: Uint8Array;
  #seq = 0;
  #mayJump = false;

  constructor(suite: RecordSuite, th: Uint8Array, key: Uint8Array) {
    this.#context = { suite, th, direction: DIRECTION_REVERSE };
    this.#key = key;
  }

  /** The number of the next frame. */
  get seq(): number {
    return this.#seq;
  }

  /** The next frame comes on a new pipe: frames before it may be lost. */
  newPipe(): void {
    this.#mayJump = true;
  }

  /**
   * @throws {@link PosternError} `transfer/damaged` when it is not the next frame as it was sealed:
   * there is no resend for reverse frames. `peer/malformed` when the peer sealed nonsense.
   */
  open(header: FrameHeader, sealed: Uint8Array): ReverseFrame {
    const { j, seq, offset, elapsedMs } = header;
    const inOrder = this.#mayJump ? seq >= this.#seq : seq === this.#seq;
    const next = j === 0 && inOrder && offset === 0 && elapsedMs === 0;
    const body = next ? openFrame(this.#context, this.#key, header, sealed) : undefined;
    if (body === undefined)
      throw new PosternError("transfer/damaged", "a reverse frame does not open");
    this.#seq = seq + 1;
    this.#mayJump = false;
    return decodeReverse(body);
  }
}

function reverseHeader(seq: number): Omit<FrameHeader, "length"> {
  return { type: FRAME_REVERSE, flags: FLAGS_REVERSE, j: 0, seq, offset: 0, elapsedMs: 0 };
}

function encodeReverse(frame: ReverseFrame): Uint8Array {
  const writer = new ByteWriter();
  switch (frame.kind) {
    case "progress":
      return writer.u8(PROGRESS).u64(frame.offset).bytes();
    case "resend":
      return writer.u8(RESEND).u32(frame.j).u64(frame.offset).bytes();
    case "pause":
      return writer.u8(PAUSE).bytes();
    case "continue":
      return writer.u8(CONTINUE).bytes();
    case "cancel":
      return writer.u8(CANCEL).u8(frame.reason).bytes();
    case "done":
      return writer.u8(DONE).u64(frame.total).raw(frame.digest).raw(frame.statement).bytes();
    case "proceed":
      return writer.u8(PROCEED).bytes();
    default:
      return unreachable(frame);
  }
}

function decodeReverse(body: Uint8Array): ReverseFrame {
  const reader = new ByteReader(body);
  const frame = readReverse(reader);
  reader.end();
  return frame;
}

function readReverse(reader: ByteReader): ReverseFrame {
  const kind = reader.u8("reverse.kind");
  switch (kind) {
    case PROGRESS:
      return { kind: "progress", offset: reader.u64("progress.offset") };
    case RESEND:
      return { kind: "resend", j: reader.u32("resend.j"), offset: reader.u64("resend.offset") };
    case PAUSE:
      return { kind: "pause" };
    case CONTINUE:
      return { kind: "continue" };
    case CANCEL:
      return { kind: "cancel", reason: reader.u8("cancel.reason") };
    case DONE:
      return {
        kind: "done",
        total: reader.u64("done.total"),
        digest: reader.take(HASH_BYTES, "done.digest").slice(),
        statement: reader.rest().slice(),
      };
    case PROCEED:
      return { kind: "proceed" };
    default:
      throw malformed("reverse.kind", `unknown kind ${kind}`);
  }
}
