/**
 * SHA-512 (FIPS 180-4), which the Suite port does not have: for CPace and safety numbers
 * (docs/protocol-pairing.md 10.2, 10.4), both far from any content.
 *
 * @module
 */
import { sha512 as nobleSha512 } from "@noble/hashes/sha2.js";
import { concat } from "../bytes.ts";

export const SHA512_BYTES = 64;

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return nobleSha512(parts.length === 1 ? parts[0]! : concat(...parts));
}
