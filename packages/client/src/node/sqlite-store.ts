/**
 * A {@link Store} in one SQLite file. Every row carries a digest of its content: a flipped bit in a
 * key must not become another key.
 *
 * Invariant: after a key is dropped or replaced, neither the file nor its journal holds it.
 *
 * @module
 */
import { hash } from "node:crypto";
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { ByteWriter, equalBytes } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { WallMs } from "@postern/core/time";
import {
  checkIdentity,
  checkPairKey,
  checkPairKeyId,
  checkPin,
  checkRsaKey,
  type PairKey,
  type PairKeyId,
  type RelayPin,
  type Store,
  type StoredIdentity,
  type StoredRsaKey,
} from "../store.ts";
import { createState, damaged, openState, stateError } from "./state-file.ts";

/**
 * Opens the store at `path`; the first time it is made with what `newIdentity` gives.
 *
 * @throws {@link PosternError} `store/in-use`, `store/failed`, `store/no-space`.
 */
export async function sqliteStore(path: string, newIdentity: () => StoredIdentity): Promise<Store> {
  await createState(path, (database) => {
    const made = newIdentity();
    checkIdentity(made);
    write(database, "identity", [1, made.signingSeed, made.linkSeed, made.name]);
  });
  const database = await openState(path);
  try {
    return new SqliteStore(database, path);
  } catch (error) {
    database.close();
    throw stateError(error, path);
  }
}

type Row = Record<string, SQLOutputValue>;

/** Columns in the order of their digest. */
const COLUMNS = {
  identity: ["id", "signing_seed", "link_seed", "name"],
  pair: ["role", "relay", "peer", "counter", "key"],
  rsa_key: ["id", "pkcs8", "not_after"],
  relay_pin: ["address", "fingerprint"],
} as const;

type Table = keyof typeof COLUMNS;

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  #closed = false;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#checkAll();
  }

  async identity(): Promise<StoredIdentity> {
    const row = this.#read("identity", "id = 1");
    if (row === undefined) throw damaged(this.#path);
    return {
      signingSeed: this.#bytes(row["signing_seed"]),
      linkSeed: this.#bytes(row["link_seed"]),
      name: this.#text(row["name"]),
    };
  }

  async pairKey(at: PairKeyId): Promise<PairKey | undefined> {
    return this.#pairKey(at);
  }

  async keepPairKey(at: PairKeyId, kept: PairKey): Promise<void> {
    checkPairKeyId(at);
    checkPairKey(kept);
    this.#writeSecret("pair", [at.role, at.relay, at.peer, kept.counter, kept.key]);
  }

  async takePairKey(at: PairKeyId): Promise<PairKey | undefined> {
    // No await between the two: nobody else may see the key in between.
    const kept = this.#pairKey(at);
    if (kept !== undefined)
      this.#writeSecret("pair", [at.role, at.relay, at.peer, kept.counter, null]);
    return kept;
  }

  async pairCounter(at: PairKeyId): Promise<number> {
    const row = this.#pair(at);
    return row === undefined ? 0 : this.#number(row["counter"]);
  }

  async rsaKey(): Promise<StoredRsaKey | undefined> {
    const row = this.#read("rsa_key", "id = 1");
    if (row === undefined) return undefined;
    return {
      pkcs8: this.#bytes(row["pkcs8"]),
      notAfter: this.#number(row["not_after"]) as WallMs,
    };
  }

  async saveRsaKey(key: StoredRsaKey): Promise<void> {
    checkRsaKey(key);
    this.#writeSecret("rsa_key", [1, key.pkcs8, key.notAfter]);
  }

  async relayPin(address: string): Promise<Uint8Array | undefined> {
    const row = this.#read("relay_pin", "address = ?", address);
    return row === undefined ? undefined : this.#bytes(row["fingerprint"]);
  }

  async relayPins(): Promise<readonly RelayPin[]> {
    const rows = this.#run(() =>
      this.#database.prepare("SELECT * FROM relay_pin ORDER BY address").all(),
    );
    return rows.map((row) => ({
      address: this.#text(row["address"]),
      fingerprint: this.#bytes(row["fingerprint"]),
    }));
  }

  async pinRelay(address: string, fingerprint: Uint8Array): Promise<void> {
    checkPin(fingerprint);
    this.#run(() => write(this.#database, "relay_pin", [address, fingerprint]));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#run(() => this.#database.close());
    this.#closed = true;
  }

  #pairKey(at: PairKeyId): PairKey | undefined {
    const row = this.#pair(at);
    if (row === undefined || row["key"] === null) return undefined;
    return { counter: this.#number(row["counter"]), key: this.#bytes(row["key"]) };
  }

  #pair(at: PairKeyId): Row | undefined {
    checkPairKeyId(at);
    return this.#read("pair", "role = ? AND relay = ? AND peer = ?", at.role, at.relay, at.peer);
  }

  #read(table: Table, where: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#run(() =>
      this.#database.prepare(`SELECT * FROM ${table} WHERE ${where}`).get(...values),
    );
  }

  /**
   * The journal still holds the row that was replaced: it is emptied before the promise resolves.
   */
  #writeSecret(table: Table, values: readonly SQLInputValue[]): void {
    this.#run(() => {
      write(this.#database, table, values);
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  }

  /**
   * All rows, once at open, under the lock: a bit that flipped in a row's key would later only look
   * like a row that is not there.
   */
  #checkAll(): void {
    for (const table of ["identity", "pair", "rsa_key", "relay_pin"] as const)
      for (const row of this.#database.prepare(`SELECT * FROM ${table}`).iterate())
        this.#check(table, row);
  }

  #check(table: Table, row: Row): void {
    const values = COLUMNS[table].map((column) => row[column] ?? null);
    if (!equalBytes(this.#bytes(row["digest"]), rowDigest(table, values)))
      throw damaged(this.#path);
  }

  #run<T>(action: () => T): T {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the store is closed");
    try {
      return action();
    } catch (error) {
      throw stateError(error, this.#path);
    }
  }

  #bytes(value: SQLOutputValue | undefined): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw damaged(this.#path);
  }

  #text(value: SQLOutputValue | undefined): string {
    if (typeof value === "string") return value;
    throw damaged(this.#path);
  }

  #number(value: SQLOutputValue | undefined): number {
    if (typeof value === "number") return value;
    throw damaged(this.#path);
  }
}

function write(database: DatabaseSync, table: Table, values: readonly SQLInputValue[]): void {
  const columns = [...COLUMNS[table], "digest"];
  const marks = columns.map(() => "?").join(", ");
  database
    .prepare(`INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) VALUES (${marks})`)
    .run(...values, rowDigest(table, values));
}

/** SHA-256 over the table's name and the values with their types and lengths. */
function rowDigest(table: Table, values: readonly SQLInputValue[]): Uint8Array {
  const writer = new ByteWriter().text(table);
  for (const value of values) {
    if (value === null) writer.u8(0);
    else if (typeof value === "string") writer.u8(1).text(value);
    else if (typeof value === "number") writer.u8(2).u64(value);
    else if (value instanceof Uint8Array) writer.u8(3).lv(value);
    else throw new TypeError("a value of another type");
  }
  return hash("sha256", writer.bytes(), "buffer");
}
