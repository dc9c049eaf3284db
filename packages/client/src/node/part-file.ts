/**
 * The unfinished file `.NAME.TAG.part` in the directory where it will get its name, and the steps
 * that every file sink takes with it (docs/protocol.md 9).
 *
 * Invariants: a part is always a file that this program made; what stands under a final name is
 * complete and durable, and has replaced nothing.
 *
 * @module
 */
import { constants, writeSync } from "node:fs";
import { lstat, open, realpath, stat, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import { STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import { numberedName } from "../safe-name.ts";
import { nothingWritten, storeError } from "./fs-error.ts";
import type { PromptCalls } from "./prompt-calls.ts";
import { publishNew, syncDirectory } from "./publish.ts";

export interface PartFile {
  /** Absolute and resolved. */
  readonly directory: string;
  /** Its name there. */
  readonly part: string;
  readonly handle: FileHandle;
}

/** Resolved once: a link in the path that changes later leads nowhere else. */
export async function resolveDirectory(directory: string): Promise<string> {
  const real = await realpath(directory);
  if (!(await stat(real)).isDirectory())
    throw new PosternError("store/failed", "not a directory", { directory, errno: "ENOTDIR" });
  return real;
}

/** A new, empty part of this name. @throws an error of the system: `EEXIST`, also for a link. */
export async function createPart(directory: string, part: string): Promise<PartFile> {
  const flags =
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  return { directory, part, handle: await open(join(directory, part), flags, 0o600) };
}

/** True when all of it is written, and at once; else {@link writeAt} writes all of it. */
export function writeAtNow(
  { fd }: FileHandle,
  bytes: Uint8Array,
  offset: number,
  calls: PromptCalls,
): boolean {
  if (!calls.next()) return false;
  try {
    return calls.make(() => writeSync(fd, bytes, 0, bytes.length, offset)) === bytes.length;
  } catch (error) {
    throw storeError("cannot write the file", error);
  }
}

export async function writeAt(
  handle: FileHandle,
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      const { bytesWritten } = await handle.write(bytes, done, left, offset + done);
      if (bytesWritten === 0) throw nothingWritten();
      done += bytesWritten;
    }
  } catch (error) {
    throw storeError("cannot write the file", error);
  }
}

/** The whole content with its final mode, still under the unfinished name. To be synced. */
export async function finishPart(at: PartFile, total: number): Promise<void> {
  const { size } = await at.handle.stat();
  if (size !== total)
    throw new PosternError("store/failed", "the file has another length", { size, total });
  // The name alone will decide what is published.
  if (!(await isSame(at.handle, join(at.directory, at.part))))
    throw new PosternError("store/failed", "the unfinished file was replaced");
  await at.handle.chmod(0o666 & ~process.umask());
}

/**
 * Gives a finished part `name`, or with `renumber` the first of `name (1)` and so on that is free.
 * Returns that name once it is durable.
 *
 * @param before is told each name before it is tried.
 * @throws {@link PosternError} `store/target-exists`
 */
export async function publishPart(
  at: PartFile,
  name: string,
  renumber: boolean,
  before?: (name: string) => Promise<void>,
): Promise<string> {
  const tries = renumber ? STORED_NAME_TRIES_MAX : 1;
  for (let n = 0; n < tries; n++) {
    const candidate = n === 0 ? name : numberedName(name, n);
    const target = join(at.directory, candidate);
    if (await exists(target)) continue;
    await before?.(candidate);
    if (!(await publishNew(join(at.directory, at.part), target))) continue;
    await syncDirectory(at.directory);
    return candidate;
  }
  throw targetExists();
}

/** Closes it and takes it away; what has taken its name meanwhile stays. */
export async function removePart({ directory, part, handle }: PartFile): Promise<void> {
  const path = join(directory, part);
  const ours = await isSame(handle, path);
  await handle.close();
  if (ours) await unlink(path);
}

/** What stands at `path` is the open file itself, and no link to it. */
export async function isSame(handle: FileHandle, path: string): Promise<boolean> {
  const ours = await handle.stat({ bigint: true });
  const named = await lstat(path, { bigint: true }).catch(() => undefined);
  return named?.ino === ours.ino && named.dev === ours.dev;
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

export function targetExists(): PosternError {
  return new PosternError("store/target-exists", "a file of that name exists");
}
