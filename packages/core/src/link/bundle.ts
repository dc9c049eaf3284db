/**
 * Several frames sealed as one: what a side has to say at one time costs one tag and one key
 * schedule (docs/protocol.md 5).
 *
 * ```text
 *   0        1                3
 *   +--------+----------------+------------------+----------------+-----
 *   | 0x03   | length u16     | type u8 || body  | length u16     | ...
 *   +--------+----------------+------------------+----------------+-----
 * ```
 *
 * `length` counts the bytes of one frame, at least its type. A bundle holds no bundle.
 *
 * @module
 */
import { ByteReader, type ByteWriter, malformed } from "../bytes.ts";
import { AEAD_TAG_BYTES } from "../crypto.ts";
import { LINK_FRAME_BYTES_MAX } from "../limits.ts";

export const BUNDLE_TYPE = 0x03;
const LENGTH_BYTES = 2;
const BUNDLE_BYTES_MAX = LINK_FRAME_BYTES_MAX - AEAD_TAG_BYTES;

/** What has a type and a body; written once, into the plaintext that is sealed. */
export type WrittenFrame = Pick<ByteWriter, "length" | "into">;

/** One for all links: a plaintext is sealed before the next one is put together. */
const ROOM = new Uint8Array(BUNDLE_BYTES_MAX);

/**
 * The same frames, in their order, in as few plaintexts as they fit into. Each is given to `seal`
 * as a view that holds until it returns.
 */
export function bundleFrames<T>(
  frames: readonly WrittenFrame[],
  seal: (plaintext: Uint8Array) => T,
): readonly T[] {
  const sealed: T[] = [];
  for (let first = 0; first < frames.length;) {
    const last = lastOfBundle(frames, first);
    const end = first === last ? frames[first]!.into(ROOM, 0) : writeBundle(frames, first, last);
    sealed.push(seal(ROOM.subarray(0, end)));
    first = last + 1;
  }
  return sealed;
}

function lastOfBundle(frames: readonly WrittenFrame[], first: number): number {
  let bytes = 1 + LENGTH_BYTES + frames[first]!.length;
  for (let next = first + 1; next < frames.length; next++) {
    bytes += LENGTH_BYTES + frames[next]!.length;
    if (bytes > BUNDLE_BYTES_MAX) return next - 1;
  }
  return frames.length - 1;
}

function writeBundle(frames: readonly WrittenFrame[], first: number, last: number): number {
  ROOM[0] = BUNDLE_TYPE;
  let at = 1;
  for (let index = first; index <= last; index++) {
    const { length } = frames[index]!;
    ROOM[at] = length >>> 8;
    ROOM[at + 1] = length;
    at = frames[index]!.into(ROOM, at + LENGTH_BYTES);
  }
  return at;
}

/** A frame that is this part of its bundle, or more, may keep all of it. */
const OWN_BYTES_SHARE = 4;

/**
 * The frames that were sealed as one. Small ones are in buffers of their own: who keeps one must
 * not keep all that came with it.
 *
 * @throws {@link PosternError} `peer/malformed`
 */
export function framesOf(plaintext: Uint8Array): readonly Uint8Array[] {
  if (plaintext[0] !== BUNDLE_TYPE) return [plaintext];
  const reader = new ByteReader(plaintext.subarray(1));
  const frames: Uint8Array[] = [];
  do {
    const view = reader.take(reader.u16("length"), "frame");
    const isSmall = view.length * OWN_BYTES_SHARE < plaintext.length;
    const frame = isSmall ? new Uint8Array(view) : view;
    if (frame.length === 0) throw malformed("frame", "no type");
    if (frame[0] === BUNDLE_TYPE) throw malformed("frame", "a bundle in a bundle");
    frames.push(frame);
  } while (reader.remaining > 0);
  return frames;
}
