/**
 * Removes what a peer's folder has become on this disk, however long the paths in it are: names
 * that are stored escaped are up to three times as long, and no call takes a path of that length.
 *
 * @module
 */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { realpath, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errnoOf } from "./fs-error.ts";
import { OpenDirectory } from "./open-directory.ts";
import { Slices } from "./slices.ts";

/** Nothing there is no fault. A link is removed, and not what it leads to. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== "ENAMETOOLONG") throw error;
    await removeDeep(path);
  }
}

/** Name by name, each in a directory that is held open. */
async function removeDeep(path: string): Promise<void> {
  const above = new OpenDirectory(await realpath(dirname(path)));
  try {
    await removeEntry(above, basename(path), new Slices());
  } finally {
    above.close();
  }
}

async function removeEntry(above: OpenDirectory, name: string, slices: Slices): Promise<void> {
  if (slices.isOver) await slices.pause();
  const stats = lstatSync(above.at(name), { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) return unlinkSync(above.at(name));
  const directory = above.directory(name);
  try {
    for (const each of readdirSync(directory.path)) await removeEntry(directory, each, slices);
  } finally {
    directory.close();
  }
  rmdirSync(above.at(name));
}
