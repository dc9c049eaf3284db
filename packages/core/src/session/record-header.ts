/**
 * The frame header of pipes and content envelopes, its nonce and its associated data
 * (docs/protocol.md 8).
 *
 * ```text
 *   0        1        2               4               8               12
 *   +--------+--------+---------------+---------------+---------------+
 *   | type u8| flags  | 0 u16         | length u32    | j u32         |
 *   +--------+--------+---------------+-------+-------+---------------+
 *   | seq u64                         | offset u64                    |     12, 20
 *   +---------------+-----------------+-------------------------------+
 *   | elapsedMs u32 |  length bytes follow                                  28, 32
 *   +---------------+
 * ```
 *
 * Invariant: type, flags and length of a decoded header are ones that a sender writes. All other
 * fields are claims until the frame has opened.
 *
 * @module
 */
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, HASH_BYTES } from "../crypto/suite.ts";
import {
  RECORD_BYTES_MAX,
  REVERSE_BODY_BYTES_MAX,
  SESSION_BODY_BYTES_MAX,
  STATEMENT_BYTES_MAX,
} from "../limits.ts";

export const FRAME_HEADER_BYTES = 32;

export const FRAME_SESSION = 1;
export const FRAME_RECORD = 2;
export const FRAME_REVERSE = 3;

export const FLAGS_CONTENT = 0;
export const FLAGS_LAST = 1;
export const FLAGS_CANCELLED = 3;
export const FLAGS_REVERSE = 0;
export const FLAGS_SESSION = 0x80;

export const DIRECTION_FORWARD = 0;
export const DIRECTION_REVERSE = 1;
export type Direction = typeof DIRECTION_FORWARD | typeof DIRECTION_REVERSE;

/** Plaintext of the last record: total, digest, and a statement or none. */
export const LAST_BYTES = 8 + HASH_BYTES;
/** Plaintext of a cancelled record: the reason. */
const CANCELLED_BYTES = 1;

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  /** Bytes that follow the header. */
  readonly length: number;
  readonly j: number;
  readonly seq: number;
  readonly offset: number;
  readonly elapsedMs: number;
}

export const AAD_BYTES = FRAME_HEADER_BYTES + HASH_BYTES + 1;

/**
 * The associated data of one frame: its first {@link FRAME_HEADER_BYTES} are the encoded header.
 * The caller owns it.
 */
export function associatedData(
  header: FrameHeader,
  th: Uint8Array,
  direction: Direction,
): Uint8Array {
  const aad = new Uint8Array(AAD_BYTES);
  encodeFrameHeader(header, aad);
  aad.set(th, FRAME_HEADER_BYTES);
  aad[AAD_BYTES - 1] = direction;
  return aad;
}

/** Writes the 32 bytes to the start of `into`. */
export function encodeFrameHeader(header: FrameHeader, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, FRAME_HEADER_BYTES);
  view.setUint8(0, header.type);
  view.setUint8(1, header.flags);
  view.setUint16(2, 0);
  view.setUint32(4, header.length);
  view.setUint32(8, header.j);
  setUint53(view, 12, header.seq);
  setUint53(view, 20, header.offset);
  view.setUint32(28, header.elapsedMs);
}

/**
 * Reads the first 32 bytes; `undefined` for a header that no sender writes: the place of the next
 * frame is then lost (8.1). A seq or offset above 2^53 - 1 stays above it, so it equals none that
 * is expected.
 */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
  const type = view.getUint8(0);
  const flags = view.getUint8(1);
  const length = view.getUint32(4);
  const bounds = lengthBounds(type, flags);
  if (bounds === undefined || view.getUint16(2) !== 0) return undefined;
  const plain = length - AEAD_TAG_BYTES;
  if (plain < bounds.min || plain > bounds.max) return undefined;
  return {
    type,
    flags,
    length,
    j: view.getUint32(8),
    seq: view.getUint32(12) * 2 ** 32 + view.getUint32(16),
    offset: view.getUint32(20) * 2 ** 32 + view.getUint32(24),
    elapsedMs: view.getUint32(28),
  };
}

/** `flags u8 || 0^3 || seq u64` */
export function frameNonce(flags: number, seq: number): Uint8Array {
  const nonce = new Uint8Array(AEAD_NONCE_BYTES);
  nonce[0] = flags;
  setUint53(new DataView(nonce.buffer), 4, seq);
  return nonce;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const CONTENT: Bounds = { min: 1, max: RECORD_BYTES_MAX };
const LAST: Bounds = { min: LAST_BYTES, max: LAST_BYTES + STATEMENT_BYTES_MAX };
const CANCELLED: Bounds = { min: CANCELLED_BYTES, max: CANCELLED_BYTES };
const REVERSE: Bounds = { min: 1, max: REVERSE_BODY_BYTES_MAX };
const SESSION: Bounds = { min: 0, max: SESSION_BODY_BYTES_MAX };

/** Bytes that may follow, without the tag; `undefined` for a type or flags that nobody writes. */
function lengthBounds(type: number, flags: number): Bounds | undefined {
  if (type === FRAME_SESSION) return flags === FLAGS_SESSION ? SESSION : undefined;
  if (type === FRAME_REVERSE) return flags === FLAGS_REVERSE ? REVERSE : undefined;
  if (type !== FRAME_RECORD) return undefined;
  if (flags === FLAGS_CONTENT) return CONTENT;
  if (flags === FLAGS_LAST) return LAST;
  return flags === FLAGS_CANCELLED ? CANCELLED : undefined;
}

/** Without BigInt: this runs for every record. */
function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}
