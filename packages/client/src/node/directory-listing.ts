/**
 * What is in folders that are to be sent: a manifest, and where each of its files is. No link below
 * the caller's own paths is followed; what cannot be sent is left out and named.
 *
 * Invariant: the same folders give the same list: that is how a broken transfer goes on.
 *
 * @module
 */
import { accessSync, constants, lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import {
  MANIFEST_DEPTH_MAX,
  MANIFEST_ENTRIES_MAX,
  MANIFEST_PATH_BYTES_MAX,
  MODIFIED_MS_MAX,
} from "@postern/core/limits";
import { foldName, linkLeavesTop, type ManifestEntry, nameFault } from "@postern/core/transfer";
import type { LinkListing } from "../api.ts";
import { numberedName } from "../safe-name.ts";
import { errnoOf, sourceError } from "./fs-error.ts";
import { type DirectoryNode, OpenChain, type OpenDirectory } from "./open-directory.ts";
import { sendableName } from "./sendable-name.ts";
import { Slices } from "./slices.ts";

export interface Listing {
  readonly entries: readonly ManifestEntry[];
  /** The files among them, in the same order. */
  readonly files: readonly ListedFile[];
  readonly skipped: readonly SkippedEntry[];
  readonly renamed: readonly RenamedEntry[];
}

/** A file as it was when the folder was listed. */
export interface ListedFile {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly size: number;
  readonly device: number;
  readonly inode: number;
  readonly mtimeMs: number;
}

export interface SkippedEntry {
  /** As the caller would write it. */
  readonly path: string;
  readonly why: SkipReason;
}

/**
 * `link`: none are kept, or this one leads out of the folder. `name`: it is not Unicode, or has a
 * character that is part of a path on another system. `vanished`: while the folder was listed, or
 * it became something else.
 */
export type SkipReason =
  | "device"
  | "FIFO"
  | "link"
  | "name"
  | "socket"
  | "too deep"
  | "unreadable"
  | "vanished";

/** One of two entries whose names some file system takes for one. */
export interface RenamedEntry {
  readonly path: string;
  /** Its name on the other side. */
  readonly as: string;
}

/**
 * Lists files and folders; `paths` of the caller are followed when they are links.
 *
 * @throws {@link PosternError} `transfer/source-unreadable` when one of `paths` is neither file nor
 * folder or cannot be opened, or when there are too many entries (`details.reason`).
 */
export async function listDirectory(
  paths: readonly string[],
  links: LinkListing,
): Promise<Listing> {
  const lister = new Lister(links);
  try {
    for (const path of paths) await lister.addRoot(path);
    return lister;
  } catch (error) {
    throw sourceError("cannot list the folder", error);
  } finally {
    lister.close();
  }
}

/** A directory whose entries are still to be listed. */
interface Pending {
  readonly node: DirectoryNode;
  /** In the manifest. */
  readonly path: string;
  /** As the caller would write it. */
  readonly shown: string;
}

class Lister implements Listing {
  readonly entries: ManifestEntry[] = [];
  readonly files: ListedFile[] = [];
  readonly skipped: SkippedEntry[] = [];
  readonly renamed: RenamedEntry[] = [];
  readonly #keepLinks: boolean;
  readonly #chain = new OpenChain();
  readonly #slices = new Slices();
  readonly #rootNames = new FreeNames();
  #pending: Pending[] = [];

  constructor(links: LinkListing) {
    this.#keepLinks = links === "keep";
  }

  close(): void {
    this.#chain.close();
  }

  async addRoot(path: string): Promise<void> {
    const real = await realpath(path);
    const stats = await lstat(real);
    const wanted = sendableName(basename(resolve(path)) || "root", path);
    const name = this.#freeName(this.#rootNames, wanted, path);
    const parent: DirectoryNode = { parent: undefined, name: dirname(real), depth: 0 };
    if (stats.isFile()) return this.#addFile(parent, basename(real), name, stats);
    if (!stats.isDirectory()) throw notSendable(stats);
    const node = nodeOf(undefined, real, stats);
    this.#pending = [this.#addDirectory(node, name, path, stats)];
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop())
      await this.#list(next);
  }

  async #list(directory: Pending): Promise<void> {
    const found = this.#open(directory);
    if (found === undefined) return;
    const free = new FreeNames();
    const below: Pending[] = [];
    for (const name of found.names) {
      if (this.#slices.isOver) await this.#slices.pause();
      const next = this.#tryToAdd(directory, found.open, name, free);
      if (next !== undefined) below.push(next);
    }
    // The last one is taken next.
    this.#pending.push(...below.toReversed());
  }

  /** Sorted: so the manifest comes out the same. */
  #open(
    directory: Pending,
  ): { readonly open: OpenDirectory; readonly names: string[] } | undefined {
    try {
      const open = this.#chain.enter(directory.node);
      const names = readdirSync(open.path).toSorted();
      open.expectSame();
      return { open, names };
    } catch (error) {
      // What the caller named is not left out by the way.
      if (directory.node.parent === undefined) throw error;
      return this.#skip(directory.shown, whyOf(error));
    }
  }

  /** An entry of which nothing can be told costs itself, and not the whole folder. */
  #tryToAdd(
    directory: Pending,
    open: OpenDirectory,
    name: string,
    free: FreeNames,
  ): Pending | undefined {
    try {
      return this.#add(directory, open, name, free);
    } catch (error) {
      if (error instanceof PosternError) throw error;
      return this.#skip(join(directory.shown, name), whyOf(error));
    }
  }

  /** A directory is returned: it is listed later. */
  #add(
    directory: Pending,
    open: OpenDirectory,
    name: string,
    free: FreeNames,
  ): Pending | undefined {
    const shown = join(directory.shown, name);
    const stats = lstatSync(open.at(name), { throwIfNoEntry: false });
    if (stats === undefined)
      // What is no UTF-8 was read with a replacement character, under which nothing is found.
      return this.#skip(shown, name.includes("\ufffd") ? "name" : "vanished");
    const why = this.#whyNot(open, name, stats);
    if (why !== undefined) return this.#skip(shown, why);
    const depth = directory.node.depth + 1;
    const target = stats.isSymbolicLink() ? targetOf(open.at(name), depth) : "";
    if (target === undefined) return this.#skip(shown, "link");
    const path = `${directory.path}/${this.#freeName(free, name, shown)}`;
    if (depth >= MANIFEST_DEPTH_MAX || isTooLong(path)) return this.#skip(shown, "too deep");
    if (stats.isSymbolicLink()) return this.#push({ kind: "link", path, target });
    if (stats.isFile()) return this.#addFile(directory.node, name, path, stats);
    return this.#addDirectory(nodeOf(directory.node, name, stats), path, shown, stats);
  }

  #whyNot(open: OpenDirectory, name: string, stats: Stats): SkipReason | undefined {
    if (nameFault(name) !== undefined) return "name";
    if (stats.isSymbolicLink()) return this.#keepLinks ? undefined : "link";
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile()) return otherKind(stats);
    return isReadable(open.at(name), stats) ? undefined : "unreadable";
  }

  #addFile(directory: DirectoryNode, name: string, path: string, stats: Stats): undefined {
    const { size, dev: device, ino: inode, mtimeMs } = stats;
    this.files.push({ directory, name, size, device, inode, mtimeMs });
    return this.#push({ kind: "file", path, size, ...attributesOf(stats) });
  }

  #addDirectory(node: DirectoryNode, path: string, shown: string, stats: Stats): Pending {
    this.#push({ kind: "directory", path, ...attributesOf(stats) });
    return { node, path, shown };
  }

  #push(entry: ManifestEntry): undefined {
    if (this.entries.length === MANIFEST_ENTRIES_MAX)
      throw new PosternError("transfer/source-unreadable", "too many files for one transfer", {
        reason: "too many",
        most: MANIFEST_ENTRIES_MAX,
      });
    this.entries.push(entry);
  }

  #skip(path: string, why: SkipReason): undefined {
    this.skipped.push({ path, why });
  }

  #freeName(free: FreeNames, name: string, path: string): string {
    const given = free.take(name);
    if (given !== name) this.renamed.push({ path, as: given });
    return given;
  }
}

