/**
 * A state as it is at this moment, in memory: for reading lists beside the process that has it.
 *
 * Invariants: nothing on the disk is written, locked or waited for, and no copy of a secret gets
 * there. What is read is one moment's: both files twice the same, one after the other in turns. A
 * change may then be half in the state, but is whole in the log; a log is emptied only when all of
 * it is in the state (`state-journal.ts`).
 *
 * @module
 */
import { lstat, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { STATE_BYTES_MAX } from "@postern/core/limits";
import { errnoOf, storeError } from "./fs-error.ts";
import { damaged, inUse, openCopy, type StateFile } from "./state-file.ts";
import { isOpenHere } from "./state-journal.ts";
import { PAGE_BYTES } from "./state-schema.ts";
import { withLog } from "./write-ahead-log.ts";

/** A change takes some milliseconds. */
const TRIES = 40;
const TRY_AGAIN_MS = 25;
/** Where SQLite's header says how a file is read and written (1 rollback journal, 2 log). */
const FORMATS = [18, 19] as const;

/**
 * A copy that cannot be changed.
 *
 * @throws {@link PosternError} `store/in-use` when it changes all the time, or when this process
 * has it: reading the file would free its own lock; `store/failed` when it cannot be trusted
 */
export async function snapshotState(path: string): Promise<StateFile> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (isOpenHere(path)) break;
    const moment = await momentOf(path);
    if (moment !== undefined) return openCopy(path, moment);
    await pause(TRY_AGAIN_MS);
  }
  throw inUse(path);
}

/** `undefined`: it has changed meanwhile. */
async function momentOf(path: string): Promise<Uint8Array | undefined> {
  const log = await bytesOf(`${path}-wal`);
  const state = await bytesOf(path);
  const logAgain = await bytesOf(`${path}-wal`);
  const stateAgain = await bytesOf(path);
  try {
    if (state.length === 0) throw new PosternError("store/failed", "there is no state", { path });
    if (!log.equals(logAgain) || !state.equals(stateAgain)) return undefined;
    const moment = withLog(state, log);
    const isSound = moment.length % PAGE_BYTES === 0 && FORMATS.every((at) => moment[at] === 2);
    if (!isSound) throw damaged(path);
    // In memory there is no log.
    for (const at of FORMATS) moment[at] = 1;
    return moment;
  } finally {
    wipe(log, state, logAgain, stateAgain);
  }
}

/** Nothing when there is no file. */
async function bytesOf(path: string): Promise<Buffer> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > STATE_BYTES_MAX) throw damaged(path);
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return Buffer.alloc(0);
    throw storeError("cannot read the state", error, { path });
  }
}
