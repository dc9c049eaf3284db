/**
 * A state file as older versions made it: their statements, their digests, written out once more so
 * that no later change can bend them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const VERSION_1 = `
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

const VERSION_2 = `
  CREATE TABLE channel (
    role TEXT NOT NULL, peer BLOB NOT NULL, record BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (role, peer)
  ) STRICT;
  CREATE TABLE key_package (
    kid BLOB NOT NULL PRIMARY KEY, seed BLOB NOT NULL, encoded BLOB NOT NULL,
    type TEXT NOT NULL, keep_until INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT;
  CREATE TABLE contact (
    fingerprint BLOB NOT NULL PRIMARY KEY, id BLOB NOT NULL,
    name TEXT NOT NULL UNIQUE, relay_name TEXT NOT NULL, trust TEXT NOT NULL,
    blocked INTEGER NOT NULL, pairing_secret BLOB, added_at INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT;
  CREATE TABLE passphrase (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL,
    salt BLOB NOT NULL, sealed_key BLOB NOT NULL, digest BLOB NOT NULL
  ) STRICT;
  CREATE TABLE unswept (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT;
`;

type Value = string | number | Uint8Array | null;

/** In the order of the tables' columns, digests aside. */
type Rows = readonly (readonly [table: string, ...values: readonly Value[]])[];

export function writeVersion1(path: string, rows: Rows): void {
  write(path, 1, VERSION_1, rows);
}

export function writeVersion2(path: string, rows: Rows): void {
  write(path, 2, VERSION_1 + VERSION_2, rows);
}

function write(path: string, version: number, schema: string, rows: Rows): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=WAL; BEGIN");
  database.exec("PRAGMA application_id=1349481332");
  database.exec(`PRAGMA user_version=${version}`);
  database.exec(schema);
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
