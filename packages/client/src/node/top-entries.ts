/**
 * The entries at the top of a whole directory as they get their names, one after the other, none
 * over anything that is there. The names are noted before the first one appears: whoever finds the
 * tree after a kill can tell what has left it, and where that is.
 *
 * @module
 */
import { lstatSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { PosternError } from "@postern/core/errors";
import { PART_NAMES_MAX, STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import type { Manifest } from "@postern/core/transfer";
import { numberedName } from "../safe-name.ts";
import { exists } from "./part-file.ts";
import { publishNew, renameNew, syncDirectory } from "./publish.ts";
import { topsOf } from "./received-list.ts";
import { inTree, noPart, type Staging, treeOf } from "./staging.ts";
import { StoredTree } from "./stored-tree.ts";

export interface TopEntry {
  /** In the tree. */
  readonly name: string;
  readonly kind: "file" | "directory";
  /** It has left the tree before. */
  readonly isOut?: boolean;
  /** Then: what it is called; `undefined` when there were too many to note. */
  readonly as?: string | undefined;
}

export function topEntries(staging: Staging, manifest: Manifest): readonly TopEntry[] {
  const tree = new StoredTree(treeOf(staging));
  return topsOf(manifest).map((entry) => {
    const kind = entry.kind === "directory" ? "directory" : "file";
    return { name: tree.place(entry).name, kind };
  });
}

/**
 * What a kill between two names has left of them; `names` is what was noted. `undefined`: this tree
 * is another's, or what has left it is not there any more.
 */
export async function foundEntries(
  staging: Staging,
  entries: readonly TopEntry[],
  names: readonly string[],
): Promise<readonly TopEntry[] | undefined> {
  const found: TopEntry[] = [];
  for (const [at, entry] of entries.entries()) {
    const as = names[at];
    const isOut = !isLeft(staging, entry, as);
    if (isOut && as !== undefined && !(await exists(join(staging.directory, as)))) return undefined;
    found.push(isOut ? { ...entry, isOut, as } : entry);
  }
  return found;
}

/** Whether names that were noted can be those of entries in a directory. */
export function areNames(names: readonly string[]): boolean {
  return names.every((name) => basename(name) === name && !["", ".", ".."].includes(name));
}

/** It is in the tree, and nowhere else. */
function isLeft(staging: Staging, { name, kind }: TopEntry, as: string | undefined): boolean {
  const from = inTree(staging, name);
  const stats = lstatSync(from, { throwIfNoEntry: false });
  if (stats === undefined || kind === "directory" || as === undefined) return stats !== undefined;
  const named = lstatSync(join(staging.directory, as), { throwIfNoEntry: false });
  if (named?.ino !== stats.ino || named.dev !== stats.dev) return true;
  // The program ended between its new name and the end of the old one.
  unlinkSync(from);
  return false;
}

/**
 * Gives what is left in the tree its names in the staging's directory: each its own, or the first
 * of `name (1)` and so on that is free. Returns the names of all, as far as they are known; they
 * are on the disk then.
 *
 * @param note is told the names before each is given, and at the end that there is no part.
 */
export async function publishEntries(
  staging: Staging,
  entries: readonly TopEntry[],
  note: (known: { readonly names: readonly string[]; readonly part: string }) => Promise<void>,
): Promise<readonly string[]> {
  const { directory } = staging;
  const names: string[] = [];
  // Without it a crash right now costs a second copy, not this one.
  const noteNames = async (part = staging.part): Promise<void> =>
    await note({ names: names.slice(0, PART_NAMES_MAX), part }).catch(() => {});
  for (const { name, isOut, as = name } of entries.slice(0, PART_NAMES_MAX))
    names.push(isOut === true ? as : await freeName(directory, name));
  await noteNames();
  for (const [at, entry] of entries.entries()) {
    if (entry.isOut === true) continue;
    const name = await publishEntry(staging, entry, async (candidate) => {
      if (at >= PART_NAMES_MAX || names[at] === candidate) return;
      names[at] = candidate;
      await noteNames();
    });
    if (at >= PART_NAMES_MAX) names.push(name);
  }
  await syncDirectory(directory);
  await noteNames(noPart());
  return names;
}

async function publishEntry(
  staging: Staging,
  { name, kind }: TopEntry,
  before: (name: string) => Promise<void>,
): Promise<string> {
  const from = inTree(staging, name);
  for (let n = 0; ; n++) {
    const candidate = await freeName(staging.directory, name, n);
    const to = join(staging.directory, candidate);
    await before(candidate);
    if (kind === "file" ? await publishNew(from, to) : await renameNew(from, to)) return candidate;
  }
}

/** The first of `name`, `name (1)` and so on, from the `n`th on, that nothing has. */
async function freeName(directory: string, name: string, from = 0): Promise<string> {
  for (let n = from; n < STORED_NAME_TRIES_MAX; n++) {
    const candidate = n === 0 ? name : numberedName(name, n);
    if (!(await exists(join(directory, candidate)))) return candidate;
  }
  throw new PosternError("store/target-exists", "an entry of that name exists");
}
