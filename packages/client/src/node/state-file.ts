/**
 * The SQLite file behind a client's store: how it is made, opened, locked and checked.
 *
 * Invariants: the file appears complete, with its identity, or not at all; one process holds it,
 * and no other has more than a copy of a moment (`state-snapshot.ts`); it is readable by its owner
 * alone. A file that is damaged, of another program or of a newer version is refused and never
 * repaired, so that no identity changes unnoticed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, lstat, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  CHANNEL_RECORD_BYTES_MAX,
  CONTACTS_MAX,
  OUTBOX_MAX,
  RELAY_PINS_MAX,
  STATE_BYTES_MAX,
  STORED_PACKAGES_MAX,
  STRANGERS_CHANNELS_MAX,
  UNFINISHED_MAX,
} from "@postern/core/limits";
import type { Clock } from "../records/clock.ts";
import { errnoOf, storeError } from "./fs-error.ts";
import { publishNew, syncDirectory } from "./publish.ts";
import { erasureClock, StateJournal } from "./state-journal.ts";
import {
  createTables,
  hasTables,
  migrateTables,
  PAGE_BYTES,
  STATE_VERSION,
} from "./state-schema.ts";

/** "Post" in ASCII. */
const APPLICATION_ID = 0x50_6f_73_74;
/** For the moment in which two processes start together; one of them gets it. */
const LOCK_WAIT_MS = 100;

/** A row of a channel is the largest; SQLite refuses to allocate more for what a file claims. */
const ROW_BYTES_MAX = CHANNEL_RECORD_BYTES_MAX + 65_536;
/** More rows than this were never written by this program. */
const ROWS_MAX = {
  channel: 2 * CONTACTS_MAX + STRANGERS_CHANNELS_MAX,
  channel_receipt: OUTBOX_MAX * (CONTACTS_MAX + STRANGERS_CHANNELS_MAX),
  key_package: STORED_PACKAGES_MAX,
  contact: CONTACTS_MAX,
  relay_pin: RELAY_PINS_MAX,
  unfinished: 2 * UNFINISHED_MAX,
} as const;

/** An open state; closing the journal closes the database. */
export interface StateFile {
  readonly path: string;
  readonly database: DatabaseSync;
  readonly journal: Pick<StateJournal, "change" | "later" | "settle" | "erase" | "close">;
  /** A copy in memory: nothing can be changed. */
  readonly isCopy: boolean;
}

/**
 * Opens the state at `path` and keeps its lock until it is closed.
 *
 * @throws {@link PosternError} `store/in-use` when another process or handle has it, `store/failed`
 * when it cannot be trusted, `store/no-space`.
 */
export async function openState(path: string, clock: Clock = erasureClock): Promise<StateFile> {
  const hasJournal = ((await statsOf(`${path}-wal`))?.size ?? 0) > 0;
  await expectSound(path, hasJournal);
  let database: DatabaseSync | undefined;
  let journal: StateJournal | undefined;
  try {
    database = new DatabaseSync(path, {
      timeout: LOCK_WAIT_MS,
      limits: { length: ROW_BYTES_MAX },
    });
    lock(database);
    const version = expectVersion(database, path);
    expectIntact(database, path);
    database.exec("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY");
    // The journal erases as well, at moments of its own.
    database.exec("PRAGMA wal_autocheckpoint=0");
    // What could not be opened again is not written either.
    database.exec(`PRAGMA max_page_count=${STATE_BYTES_MAX / PAGE_BYTES}`);
    if (version !== STATE_VERSION) migrate(database, version);
    expectTables(database, path);
    journal = new StateJournal(database, path, clock);
    // A crash may have come between a change and the erasure of what was there before.
    if (hasJournal || version !== STATE_VERSION) journal.erase();
    return { path, database, journal, isCopy: false };
  } catch (error) {
    if (journal === undefined) database?.close();
    else journal.close();
    throw stateError(error, path);
  }
}

