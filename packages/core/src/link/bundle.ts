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
import { ByteReader, ByteWriter, malformed } from "../bytes.ts";
import { AEAD_TAG_BYTES } from "../crypto.ts";
import { LINK_FRAME_BYTES_MAX } from "../limits.ts";

export const BUNDLE_TYPE = 0x03;
const LENGTH_BYTES = 2;
const BUNDLE_BYTES_MAX = LINK_FRAME_BYTES_MAX - AEAD_TAG_BYTES;

/** The same frames, in their order, in as few plaintexts to be sealed as they fit into. */
export function bundleFrames(frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const bundles: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let bytes = 1;
  for (const frame of frames) {
    const added = LENGTH_BYTES + frame.length;
    if (group.length > 0 && bytes + added > BUNDLE_BYTES_MAX) {
      bundles.push(bundled(group));
      group = [];
      bytes = 1;
    }
    group.push(frame);
    bytes += added;
  }
  if (group.length > 0) bundles.push(bundled(group));
  return bundles;
}

/**
 * The frames that were sealed as one, each in a buffer of its own: who keeps a small one must not
 * keep all that came with it.
 *
 * @throws {@link PosternError} `peer/malformed`
 */
export function framesOf(plaintext: Uint8Array): readonly Uint8Array[] {
  if (plaintext[0] !== BUNDLE_TYPE) return [plaintext];
  const reader = new ByteReader(plaintext.subarray(1));
  const frames: Uint8Array[] = [];
  do {
    const frame = new Uint8Array(reader.take(reader.u16("length"), "frame"));
    if (frame.length === 0) throw malformed("frame", "no type");
    if (frame[0] === BUNDLE_TYPE) throw malformed("frame", "a bundle in a bundle");
    frames.push(frame);
  } while (reader.remaining > 0);
  return frames;
}

function bundled(frames: readonly Uint8Array[]): Uint8Array {
  const [only] = frames;
  if (frames.length === 1 && only !== undefined) return only;
  const writer = new ByteWriter().u8(BUNDLE_TYPE);
  for (const frame of frames) writer.u16(frame.length).raw(frame);
  return writer.bytes();
}
