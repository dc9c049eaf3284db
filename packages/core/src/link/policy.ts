/**
 * `policy` (0x4c), from the relay: the profiles its operator allows (docs/protocol.md 5.1, 6). It
 * comes first on a link, and only from a relay that does not allow them all.
 *
 * ```text
 *   0 profiles u8 | 1
 * ```
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { readProfiles, writeProfiles } from "./fields.ts";

export interface PolicyFrame {
  readonly kind: "policy";
  /** Bits of `PROFILE_BITS`. */
  readonly profiles: number;
}

export const POLICY_TYPE = 0x4c;

export function encodePolicy(writer: ByteWriter, frame: PolicyFrame): void {
  writeProfiles(writer, frame.profiles);
}

export function decodePolicy(reader: ByteReader): PolicyFrame {
  return { kind: "policy", profiles: readProfiles(reader) };
}