/** Opens what a state's file held, `bytes`, wiped here; in memory, and for reading. */
export function openCopy(path: string, bytes: Uint8Array): StateFile {
  const database = new DatabaseSync(":memory:", { limits: { length: ROW_BYTES_MAX } });
  try {
    database.deserialize(bytes);
    database.exec("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON");
    const version = expectVersion(database, path);
    expectWhole(database, path);
    if (version !== STATE_VERSION) migrate(database, version);
    expectTables(database, path);
    database.exec("PRAGMA query_only=ON");
    const refuse = (): never => {
      throw new PosternError("usage/wrong-state", "this state is for reading");
    };
    const close = (): void => database.close();
    const journal = { change: refuse, later: refuse, settle() {}, erase: refuse, close };
    return { path, database, journal, isCopy: true };
  } catch (error) {
    database.close();
    throw stateError(error, path);
  } finally {
    wipe(bytes);
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
    await syncFile(draft);
    await publishNew(draft, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw stateError(error, path);
  } finally {
    // With all that SQLite keeps beside a file: it holds secrets, too.
    for (const end of ["", "-wal", "-journal"]) await unlink(`${draft}${end}`).catch(() => {});
  }
}

/** An error of SQLite as ours. */
export function stateError(error: unknown, path: string): PosternError {
  if (error instanceof PosternError) return error;
  const result = resultOf(error);
  if (result === SQLITE_BUSY || result === SQLITE_LOCKED) return inUse(path);
  if (result === SQLITE_FULL)
    return new PosternError("store/no-space", "no space for the state", { path }, { cause: error });
  if (result === SQLITE_CORRUPT || result === SQLITE_NOTADB || result === SQLITE_TOOBIG)
    return damaged(path, error);
  if (result === SQLITE_IOERR)
    return new PosternError(
      "store/failed",
      "cannot use the state: EIO",
      { path, errno: "EIO" },
      { cause: error },
    );
  return storeError("cannot use the state", error, { path });
}

export function inUse(path: string): PosternError {
  const directory = dirname(path);
  return new PosternError("store/in-use", "another process has this state", { path, directory });
}

export function damaged(path: string, cause?: unknown): PosternError {
  return new PosternError("store/failed", "the state is damaged", { path }, { cause });
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_TOOBIG = 18;
const SQLITE_NOTADB = 26;

/** The primary result code, without its extension. */
function resultOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}

/** Nothing is synced before the whole is: a draft that a crash cuts short is never looked at. */
function fillDraft(draft: string, fill: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(draft);
  try {
    database.exec("PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE");
    database.exec(`PRAGMA page_size=${PAGE_BYTES}; PRAGMA journal_mode=WAL; BEGIN`);
    database.exec(`PRAGMA application_id=${APPLICATION_ID}`);
    createTables(database);
    fill(database);
    database.exec("COMMIT");
    // Closing brings the log into the draft as well, and says nothing when it cannot.
    expectWritten(database);
  } finally {
    database.close();
  }
}

function expectWritten(database: DatabaseSync): void {
  const { busy, log, checkpointed } = database.prepare("PRAGMA wal_checkpoint").get() ?? {};
  if (busy !== 0 || log !== checkpointed)
    throw new PosternError("store/failed", "the new state is not whole", {});
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Never opens the file: closing any handle of it would free this process's own lock. */
async function expectSound(path: string, hasJournal: boolean): Promise<void> {
  const stats = await statsOf(path);
  if (stats === undefined) throw new PosternError("store/failed", "there is no state", { path });
  if (!stats.isFile()) throw new PosternError("store/failed", "the state is no file", { path });
  if (stats.size > STATE_BYTES_MAX)
    throw new PosternError("store/failed", "the state is too large to be one", {
      path,
      bytes: stats.size,
      bytesMax: STATE_BYTES_MAX,
    });
  // A page that is cut short is mended from the journal, if there is one; else SQLite would take
  // what is missing for zeros.
  if (!hasJournal && stats.size % PAGE_BYTES !== 0) throw damaged(path);
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

/** The version the file has, which this program knows. */
function expectVersion(database: DatabaseSync, path: string): number {
  if (pragma(database, "application_id") !== APPLICATION_ID)
    throw new PosternError("store/failed", "the state is not of Postern, or damaged", { path });
  const version = Number(pragma(database, "user_version"));
  if (version >= 1 && version <= STATE_VERSION) return version;
  throw new PosternError("store/failed", "the state is of another version, or damaged", {
    path,
    version,
    supported: STATE_VERSION,
  });
}

/** Whole or not at all; the rows stay as they are. */
function migrate(database: DatabaseSync, version: number): void {
  database.exec("BEGIN IMMEDIATE");
  migrateTables(database, version);
  database.exec("COMMIT");
}

/** Before anything else is read: nothing is allocated for what a damaged file claims to hold. */
function expectTables(database: DatabaseSync, path: string): void {
  if (!hasTables(database)) throw damaged(path);
  for (const [table, rowsMax] of Object.entries(ROWS_MAX)) {
    const row = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get();
    if (Number(row?.["rows"]) > rowsMax) throw damaged(path);
  }
}

function expectIntact(database: DatabaseSync, path: string): void {
  if (pragma(database, "journal_mode") !== "wal") throw damaged(path);
  expectWhole(database, path);
}

function expectWhole(database: DatabaseSync, path: string): void {
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
