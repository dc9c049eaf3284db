/**
 * A state file as the first published version made it: its statements, its digests, written out
 * once more so that no later change can bend them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    signing_seed BLOB NOT NULL, link_seed BLOB NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL
  ) STRICT;
  CREATE TABLE pair (
    role TEXT NOT NULL, relay BLOB NOT NULL, peer BLOB NOT NULL,
    counter INTEGER NOT NULL, key BLOB, digest BLOB NOT NULL,
    PRIMARY KEY (role, relay, peer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rsa_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    pkcs8 BLOB NOT NULL, not_after INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT;
  CREATE TABLE relay_pin (
    address TEXT NOT NULL PRIMARY KEY, fingerprint BLOB NOT NULL, digest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

type Value = string | number | Uint8Array | null;

/** `rows` in the order of the tables' columns, digests aside. */
export function writeVersion1(
  path: string,
  rows: readonly (readonly [table: string, ...values: readonly Value[]])[],
): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=WAL; BEGIN");
  database.exec("PRAGMA application_id=1349481332; PRAGMA user_version=1");
  database.exec(SCHEMA);
  for (const [table, ...values] of rows) {
    const marks = values.map(() => "?, ").join("");
    const insert = database.prepare(`INSERT INTO ${table} VALUES (${marks}?)`);
    insert.run(...values, digestOf(table, values));
  }
  database.exec("COMMIT");
  database.close();
}

/** SHA-256 over the table's name and the values with their types and lengths. */
function digestOf(table: string, values: readonly Value[]): Uint8Array {
  const hash = createHash("sha256").update(withLength(Buffer.from(table)));
  for (const value of values) {
    if (value === null) hash.update(Buffer.of(0));
    else if (typeof value === "string")
      hash.update(Buffer.of(1)).update(withLength(Buffer.from(value)));
    else if (typeof value === "number") hash.update(Buffer.of(2)).update(bigEndian(value));
    else hash.update(Buffer.of(3)).update(withLength(value));
  }
  return hash.digest();
}

function withLength(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
