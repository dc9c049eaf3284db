/**
 * What the relay says unasked: `peer-gone` (0x47) and `notice` (0x48) (docs/protocol.md 5.1, 6).
 *
 * ```text
 *   peer-gone   0 peer (32) | 32
 *   notice      0 code u8 | 1 afterMs u32 | 5     1 superseded, 2 restarting, 3 overloaded
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { exactly, FINGERPRINT_BYTES, uint } from "./fields.ts";

export interface PeerGoneFrame {
  readonly kind: "peer-gone";
  /** Its fingerprint, 32 bytes. */
  readonly peer: Uint8Array;
}

export type Notice = "superseded" | "restarting" | "overloaded";

export interface NoticeFrame {
  readonly kind: "notice";
  readonly notice: Notice;
  /** When to come back, in milliseconds from now. */
  readonly afterMs: number;
}

export const PEER_GONE_TYPE = 0x47;
export const NOTICE_TYPE = 0x48;

const NOTICE_CODES = { superseded: 1, restarting: 2, overloaded: 3 } as const;
const NOTICES: readonly Notice[] = ["superseded", "restarting", "overloaded"];

export function encodePeerGone(writer: ByteWriter, frame: PeerGoneFrame): void {
  writer.raw(exactly(frame.peer, FINGERPRINT_BYTES, "peer"));
}

export function decodePeerGone(reader: ByteReader): PeerGoneFrame {
  return { kind: "peer-gone", peer: reader.take(FINGERPRINT_BYTES, "peer") };
}

export function encodeNotice(writer: ByteWriter, frame: NoticeFrame): void {
  writer.u8(NOTICE_CODES[frame.notice]).u32(uint(frame.afterMs, 0xffff_ffff, "afterMs"));
}

export function decodeNotice(reader: ByteReader): NoticeFrame {
  const code = reader.u8("code");
  const notice = NOTICES.find((each) => NOTICE_CODES[each] === code);
  if (notice === undefined) throw malformed("code", "not a listed value");
  return { kind: "notice", notice, afterMs: reader.u32("afterMs") };
}
