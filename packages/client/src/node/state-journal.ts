/**
 * The write-ahead log beside an open state file (`state.db-wal`): when a change is durable, and how
 * what it replaced leaves the disk.
 *
 * A change costs one sync of a file that mostly keeps its size; one that may be lost waits for the
 * next, and costs none. Old pages are erased soon after:
 *
 * ```text
 *   change      frames behind the last one | sync
 *   erasure     log into the state, both synced     the state has everything
 *               zeros over the log's header | sync  no frame of it counts any more
 *               zeros over its frames | sync
 * ```
 *
 * Invariants: what a change replaced is gone `ERASED_AFTER_IDLE_MS` after the last change, at the
 * latest `ERASED_AFTER_MS` after that one, before {@link StateJournal.close} returns, and by the
 * next opening after a crash. A frame is overwritten only when the header is gone from the disk: a
 * log of which only the first part were left would be played over a newer state.
 *
 * @module
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { PosternError } from "@postern/core/errors";
import { STATE_BYTES_MAX } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import type { Clock } from "../records/clock.ts";
import { nothingWritten } from "./fs-error.ts";
import { monotonicMs } from "./monotonic.ts";
import { PAGE_BYTES, STATE_VERSION } from "./state-schema.ts";

export const ERASED_AFTER_IDLE_MS = 200;
export const ERASED_AFTER_MS = 1_000;

/** A longer log begins anew with the next change: after some hundred. */
const JOURNAL_BYTES_MAX = 4 * 1_048_576;
/** Of a log that this program has not written: a longer one was never needed. */
const OVERWRITTEN_BYTES_MAX = 2 * STATE_BYTES_MAX;
const HEADER_BYTES = 32;
const FRAME_BYTES = 24 + PAGE_BYTES;
const ZEROS = new Uint8Array(262_144);

