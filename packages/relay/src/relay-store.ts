/**
 * What a relay keeps: its static key, its RSA key, who owns which name, and key packages. One
 * SQLite file; no message, no session and no list of who spoke with whom is ever written.
 *
 * Invariants: one process holds it; a claim is durable before it is answered; a file that is
 * damaged or of a newer version is refused, never repaired, so that no fingerprint changes unseen.
 *
 * @module
 */
import { makeDirectory } from "@postern/node";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { equalBytes, wipe } from "@postern/core/bytes";
import type { KemKeyPair, Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { relayFingerprint } from "@postern/core/identity";
import { NAMES_MAX, NAMES_PER_IDENTITY_MAX } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import type { KeyPackages } from "./key-packages.ts";
import type { NameClaims, NameOwner } from "./names.ts";
import { PACKAGE_SCHEMA, PackageTable } from "./package-table.ts";
import { storeError } from "./store-error.ts";

export interface StoredRsaKey {
  /** DER. Whoever reads it wipes it. */
  readonly pkcs8: Uint8Array;
  readonly notAfter: WallMs;
}

export interface RelayStore extends NameClaims {
  readonly staticKey: KemKeyPair;
  readonly packages: KeyPackages;
  rsaKey(): StoredRsaKey | undefined;
  saveRsaKey(key: StoredRsaKey): void;
  close(): void;
}

const VERSION = 2;
/** "PstR" in ASCII. */
const APPLICATION_ID = 0x50_73_74_52;
/** For the moment in which two relays start together; one of them gets the store. */
const LOCK_WAIT_MS = 100;

const SCHEMA = `
  CREATE TABLE relay (
    id INTEGER PRIMARY KEY CHECK (id = 1), static_seed BLOB NOT NULL, fingerprint BLOB NOT NULL
  ) STRICT;
  CREATE TABLE rsa_key (
    id INTEGER PRIMARY KEY CHECK (id = 1), pkcs8 BLOB NOT NULL, not_after INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE name (
    name TEXT NOT NULL PRIMARY KEY, identity BLOB NOT NULL, fingerprint BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX name_by_fingerprint ON name (fingerprint);
  ${PACKAGE_SCHEMA}
`;

/**
 * Opens the store in `directory`, which is made if need be; the first time with a new static key.
 *
 * @throws {@link PosternError} `store/in-use`, `store/failed`, `store/no-space`.
 */
export function openRelayStore(directory: string, suite: Suite): RelayStore {
  const path = join(directory, "relay.db");
  let database: DatabaseSync | undefined;
  try {
    makeDirectory(directory, 0o700);
    // Made by us first, because SQLite would make it readable for others; its journal follows it.
    closeSync(openSync(path, "a", 0o600));
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    prepare(database, suite, directory);
    return new SqliteRelayStore(database, suite, directory);
  } catch (error) {
    database?.close();
    throw storeError(error, directory);
  }
}

function prepare(database: DatabaseSync, suite: Suite, directory: string): void {
  // Kept until the store is closed, and taken first, so that of two relays one gets it.
  database.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
  const version = pragma(database, "user_version");
  const tables = number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
  if (version > VERSION) throw newer(directory, version);
  if (tables > 0 && pragma(database, "application_id") !== APPLICATION_ID)
    throw new PosternError("store/failed", "relay.db is of another program", { directory });
  if (tables === 0) create(database, suite);
  // Version 1 had no key packages.
  else if (version < VERSION) database.exec(`${PACKAGE_SCHEMA} PRAGMA user_version=${VERSION}`);
  database.exec("COMMIT");
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON");
  const [check] = database.prepare("PRAGMA quick_check(1)").all();
  if (check?.["quick_check"] !== "ok") throw damaged(directory);
}

function create(database: DatabaseSync, suite: Suite): void {
  database.exec(SCHEMA);
  database.exec(`PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${VERSION}`);
  const { seed, publicKey } = suite.generateKem();
  const fingerprint = relayFingerprint(suite, publicKey);
  database.prepare("INSERT INTO relay VALUES (1, ?, ?)").run(seed, fingerprint);
}

class SqliteRelayStore implements RelayStore {
  readonly staticKey: KemKeyPair;
  readonly packages: KeyPackages;
  readonly #database: DatabaseSync;
  readonly #directory: string;
  readonly #owner: StatementSync;
  readonly #claim: StatementSync;
  readonly #count: StatementSync;
  #names: number;

  constructor(database: DatabaseSync, suite: Suite, directory: string) {
    this.#database = database;
    this.#directory = directory;
    this.staticKey = this.#readStaticKey(suite);
    this.packages = new PackageTable(database, (write) => this.#guard(write));
    this.#owner = database.prepare("SELECT identity, fingerprint FROM name WHERE name = ?");
    this.#claim = database.prepare("INSERT INTO name VALUES (?, ?, ?)");
    this.#count = database.prepare("SELECT count(*) AS n FROM name WHERE fingerprint = ?");
    this.#names = number(database.prepare("SELECT count(*) AS n FROM name").get()?.["n"]);
  }

  owner(name: string): NameOwner | undefined {
    const row = this.#owner.get(name);
    if (row === undefined) return undefined;
    return { id: this.#bytes(row["identity"]), fingerprint: this.#bytes(row["fingerprint"]) };
  }

  claim(name: string, { id, fingerprint }: NameOwner): boolean {
    const own = number(this.#count.get(fingerprint)?.["n"]);
    if (this.#names >= NAMES_MAX || own >= NAMES_PER_IDENTITY_MAX) return false;
    this.#guard(() => this.#claim.run(name, id, fingerprint));
    this.#names++;
    return true;
  }

  knows(fingerprint: Uint8Array): boolean {
    return number(this.#count.get(fingerprint)?.["n"]) > 0;
  }

  rsaKey(): StoredRsaKey | undefined {
    const row = this.#database.prepare("SELECT pkcs8, not_after FROM rsa_key").get();
    if (row === undefined) return undefined;
    return { pkcs8: this.#bytes(row["pkcs8"]), notAfter: number(row["not_after"]) as WallMs };
  }

  saveRsaKey({ pkcs8, notAfter }: StoredRsaKey): void {
    this.#guard(() =>
      this.#database
        .prepare("INSERT OR REPLACE INTO rsa_key VALUES (1, ?, ?)")
        .run(pkcs8, Math.floor(notAfter)),
    );
  }

  close(): void {
    wipe(this.staticKey.seed);
    this.#database.close();
  }

  /** A flipped bit in the seed must not become another relay. */
  #readStaticKey(suite: Suite): KemKeyPair {
    const row = this.#database.prepare("SELECT static_seed, fingerprint FROM relay").get();
    const seed = this.#bytes(row?.["static_seed"]);
    const fingerprint = this.#bytes(row?.["fingerprint"]);
    if (seed.length !== 32) throw damaged(this.#directory);
    const pair = suite.kemFromSeed(seed);
    if (!equalBytes(relayFingerprint(suite, pair.publicKey), fingerprint))
      throw damaged(this.#directory);
    return pair;
  }

  #bytes(value: SQLOutputValue | undefined): Uint8Array {
    if (!(value instanceof Uint8Array)) throw damaged(this.#directory);
    return value;
  }

  #guard(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      throw storeError(error, this.#directory);
    }
  }
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function number(value: SQLOutputValue | undefined): number {
  return typeof value === "number" ? value : 0;
}

function damaged(directory: string): PosternError {
  return new PosternError("store/failed", "the relay's store is damaged", { directory });
}

function newer(directory: string, version: number): PosternError {
  return new PosternError("store/failed", "the relay's store is of a newer version", {
    directory,
    version,
  });
}
