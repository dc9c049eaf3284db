/**
 * `presence` (0x10), from the client: what it can take now (docs/protocol.md 5.1, 6).
 *
 * ```text
 *   0               2        3          4
 *   +---------------+--------+----------+
 *   | free u16      | listed | profiles |
 *   +---------------+--------+----------+
 * ```
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { readBoolean, readProfiles, uint, writeProfiles } from "./fields.ts";

export interface PresenceFrame {
  readonly kind: "presence";
  /** Transfers it can take at once, now; 0 is busy, or no receiver. */
  readonly free: number;
  readonly listed: boolean;
  /** Bits of {@link PROFILE_BITS}. */
  readonly profiles: number;
}

export const PRESENCE_TYPE = 0x10;

export function encodePresence(writer: ByteWriter, frame: PresenceFrame): void {
  writer.u16(uint(frame.free, 0xffff, "free")).u8(frame.listed ? 1 : 0);
  writeProfiles(writer, frame.profiles);
}

export function decodePresence(reader: ByteReader): PresenceFrame {
  const free = reader.u16("free");
  const listed = readBoolean(reader, "listed");
  return { kind: "presence", free, listed, profiles: readProfiles(reader) };
}
