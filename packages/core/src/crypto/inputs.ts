/**
 * What every suite demands of its caller's inputs, so that all refuse the same ones
 * (docs/protocol.md 2). Values from outside never come here: they give `undefined` or `false`.
 *
 * @module
 */
import { PosternError } from "../errors.ts";
import { HASH_BYTES } from "./suite.ts";

/** HKDF-Expand counts its blocks in one byte (RFC 5869, 2.3). */
const EXPAND_BYTES_MAX = 255 * HASH_BYTES;

/** @throws {@link PosternError} `usage/invalid-argument` unless `bytes` has exactly `length`. */
export function requireLength(bytes: Uint8Array, length: number, field: string): void {
  if (bytes.length === length) return;
  const details = { field, length: bytes.length, wanted: length };
  throw new PosternError("usage/invalid-argument", `${field}: wrong length`, details);
}

/**
 * @throws {@link PosternError} `usage/invalid-argument` for what HKDF-Expand cannot use or give.
 */
export function requireExpandable(key: Uint8Array, length: number): void {
  if (key.length < HASH_BYTES)
    throw new PosternError("usage/invalid-argument", "expand: key too short");
  if (Number.isInteger(length) && length >= 0 && length <= EXPAND_BYTES_MAX) return;
  throw new PosternError("usage/invalid-argument", "expand: length out of range", { length });
}
