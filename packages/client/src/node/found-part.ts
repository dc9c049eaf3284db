/**
 * What an earlier transfer left, looked for by its note. Anything may have happened to it since:
 * only what this program can have left is taken, and everything else is left alone.
 *
 * @module
 */
import { constants, type BigIntStats } from "node:fs";
import { lstat, open, realpath, unlink, type FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { nativeSuite } from "@postern/node";
import type { PartNote } from "../api.ts";
import { isOwnUser } from "./own-user.ts";
import { isSame, type PartFile } from "./part-file.ts";

export type FoundPart =
  /** `bytes` of it can be trusted; there are no more in it. */
  | { readonly kind: "part"; readonly at: PartFile; readonly bytes: number }
  /** It was whole, and got its name before the program ended. */
  | { readonly kind: "whole"; readonly path: string; readonly handle: FileHandle };

/** `total`: bytes of the content, if that is known. */
export async function findPart(
  note: PartNote,
  boot: string,
  total: number | undefined,
): Promise<FoundPart | undefined> {
  // Else the note, or the way to its directory, leads elsewhere by now.
  if (basename(note.part) !== note.part || basename(note.name) !== note.name) return undefined;
  const real = await realpath(note.directory).catch(() => undefined);
  if (real !== note.directory) return undefined;
  const path = join(real, note.part);
  const handle = await openOwn(path, constants.O_RDWR);
  // What came of it may have been given its name by its person.
  if (handle === undefined)
    return note.bytes === (total ?? note.bytes) ? findWhole(note) : undefined;
  try {
    const { nlink, size } = await handle.stat();
    if (nlink > 1) return await findTwin(note, handle);
    const bytes = note.boot === boot ? size : Math.min(size, note.bytes);
    if (bytes < size) await handle.truncate(bytes);
    return { kind: "part", at: { directory: real, part: note.part, handle }, bytes };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** SHA-256 over the first `bytes` of a file. */
export async function hashStart(handle: FileHandle, bytes: number): Promise<Sha256Stream> {
  const hashed = nativeSuite.sha256Stream();
  const buffer = new Uint8Array(Math.min(READ_BYTES, bytes));
  for (let done = 0; done < bytes;) {
    const wanted = Math.min(buffer.length, bytes - done);
    const { bytesRead } = await handle.read(buffer, 0, wanted, done);
    if (bytesRead === 0) throw new PosternError("store/failed", "the unfinished file shrank");
    hashed.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hashed;
}

const READ_BYTES = 1_048_576;

/** The part is gone: renamed, or its second name taken away. Its length was noted before that. */
async function findWhole(note: PartNote): Promise<FoundPart | undefined> {
  if (note.bytes === 0) return undefined;
  const path = join(note.directory, note.name);
  const handle = await openOwn(path, constants.O_RDONLY);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).size === note.bytes) return { kind: "whole", path, handle };
  await handle.close();
  return undefined;
}

/** The program ended between the file's new name and the end of the old one. */
async function findTwin(note: PartNote, handle: FileHandle): Promise<FoundPart | undefined> {
  const path = join(note.directory, note.name);
  if (!(await isSame(handle, path))) {
    await handle.close();
    return undefined;
  }
  await unlink(join(note.directory, note.part)).catch(() => {});
  return { kind: "whole", path, handle };
}

/** Opens a file of this user, and nothing else. */
async function openOwn(path: string, access: number): Promise<FileHandle | undefined> {
  // Before the open: opening a device can already do something.
  const named = await lstat(path, { bigint: true }).catch(() => undefined);
  if (named === undefined || !isOwn(named)) return undefined;
  const flags = access | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(path, flags).catch(() => undefined);
  if (handle === undefined || isOwn(await handle.stat({ bigint: true }))) return handle;
  await handle.close();
  return undefined;
}

function isOwn(stats: BigIntStats): boolean {
  return stats.isFile() && isOwnUser(stats.uid);
}
