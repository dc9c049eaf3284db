/**
 * Safety numbers: what two people compare by voice or as a QR code, at any time.
 * docs/protocol-pairing.md 10.4.
 *
 * @module
 */
import { label } from "../bytes.ts";
import { requireLength, type Suite } from "../crypto.ts";
import { sha512 } from "../crypto/sha512.ts";
import { ID_BYTES } from "../identity.ts";

const GROUPS = 12;
const GROUP_BYTES = 5;
const GROUP_DIGITS = 5;
const QR_PREFIX = "postern:safety:";

/**
 * 12 groups of 5 digits, the same at both ends. Suites have no SHA-512 of their own, so the first
 * argument only says for which the IDs are.
 *
 * @throws PosternError `usage/invalid-argument` for an ID that has not 35 bytes.
 */
export function safetyNumber(_suite: Suite, idA: Uint8Array, idB: Uint8Array): readonly string[] {
  requireLength(idA, ID_BYTES, "id");
  requireLength(idB, ID_BYTES, "id");
  const [lesser, greater] = isLess(idA, idB) ? [idA, idB] : [idB, idA];
  const hash = sha512(label("safety"), lesser, greater);
  return Array.from({ length: GROUPS }, (_, i) =>
    digitsOf(hash.subarray(i * GROUP_BYTES, (i + 1) * GROUP_BYTES)),
  );
}

/** The text of the QR code. */
export function safetyNumberQrText(groups: readonly string[]): string {
  return QR_PREFIX + groups.join("");
}

function isLess(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

/** 40 bits are a number without loss. */
function digitsOf(bytes: Uint8Array): string {
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return String(value % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, "0");
}
