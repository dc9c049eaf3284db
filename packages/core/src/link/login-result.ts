/**
 * Payload of the fourth handshake message: the relay's answer to a login (docs/protocol.md 5).
 *
 * ```text
 *   0        1                   5        16
 *   +--------+-------------------+--------+
 *   | status | retryAfterMs u32  | 0^11   |
 *   +--------+-------------------+--------+
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { readChoice, readZeros, uint, writeChoice } from "./fields.ts";

export type LoginStatus =
  | "welcome"
  | "name-taken"
  | "overloaded"
  | "unsupported-version"
  | "refused";

export interface LoginResult {
  readonly status: LoginStatus;
  /** When trying again may help, in milliseconds from now; 0 when it will not. */
  readonly retryAfterMs: number;
}

export const LOGIN_RESULT_BYTES = 16;

const STATUSES: readonly LoginStatus[] = [
  "welcome",
  "name-taken",
  "overloaded",
  "unsupported-version",
  "refused",
];

/** @throws PosternError `usage/invalid-argument` */
export function encodeLoginResult(result: LoginResult): Uint8Array {
  const writer = new ByteWriter();
  writeChoice(writer, "status", STATUSES, result.status);
  return writer
    .u32(uint(result.retryAfterMs, 0xffff_ffff, "retryAfterMs"))
    .raw(new Uint8Array(11))
    .bytes();
}

/** @throws PosternError `peer/malformed` */
export function decodeLoginResult(bytes: Uint8Array): LoginResult {
  const reader = new ByteReader(bytes);
  const status = readChoice(reader, "status", STATUSES);
  const retryAfterMs = reader.u32("retryAfterMs");
  readZeros(reader, 11);
  reader.end();
  return { status, retryAfterMs };
}