/** A process does not stay for an erasure: it closes its state, or the next one erases. */
export const erasureClock: Clock = {
  now: () => monotonicMs() as InstantMs,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** States of this process: its lock of one would end with any other handle of the file. */
const open = new Set<string>();

/** @param path of the state */
export function isOpenHere(path: string): boolean {
  return open.has(resolve(path));
}

/** Changes that wait in memory: each may be lost, and nothing that was said rests on it. */
export interface WaitingChanges {
  /** Within a transaction, which may fail yet. */
  write(): void;
  /** It did not. */
  written(): void;
}

export class StateJournal {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #file: number;
  readonly #clock: Clock;
  /** There may be frames that count. */
  #isBegun = true;
  /** There may be others, anywhere in the log. */
  #isUncertain = true;
  /** The last zeros may not be on the disk: the next sync brings them there. */
  #isUnsynced = false;
  /** When the first change was made whose past is not erased. */
  #owedSince: InstantMs | undefined;
  #changedAt: InstantMs;
  #waiting: WaitingChanges | undefined;
  #cancel: (() => void) | undefined;

  /** Owns `database`, which has been read from, so that its log exists. */
  constructor(database: DatabaseSync, path: string, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#path = resolve(path);
    this.#changedAt = clock.now();
    // Only the state itself is locked: closing this handle frees no lock of SQLite's.
    this.#file = openSync(`${path}-wal`, "r+");
    if (fstatSync(this.#file).size === 0) this.#isBegun = this.#isUncertain = false;
    open.add(this.#path);
  }

  /**
   * All that `action` does, in one write: durable when this returns, but for a lazy one, which is
   * with the next that is not, and when it is erased.
   */
  change(action: () => void, isLazy = false): void {
    if (this.#isOverdue()) this.erase();
    else if (fstatSync(this.#file).size > JOURNAL_BYTES_MAX) this.#restart();
    try {
      this.#write(action, isLazy);
    } finally {
      this.#owe();
    }
  }

  /** `changes` are made with the next one, in its write, or before the past of now is erased. */
  later(changes: WaitingChanges): void {
    this.#waiting = changes;
    this.#owe();
  }

  /** Makes the changes that wait. */
  settle(): void {
    if (this.#waiting !== undefined) this.#write(() => {}, true);
  }

  /** Brings every change into the state, and leaves nothing of what was there before. */
  erase(): void {
    this.settle();
    this.#overwrite();
    fdatasyncSync(this.#file);
    this.#isUnsynced = false;
  }

  /** Erases what is owed; whether or not it can, nothing stays open. */
  close(): void {
    this.#cancel?.();
    try {
      if (this.#owedSince !== undefined) this.erase();
      else if (this.#isUnsynced) fdatasyncSync(this.#file);
    } finally {
      open.delete(this.#path);
      closeSync(this.#file);
      this.#database.close();
    }
  }

  /**
   * A page as it is, unsynced, at the start of the log: else SQLite would sync the new header
   * before the first frame, lest frames count that are under the old one. But that is gone.
   */
  #begin(): void {
    this.#synced("OFF", () => this.#database.exec(`PRAGMA user_version=${STATE_VERSION}`));
    // Frames behind a header of zeros would be lost.
    const header = new Uint8Array(HEADER_BYTES);
    readSync(this.#file, header, 0, HEADER_BYTES, 0);
    if (header[0] === 0) throw new PosternError("store/failed", "the journal did not start anew");
    this.#isBegun = true;
  }

  #synced(level: "OFF" | "NORMAL", action: () => void): void {
    this.#database.exec(`PRAGMA synchronous=${level}`);
    try {
      action();
    } finally {
      this.#database.exec("PRAGMA synchronous=FULL");
    }
  }

  #write(action: () => void, isLazy: boolean): void {
    if (!this.#isBegun) this.#begin();
    if (isLazy) this.#synced("NORMAL", () => this.#transact(action));
    else this.#transact(action);
  }

  #transact(action: () => void): void {
    const waiting = this.#waiting;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      waiting?.write();
      action();
      this.#database.exec("COMMIT");
    } catch (error) {
      // Its pages may have been written all the same.
      this.#isUncertain = true;
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#waiting = undefined;
    waiting?.written();
  }

  /** When no timer has its turn, or it failed. */
  #isOverdue(): boolean {
    const since = this.#owedSince;
    return since !== undefined && this.#clock.now() >= since + ERASED_AFTER_MS;
  }

  #owe(): void {
    this.#changedAt = this.#clock.now();
    this.#owedSince ??= this.#changedAt;
    this.#cancel ??= this.#clock.after(ERASED_AFTER_IDLE_MS, () => this.#eraseInTime());
  }

  #eraseInTime(): void {
    this.#cancel = undefined;
    const since = this.#owedSince;
    if (since === undefined) return;
    const dueAt = Math.min(this.#changedAt + ERASED_AFTER_IDLE_MS, since + ERASED_AFTER_MS);
    const waitMs = dueAt - this.#clock.now();
    if (waitMs > 0) {
      this.#cancel = this.#clock.after(waitMs, () => this.#eraseInTime());
      return;
    }
    try {
      this.settle();
      this.#overwrite();
    } catch {
      // Nobody to tell. The next change tries it first, and fails if this does.
      return;
    }
    fdatasync(this.#file, (error) => {
      if (error === null) this.#isUnsynced = false;
    });
  }

  #overwrite(): void {
    const end = this.#restart();
    this.#writeZeros(HEADER_BYTES, end);
    this.#isUncertain = false;
    this.#isUnsynced = true;
    this.#owedSince = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Brings every change into the state. No frame counts then; they go as far as it returns. */
  #restart(): number {
    const known = HEADER_BYTES + this.#checkpoint() * FRAME_BYTES;
    const { size } = fstatSync(this.#file);
    const end = Math.min(size, this.#isUncertain ? OVERWRITTEN_BYTES_MAX : known);
    // Until they are overwritten: the log begins anew in front of what is left.
    this.#isUncertain = true;
    this.#writeZeros(0, Math.min(end, HEADER_BYTES));
    fdatasyncSync(this.#file);
    this.#isBegun = false;
    if (size <= JOURNAL_BYTES_MAX) return end;
    this.#writeZeros(JOURNAL_BYTES_MAX, end);
    fdatasyncSync(this.#file);
    ftruncateSync(this.#file, JOURNAL_BYTES_MAX);
    return Math.min(end, JOURNAL_BYTES_MAX);
  }

  /** How many frames the log had, all of which are in the state now. */
  #checkpoint(): number {
    const result = this.#database.prepare("PRAGMA wal_checkpoint(RESTART)").get();
    const frames = Number(result?.["log"]);
    if (result?.["busy"] !== 0 || result["checkpointed"] !== frames)
      throw new PosternError("store/failed", "could not write the journal into the state");
    return frames;
  }

  #writeZeros(from: number, to: number): void {
    for (let at = from; at < to;) {
      const count = writeSync(this.#file, ZEROS, 0, Math.min(ZEROS.length, to - at), at);
      if (count === 0) throw nothingWritten();
      at += count;
    }
  }
}
