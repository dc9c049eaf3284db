/**
 * A state as it is at this moment, in memory: for reading lists beside the process that has it.
 *
 * Invariants: nothing on the disk is written, locked or waited for, and no copy of a secret gets
 * there. A state is read only while its log is empty: then all is in the state, and nobody writes
 * to it (`state-journal.ts`), which is asked again behind the reading.
 *
 * @module
 */
import { lstat, open, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { wipe } from "@postern/core/bytes";
import { STATE_BYTES_MAX } from "@postern/core/limits";
import { errnoOf, storeError } from "./fs-error.ts";
import { damaged, inUse, openCopy, type StateFile } from "./state-file.ts";
import { isOpenHere } from "./state-journal.ts";
import { PAGE_BYTES } from "./state-schema.ts";

/** A process that never rests empties its log every `ERASED_AFTER_MS` too, but not for long. */
const TRIES = 600;
const TRY_AGAIN_MS = 5;
/** Of the log; zeros, or none: no frame counts. */
const HEADER_BYTES = 32;
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

/** `undefined`: there was a change meanwhile, or one is not in the state yet. */
async function momentOf(path: string): Promise<Uint8Array | undefined> {
  if (!(await isLogEmpty(path))) return undefined;
  const state = await bytesOf(path);
  const again = await bytesOf(path);
  try {
    if (!(await isLogEmpty(path)) || !state.equals(again)) return undefined;
    const isSound = state.length % PAGE_BYTES === 0 && FORMATS.every((at) => state[at] === 2);
    if (!isSound) throw damaged(path);
    // In memory there is no log.
    for (const at of FORMATS) state[at] = 1;
    return new Uint8Array(state);
  } finally {
    wipe(state, again);
  }
}

async function isLogEmpty(path: string): Promise<boolean> {
  const header = new Uint8Array(HEADER_BYTES);
  try {
    await using log = await open(`${path}-wal`);
    await log.read(header, 0, HEADER_BYTES, 0);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw storeError("cannot read the state", error, { path });
  }
  return header.every((byte) => byte === 0);
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > STATE_BYTES_MAX) throw damaged(path);
    return await readFile(path);
  } catch (error) {
    throw storeError("cannot read the state", error, { path });
  }
}
