/**
 * The public form of an identity. docs/protocol.md 3.
 *
 * ```text
 *   0        1               3                                35
 *   +--------+---------------+--------------------------------+
 *   | 0x01   | suite u16     | Ed25519 public key (32)        |
 *   +--------+---------------+--------------------------------+
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { requireLength, SIGNATURE_PUBLIC_BYTES, SUITE_ID } from "../crypto.ts";

export const ID_BYTES = 35;
const ID_VERSION = 0x01;

/** @throws PosternError `usage/invalid-argument` unless the key has 32 bytes. */
export function encodeId(publicKey: Uint8Array): Uint8Array {
  requireLength(publicKey, SIGNATURE_PUBLIC_BYTES, "publicKey");
  return new ByteWriter().u8(ID_VERSION).u16(SUITE_ID).raw(publicKey).bytes();
}

/** A copy of the Ed25519 key; `undefined` for another version, suite or length. */
export function decodeId(id: Uint8Array): Uint8Array | undefined {
  if (id.length !== ID_BYTES) return undefined;
  const reader = new ByteReader(id);
  if (reader.u8("id.version") !== ID_VERSION) return undefined;
  if (reader.u16("id.suite") !== SUITE_ID) return undefined;
  return new Uint8Array(reader.rest());
}