/** The names of one directory, told apart as every file system would. */
class FreeNames {
  readonly #taken = new Set<string>();

  /** `name`, or with a number when another one like it is there. */
  take(name: string): string {
    for (let n = 0; ; n++) {
      const candidate = n === 0 ? name : numberedName(name, n);
      const folded = foldName(candidate);
      if (this.#taken.has(folded)) continue;
      this.#taken.add(folded);
      return candidate;
    }
  }
}

function nodeOf(parent: DirectoryNode | undefined, name: string, stats: Stats): DirectoryNode {
  const identity = { device: stats.dev, inode: stats.ino };
  return { parent, name, depth: parent === undefined ? 0 : parent.depth + 1, identity };
}

function attributesOf(stats: Stats): { readonly mode: number; readonly modifiedMs: number } {
  const modifiedMs = Math.max(0, Math.min(MODIFIED_MS_MAX, Math.floor(stats.mtimeMs)));
  return { mode: stats.mode & 0o777, modifiedMs };
}

/** `undefined` when it leads out, or nobody can tell. */
function targetOf(path: string, depth: number): string | undefined {
  const parts = readlinkSync(path).split("/");
  // `./x`, `x//y` and `x/` mean the same without them; an absolute path is empty at its beginning.
  const plain = parts.filter((part, at) => (part !== "" || at === 0) && part !== ".");
  const target = plain.join("/");
  return linkLeavesTop(target, depth) || target.includes("\ufffd") ? undefined : target;
}

/** Whoever may read everything need not ask; nor need anybody for what everyone may read. */
function isReadable(path: string, stats: Stats): boolean {
  if ((stats.mode & 0o444) === 0o444 || process.getuid?.() === 0) return true;
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function isTooLong(path: string): boolean {
  return (
    path.length * 3 > MANIFEST_PATH_BYTES_MAX && Buffer.byteLength(path) > MANIFEST_PATH_BYTES_MAX
  );
}

/** A link that was one a moment ago is `EINVAL` by now. */
const GONE: ReadonlySet<string> = new Set(["EINVAL", "ELOOP", "ENOENT", "ENOTDIR", "ESTALE"]);

function whyOf(error: unknown): SkipReason {
  return GONE.has(errnoOf(error)) ? "vanished" : "unreadable";
}

function otherKind(stats: Stats): "device" | "FIFO" | "socket" {
  if (stats.isFIFO()) return "FIFO";
  return stats.isSocket() ? "socket" : "device";
}

function notSendable(stats: Stats): PosternError {
  const kind = otherKind(stats);
  return new PosternError("transfer/source-unreadable", `neither file nor folder: a ${kind}`, {
    kind,
  });
}
