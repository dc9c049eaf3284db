/**
 * Ed25519 (RFC 8032) by OpenSSL, which refuses s >= L and compares R byte for byte, with checks on
 * the points, which newer versions of Node make too and older ones do not. docs/protocol.md 2.
 *
 * Invariant: a key or an R of small order, or not in its one canonical encoding, never verifies:
 * with such a key one signature would hold for many messages.
 *
 * @module
 */
import { type KeyObject, sign, verify } from "node:crypto";
import { equalBytes, hex } from "@postern/core/bytes";
import { SIGNATURE_BYTES, SIGNATURE_PUBLIC_BYTES } from "@postern/core/crypto";
import { ED25519, exportPublic, importPrivate, importPublic } from "./key-objects.ts";

/** The y of the eight points of small order, least byte first; x differs in its sign alone. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map((y) => Buffer.from(y, "hex"));

export interface Ed25519Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/** `seed` is the 32-byte secret; it is not kept. */
export function expandEd25519(seed: Uint8Array): Ed25519Keys {
  const privateKey = importPrivate(ED25519, seed);
  return { privateKey, publicKey: exportPublic(ED25519, privateKey) };
}

export function signEd25519(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, privateKey));
}

export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== SIGNATURE_PUBLIC_BYTES) return false;
  if (signature.length !== SIGNATURE_BYTES) return false;
  if (!isStrictPoint(signature.subarray(0, 32))) return false;
  const key = verifierOf(publicKey);
  return key !== undefined && verify(null, message, key, signature);
}

/** Of signers, by their bytes; the first is the oldest. Who writes once writes again. */
const verifiers = new Map<string, KeyObject>();
export const VERIFIERS_MAX = 64;

function verifierOf(publicKey: Uint8Array): KeyObject | undefined {
  const name = hex(publicKey);
  const known = verifiers.get(name);
  if (known !== undefined) return known;
  const made = isStrictPoint(publicKey) ? importPublic(ED25519, publicKey) : undefined;
  if (made === undefined) return undefined;
  const [oldest] = verifiers.keys();
  if (oldest !== undefined && verifiers.size >= VERIFIERS_MAX) verifiers.delete(oldest);
  verifiers.set(name, made);
  return made;
}

/** Whether 32 bytes hold a y below p = 2^255 - 19 that is of no point of small order. */
export function isStrictPoint(point: Uint8Array): boolean {
  const y = new Uint8Array(point);
  y[31]! &= 0x7f;
  const atLeastP = y[0]! >= 0xed && y[31] === 0x7f && y.subarray(1, 31).every((b) => b === 0xff);
  return !atLeastP && !SMALL_ORDER_Y.some((small) => equalBytes(small, y));
}
