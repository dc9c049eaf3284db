/**
 * Fingerprints: what people compare and what relays are pinned to. docs/protocol.md 3.
 *
 * Invariant: a client's and a relay's never coincide, because their labels differ.
 *
 * @module
 */
import { decodeBase32, encodeBase32, label } from "../bytes.ts";
import { HASH_BYTES, KEM_PUBLIC_BYTES, requireLength, type Suite } from "../crypto.ts";
import { ID_BYTES } from "./id.ts";

/** 52 symbols and the 12 dashes between groups of four. */
const TEXT_LENGTH_MAX = 64;

/**
 * `SHA-256(label("identity") || id)`. @throws PosternError `usage/invalid-argument` for a length.
 */
export function fingerprintOf(suite: Suite, id: Uint8Array): Uint8Array {
  requireLength(id, ID_BYTES, "id");
  return suite.sha256(label("identity"), id);
}

/** Of a relay's X-Wing key. @throws PosternError `usage/invalid-argument` for another length. */
export function relayFingerprint(suite: Suite, kemPublicKey: Uint8Array): Uint8Array {
  requireLength(kemPublicKey, KEM_PUBLIC_BYTES, "kemPublicKey");
  return suite.sha256(label("relay"), kemPublicKey);
}

/** 52 symbols of base32; `groupBase32` of the `bytes` room makes it readable. */
export function formatFingerprint(fingerprint: Uint8Array): string {
  requireLength(fingerprint, HASH_BYTES, "fingerprint");
  return encodeBase32(fingerprint);
}

/** Accepts upper case and dashes, as people type; `undefined` unless it is a whole fingerprint. */
export function parseFingerprint(text: string): Uint8Array | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  const bytes = decodeBase32(text);
  return bytes?.length === HASH_BYTES ? bytes : undefined;
}
