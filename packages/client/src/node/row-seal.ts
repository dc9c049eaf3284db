/**
 * One row of the state as it lies in the file. Every row carries a digest of its columns: a flipped
 * bit in a key must not become another key. With {@link RowKeys} the digest is keyed and each
 * secret column is sealed.
 *
 * ```text
 *   sealed   nonce (12) | AES-256-GCM(seal key, nonce, aad, secret)
 *   aad      label("state seal") | table | column | every column of the row that is no secret
 *   digest   SHA-256, or HMAC-SHA-256 under the digest key: table | every column as it is stored
 * ```
 *
 * So nothing can be moved to another row, column or table, nor changed without the passphrase. What
 * this cannot see is a row that is missing, or a whole file that is older than the last one.
 *
 * @module
 */
import { hash } from "node:crypto";
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { ByteWriter, equalBytes, label, wipe } from "@postern/core/bytes";
import { AEAD_NONCE_BYTES } from "@postern/core/crypto";
import { nativeSuite as suite } from "@postern/node";
import { type TableName, tableOf } from "./state-schema.ts";

export type Row = Readonly<Record<string, SQLOutputValue>>;

export interface RowKeys {
  readonly seal: Uint8Array;
  readonly digest: Uint8Array;
}

/** `dataKey` (32 bytes) stays the caller's. */
export function rowKeysOf(dataKey: Uint8Array): RowKeys {
  return {
    seal: suite.expand(dataKey, label("state seal"), 32),
    digest: suite.expand(dataKey, label("state digest"), 32),
  };
}

export function wipeRowKeys(keys: RowKeys | undefined): void {
  wipe(keys?.seal, keys?.digest);
}

/** What to store for the `values` of a row, in the order of its columns; last comes the digest. */
export function storedValues(
  table: TableName,
  values: readonly SQLInputValue[],
  keys: RowKeys | undefined,
): readonly SQLInputValue[] {
  const { columns, secrets } = tableOf(table);
  const stored = values.map((value, index) => {
    const column = columns[index] ?? "";
    if (keys === undefined || !secrets.includes(column)) return value;
    return value instanceof Uint8Array ? seal(keys, table, column, values, value) : value;
  });
  return [...stored, rowDigest(table, stored, keys)];
}

/** Whether the row is as {@link storedValues} made it. */
export function isSound(table: TableName, row: Row, keys: RowKeys | undefined): boolean {
  const { digest } = row;
  const values = tableOf(table).columns.map((column) => row[column] ?? null);
  return digest instanceof Uint8Array && equalBytes(digest, rowDigest(table, values, keys));
}

/** The row with its secrets in the clear; `undefined` when one is not of this row. */
export function openedRow(table: TableName, row: Row, keys: RowKeys | undefined): Row | undefined {
  if (keys === undefined) return row;
  const { columns, secrets } = tableOf(table);
  const values = columns.map((column) => row[column] ?? null);
  const opened: Record<string, SQLOutputValue> = { ...row };
  for (const column of secrets) {
    const sealed = row[column];
    if (!(sealed instanceof Uint8Array)) continue;
    const aad = context(table, column, values);
    const nonce = sealed.subarray(0, AEAD_NONCE_BYTES);
    if (nonce.length !== AEAD_NONCE_BYTES) return undefined;
    const secret = suite.open(keys.seal, nonce, aad, sealed.subarray(AEAD_NONCE_BYTES));
    if (secret === undefined) return undefined;
    opened[column] = new Uint8Array(secret);
  }
  return opened;
}

function seal(
  keys: RowKeys,
  table: TableName,
  column: string,
  values: readonly SQLInputValue[],
  secret: Uint8Array,
): Uint8Array {
  // One key for at most 2^32 values (NIST SP 800-38D, 8.3): a device writes fewer in its life.
  const nonce = suite.random(AEAD_NONCE_BYTES);
  const sealed = suite.seal(keys.seal, nonce, context(table, column, values), secret);
  return new ByteWriter().raw(nonce).raw(sealed).bytes();
}

function context(table: TableName, column: string, values: readonly SQLInputValue[]): Uint8Array {
  const { columns, secrets } = tableOf(table);
  const writer = new ByteWriter().raw(label("state seal")).text(table).text(column);
  for (const [index, value] of values.entries())
    if (!secrets.includes(columns[index] ?? "")) writeValue(writer, value);
  return writer.bytes();
}

function rowDigest(
  table: TableName,
  values: readonly SQLInputValue[],
  keys: RowKeys | undefined,
): Uint8Array {
  const writer = new ByteWriter().text(table);
  for (const value of values) writeValue(writer, value);
  const bytes = writer.bytes();
  const digest =
    keys === undefined ? hash("sha256", bytes, "buffer") : suite.hmacSha256(keys.digest, bytes);
  wipe(bytes);
  return digest;
}

/** With its type and length, so that no two rows are written alike. */
function writeValue(writer: ByteWriter, value: SQLInputValue): void {
  if (value === null) writer.u8(0);
  else if (typeof value === "string") writer.u8(1).text(value);
  else if (typeof value === "number") writer.u8(2).u64(value);
  else if (value instanceof Uint8Array) writer.u8(3).lv(value);
  else throw new TypeError("a value of another type");
}
