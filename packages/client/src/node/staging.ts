/**
 * The folder `.NAME.TAG.part` in which a directory is built, beside the place where it will be: its
 * manifest in `list`, its entries below `tree`. Nobody but its user may enter it.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { constants, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { open, realpath, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { PartNote } from "../api.ts";
import type { DirectoryNode } from "./open-directory.ts";
import { isOwnUser } from "./own-user.ts";
import { removeTree } from "./remove-tree.ts";

export interface Staging {
  /** Absolute and resolved: where the folder is, and its entries will be. */
  readonly directory: string;
  /** Its own name there. */
  readonly part: string;
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** A new one of this name in a directory that is resolved. @throws an error of the system */
export function createStaging(directory: string, part: string): Staging {
  const path = join(directory, part);
  mkdirSync(path, 0o700);
  const { dev: device, ino: inode } = lstatSync(path);
  return { directory, part, path, device, inode };
}

/** A folder of another name is nobody's to remove. */
const PART = /^\..+\.part$/u;

/** The one that an earlier transfer left and noted; `undefined` when it is not there any more. */
export async function findStaging(note: PartNote): Promise<Staging | undefined> {
  // Else the note, or the way to its directory, leads elsewhere by now.
  if (!PART.test(note.part) || basename(note.part) !== note.part) return undefined;
  if (basename(note.name) !== note.name) return undefined;
  const directory = await realpath(note.directory).catch(() => undefined);
  if (directory === undefined || directory !== note.directory) return undefined;
  const path = join(directory, note.part);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true || !isOwnUser(stats.uid)) return undefined;
  return { directory, part: note.part, path, device: stats.dev, inode: stats.ino };
}

/** Its manifest, if it has one of so many bytes, and its place for entries. */
export function storedList(staging: Staging, bytes: number): Uint8Array | undefined {
  try {
    const path = join(staging.path, LIST);
    const stats = lstatSync(path);
    const isWhole = stats.isFile() && stats.size === bytes;
    const hasTree = lstatSync(join(staging.path, TREE)).isDirectory();
    return isWhole && hasTree ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the manifest, whole or not at all, and makes the place for its entries. */
export async function startTree(staging: Staging, list: Uint8Array): Promise<void> {
  const path = join(staging.path, LIST);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const handle = await open(`${path}.part`, flags, 0o600);
  try {
    await handle.writeFile(list);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.part`, path);
  mkdirSync(join(staging.path, TREE), 0o700);
}

export function treeOf(staging: Staging): DirectoryNode {
  return { parent: undefined, name: join(staging.path, TREE), depth: 0 };
}

/** The path of an entry at the top of the tree. */
export function inTree(staging: Staging, name: string): string {
  return join(staging.path, TREE, name);
}

/** A part of that name that nothing has and nothing gets. */
export function noPart(): string {
  return `.${randomUUID()}.part`;
}

/** Removes it with all that is in it, and nothing that was put into its place. */
export async function removeStaging(staging: Staging): Promise<void> {
  const stats = lstatSync(staging.path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.ino !== staging.inode || stats.dev !== staging.device) return;
  await removeTree(staging.path);
}

const LIST = "list";
const TREE = "tree";
