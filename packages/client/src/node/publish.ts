/**
 * The moment a finished file or directory gets its name. Never overwrites, whatever is there: file,
 * directory, symlink or device.
 *
 * @module
 */
import { constants, lstatSync } from "node:fs";
import { link, open, rename, unlink } from "node:fs/promises";
import { errnoOf } from "./fs-error.ts";

/** File systems without hard links: FAT, exFAT, some network and user-space ones. */
const NO_LINKS: ReadonlySet<string> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

/**
 * Names the file `from` `to`, in the same directory; false when `to` exists. Follow with
 * {@link syncDirectory} to make it durable.
 *
 * @param linkFile is `link` but in tests.
 */
export async function publishNew(from: string, to: string, linkFile = link): Promise<boolean> {
  try {
    await linkFile(from, to);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    if (!NO_LINKS.has(errnoOf(error))) throw error;
    return claimAndRename(from, to);
  }
  // The content has its name; a second one that cannot be removed does no harm.
  await unlink(from).catch(() => {});
  return true;
}

/** The name is taken first, by an empty file of ours; only that is replaced. */
async function claimAndRename(from: string, to: string): Promise<boolean> {
  try {
    const claim = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await claim.close();
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    await rename(from, to);
  } catch (error) {
    await unlink(to).catch(() => {});
    throw error;
  }
  return true;
}

/** A directory is never renamed over one with something in it, nor over anything else. */
const TAKEN: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "ENOTDIR", "EISDIR", "EPERM"]);

/**
 * Names the directory `from` `to`, on the same file system; false when `to` exists. Only an empty
 * directory that has come there since the caller looked is replaced.
 */
export async function renameNew(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (TAKEN.has(errnoOf(error)) && lstatSync(to, { throwIfNoEntry: false })) return false;
    throw error;
  }
}

/**
 * Systems that cannot open or sync a directory, and directories that may be written but not read.
 */
const NO_DIRECTORY_SYNC: ReadonlySet<string> = new Set([
  "EACCES",
  "EINVAL",
  "EISDIR",
  "ENOTSUP",
  "EPERM",
]);

/** Makes the names of a directory durable, where the system can. */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(errnoOf(error))) throw error;
  }
}
