/**
 * The SQLite file behind a client's store: how it is made, opened, locked and checked.
 *
 * Invariants: the file appears complete, with its identity, or not at all; one process holds it; it
 * is readable by its owner alone. A file that is damaged, of another program or of a newer version
 * is refused and never repaired, so that no identity changes unnoticed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, lstat, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PosternError } from "@postern/core/errors";
import { STATE_BYTES_MAX } from "@postern/core/limits";
import { errnoOf, storeError } from "./fs-error.ts";
import { publishNew, syncDirectory } from "./publish.ts";

/** "Post" in ASCII. */
const APPLICATION_ID = 0x50_6f_73_74;
const VERSION = 1;
/** For the moment in which two processes start together; one of them gets it. */
const LOCK_WAIT_MS = 100;

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

/**
 * Opens the state at `path` and keeps its lock until it is closed.
 *
 * @throws {@link PosternError} `store/in-use` when another process or handle has it, `store/failed`
 * when it cannot be trusted, `store/no-space`.
 */
export async function openState(path: string): Promise<DatabaseSync> {
  await expectSound(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    lock(database);
    expectVersion(database, path);
    expectIntact(database, path);
    database.exec("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON");
    return database;
  } catch (error) {
    database?.close();
    throw stateError(error, path);
  }
}

/** Makes a new state by `fill`, unless there is one: then nothing happens. */
export async function createState(
  path: string,
  fill: (database: DatabaseSync) => void,
): Promise<void> {
  if ((await statsOf(path)) !== undefined) return;
  // SQLite would play a journal that lost its file into the new one.
  if ((await statsOf(`${path}-wal`)) !== undefined)
    throw new PosternError("store/failed", "the state is missing and its journal is there", {
      path,
    });
  const draft = `${path}.${randomBytes(8).toString("hex")}.new`;
  try {
    await (await open(draft, "wx", 0o600)).close();
    fillDraft(draft, fill);
    await publishNew(draft, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw stateError(error, path);
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/** An error of SQLite as ours. */
export function stateError(error: unknown, path: string): PosternError {
  if (error instanceof PosternError) return error;
  const result = resultOf(error);
  if (result === SQLITE_BUSY || result === SQLITE_LOCKED)
    return new PosternError("store/in-use", "another process has this state", {
      path,
      directory: dirname(path),
    });
  if (result === SQLITE_FULL)
    return new PosternError("store/no-space", "no space for the state", { path }, { cause: error });
  if (result === SQLITE_CORRUPT || result === SQLITE_NOTADB) return damaged(path, error);
  return storeError("cannot use the state", error, { path });
}

export function damaged(path: string, cause?: unknown): PosternError {
  return new PosternError("store/failed", "the state is damaged", { path }, { cause });
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** The primary result code, without its extension. */
function resultOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}

function fillDraft(draft: string, fill: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(draft);
  try {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN");
    database.exec(`PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${VERSION}`);
    database.exec(SCHEMA);
    fill(database);
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

/** Never opens the file: closing any handle of it would free this process's own lock. */
async function expectSound(path: string): Promise<void> {
  const stats = await statsOf(path);
  if (stats === undefined) throw new PosternError("store/failed", "there is no state", { path });
  if (!stats.isFile()) throw new PosternError("store/failed", "the state is no file", { path });
  if (stats.size > STATE_BYTES_MAX)
    throw new PosternError("store/failed", "the state is too large to be one", {
      path,
      bytes: stats.size,
      bytesMax: STATE_BYTES_MAX,
    });
  if ((stats.mode & 0o077) === 0) return;
  try {
    await chmod(path, 0o600);
  } catch (error) {
    throw storeError("cannot make the state private", error, { path });
  }
}

/** A write-ahead log is a property of the file since its draft; nothing is written here. */
function lock(database: DatabaseSync): void {
  // Exclusive before the first read: then the log needs no shared memory, and a second process is
  // refused at its first read.
  database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF");
  database.exec("PRAGMA cell_size_check=ON");
}

function expectVersion(database: DatabaseSync, path: string): void {
  if (pragma(database, "application_id") !== APPLICATION_ID)
    throw new PosternError("store/failed", "the state is not of Postern, or damaged", { path });
  const version = pragma(database, "user_version");
  if (version !== VERSION)
    throw new PosternError("store/failed", "the state is of another version, or damaged", {
      path,
      version: Number(version),
      supported: VERSION,
    });
}

function expectIntact(database: DatabaseSync, path: string): void {
  if (pragma(database, "journal_mode") !== "wal") throw damaged(path);
  if (pragma(database, "integrity_check") !== "ok") throw damaged(path);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw storeError("cannot look at the state", error, { path });
  }
}
