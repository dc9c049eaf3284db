/**
 * The tables of a client's state file, by version of the file.
 *
 * Invariants: what a published version made is never edited here, only added to: a file is held to
 * these very statements when it is opened. A row's digest covers its columns in this order.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { STRANGERS_CHANNELS_MAX } from "@postern/core/limits";

export const STATE_VERSION = 3;
export const PAGE_BYTES = 4_096;

/** What a table keeps; `secrets` are sealed when the state has a passphrase. */
interface Table {
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly secrets: readonly string[];
}

const ONE_ROW = ["id"];

export const TABLES = {
  identity: {
    columns: ["id", "signing_seed", "link_seed", "name"],
    key: ONE_ROW,
    secrets: ["signing_seed", "link_seed"],
  },
  pair: {
    columns: ["role", "relay", "peer", "counter", "key"],
    key: ["role", "relay", "peer"],
    secrets: ["key"],
  },
  rsa_key: { columns: ["id", "pkcs8", "not_after"], key: ONE_ROW, secrets: ["pkcs8"] },
  relay_pin: { columns: ["address", "fingerprint"], key: ["address"], secrets: [] },
  channel: { columns: ["role", "peer", "record"], key: ["role", "peer"], secrets: ["record"] },
  channel_receipt: {
    columns: ["peer", "slot", "receipt"],
    key: ["peer", "slot"],
    secrets: ["receipt"],
  },
  key_package: {
    columns: ["kid", "seed", "encoded", "type", "keep_until"],
    key: ["kid"],
    secrets: ["seed"],
  },
  contact: {
    columns: [
      "fingerprint",
      "id",
      "name",
      "relay_name",
      "trust",
      "blocked",
      "pairing_secret",
      "added_at",
    ],
    key: ["fingerprint"],
    secrets: ["pairing_secret"],
  },
  unfinished: {
    columns: ["role", "peer", "content", "record", "changed_at"],
    key: ["role", "peer", "content"],
    secrets: ["record"],
  },
  passphrase: {
    columns: ["id", "memory_kib", "passes", "lanes", "salt", "sealed_key"],
    key: ONE_ROW,
    secrets: [],
  },
} as const satisfies Record<string, Table>;

export type TableName = keyof typeof TABLES;

export const TABLE_NAMES = Object.keys(TABLES) as TableName[];

/** What a passphrase guards: every table but its own, whose row must be read before. */
export const GUARDED_TABLES = TABLE_NAMES.filter((name) => name !== "passphrase");

export function tableOf(name: TableName): Table {
  return TABLES[name];
}

/** A channel whose row need not become the latest: it is, or it is a contact's. */
export const CHANNEL_STAYS = `SELECT count(*) FROM channel WHERE role = ? AND peer = ? AND
  (peer IN (SELECT fingerprint FROM contact) OR rowid = (SELECT max(rowid) FROM channel))`;
export const RECEIVING_PEERS = "SELECT peer FROM channel WHERE role = 'receiving'";
/** None while all channels together are few: then nobody is looked up. */
export const STRANGERS_CHANNELS = `FROM channel WHERE
  (SELECT count(*) FROM channel) > ${STRANGERS_CHANNELS_MAX}
  AND peer NOT IN (SELECT fingerprint FROM contact)`;

const VERSION_1 = [
  `CREATE TABLE identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    signing_seed BLOB NOT NULL, link_seed BLOB NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE pair (
    role TEXT NOT NULL, relay BLOB NOT NULL, peer BLOB NOT NULL,
    counter INTEGER NOT NULL, key BLOB, digest BLOB NOT NULL,
    PRIMARY KEY (role, relay, peer)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE rsa_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    pkcs8 BLOB NOT NULL, not_after INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE relay_pin (
    address TEXT NOT NULL PRIMARY KEY, fingerprint BLOB NOT NULL, digest BLOB NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

/** Channels and packages have a rowid: it is the order in which they were saved. */
const SINCE_2 = [
  `CREATE TABLE channel (
    role TEXT NOT NULL, peer BLOB NOT NULL, record BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (role, peer)
  ) STRICT`,
  `CREATE TABLE key_package (
    kid BLOB NOT NULL PRIMARY KEY, seed BLOB NOT NULL, encoded BLOB NOT NULL,
    type TEXT NOT NULL, keep_until INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE contact (
    fingerprint BLOB NOT NULL PRIMARY KEY, id BLOB NOT NULL,
    name TEXT NOT NULL UNIQUE, relay_name TEXT NOT NULL, trust TEXT NOT NULL,
    blocked INTEGER NOT NULL, pairing_secret BLOB, added_at INTEGER NOT NULL, digest BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE passphrase (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL,
    salt BLOB NOT NULL, sealed_key BLOB NOT NULL, digest BLOB NOT NULL
  ) STRICT`,
  // Its row says that pages of before the last change of passphrase may still be in the file.
  `CREATE TABLE unswept (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT`,
];

/**
 * The rowid of unfinished contents is the order in which they were changed. A receipt's slot keeps
 * its row, so that another receipt costs one page and no index.
 */
const SINCE_3 = [
  `CREATE TABLE unfinished (
    role TEXT NOT NULL, peer BLOB NOT NULL, content BLOB NOT NULL,
    record BLOB NOT NULL, changed_at INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (role, peer, content)
  ) STRICT`,
  `CREATE TABLE channel_receipt (
    peer BLOB NOT NULL, slot INTEGER NOT NULL, receipt BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (peer, slot)
  ) STRICT`,
];

const ALL = [...VERSION_1, ...SINCE_2, ...SINCE_3];

/** Inside a transaction of the caller's. */
export function createTables(database: DatabaseSync): void {
  for (const statement of ALL) database.exec(statement);
  setVersion(database);
}

/** Brings the tables from `version` to today's; the rows stay. In a transaction of the caller's. */
export function migrateTables(database: DatabaseSync, version: number): void {
  const missing = version < 2 ? [...SINCE_2, ...SINCE_3] : SINCE_3;
  for (const statement of missing) database.exec(statement);
  setVersion(database);
}

/** Whether the file has today's tables and nothing else: no trigger, no view, no other column. */
export function hasTables(database: DatabaseSync): boolean {
  const rows = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  const found = rows.map((row) => normalized(String(row["sql"])));
  const wanted = ALL.map(normalized);
  return found.length === wanted.length && wanted.every((one) => found.includes(one));
}

function setVersion(database: DatabaseSync): void {
  database.exec(`PRAGMA user_version=${STATE_VERSION}`);
}

function normalized(statement: string): string {
  return statement.replaceAll(/\s+/gu, " ").trim();
}
