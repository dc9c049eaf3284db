/**
 * Sealing of the small frames (docs/protocol.md 8): session tags, the last and the cancelled
 * record, reverse frames. Content records are sealed by the driver, whose means are faster.
 *
 * @module
 */
import { concat } from "../bytes/writer.ts";
import { AEAD_TAG_BYTES, type Suite } from "../crypto/suite.ts";
import {
  associatedData,
  FRAME_HEADER_BYTES,
  frameNonce,
  type Direction,
  type FrameHeader,
} from "./record-header.ts";

/** What the records need of the suite. */
export type RecordSuite = Pick<Suite, "seal" | "open" | "sha256Stream">;

/** Where a frame belongs: both ends of one transfer agree on it. */
export interface FrameContext {
  readonly suite: RecordSuite;
  /** Transcript of the transfer, 32 bytes. */
  readonly th: Uint8Array;
  readonly direction: Direction;
}

/** The whole frame: header, ciphertext, tag. Sets the header's `length`. */
export function sealFrame(
  context: FrameContext,
  key: Uint8Array,
  header: Omit<FrameHeader, "length">,
  plaintext: Uint8Array,
): Uint8Array {
  const full = { ...header, length: plaintext.length + AEAD_TAG_BYTES };
  const aad = associatedData(full, context.th, context.direction);
  const sealed = context.suite.seal(key, frameNonce(header.flags, header.seq), aad, plaintext);
  return concat(aad.subarray(0, FRAME_HEADER_BYTES), sealed);
}

/** The plaintext, or `undefined` when header or bytes are not what was sealed here. */
export function openFrame(
  context: FrameContext,
  key: Uint8Array,
  header: FrameHeader,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const aad = associatedData(header, context.th, context.direction);
  return context.suite.open(key, frameNonce(header.flags, header.seq), aad, sealed);
}

/** A whole session frame: header, the profile's body, and the tag that binds both to the key. */
export function sealSession(
  context: FrameContext,
  key: Uint8Array,
  header: Omit<FrameHeader, "length">,
  body: Uint8Array,
): Uint8Array {
  const full = { ...header, length: body.length + AEAD_TAG_BYTES };
  const aad = associatedData(full, context.th, context.direction);
  const nonce = frameNonce(header.flags, header.seq);
  const tag = context.suite.seal(key, nonce, concat(aad, body), EMPTY);
  return concat(aad.subarray(0, FRAME_HEADER_BYTES), body, tag);
}

/** Whether the frame's tag holds under the key that its body gave. `frame` is body and tag. */
export function sessionHolds(
  context: FrameContext,
  key: Uint8Array,
  header: FrameHeader,
  frame: Uint8Array,
): boolean {
  const body = frame.subarray(0, frame.length - AEAD_TAG_BYTES);
  const aad = concat(associatedData(header, context.th, context.direction), body);
  const nonce = frameNonce(header.flags, header.seq);
  return context.suite.open(key, nonce, aad, frame.subarray(body.length)) !== undefined;
}

const EMPTY = new Uint8Array(0);
