/**
 * What an earlier transfer left of a directory's files: looked at in the manifest's order, each
 * whole one hashed, up to the first that is not.
 *
 * Invariant: nothing is read through a link, and nothing but what only this user can change.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  readSync,
  unlinkSync,
} from "node:fs";
import type { Sha256Stream } from "@postern/core/crypto";
import type { Manifest, ManifestFile } from "@postern/core/transfer";
import { OpenChain } from "./open-directory.ts";
import { isOwnUser } from "./own-user.ts";
import { Slices } from "./slices.ts";
import type { StagedPosition } from "./staged-files.ts";
import type { StoredPlace, StoredTree } from "./stored-tree.ts";

export interface HeldFiles extends StagedPosition {
  /** Of all files, from the first one on. */
  readonly bytes: number;
}

export interface HeldFilesOptions {
  readonly manifest: Manifest;
  readonly tree: StoredTree;
  /** No more of the files' bytes can be trusted. */
  readonly bytesMax: number;
  /** Is given the bytes that are held. */
  readonly hashed: Sha256Stream;
  /** ms since 1970 */
  readonly now: number;
}

const READ_BYTES = 1_048_576;

export async function heldFiles(options: HeldFilesOptions): Promise<HeldFiles> {
  const { manifest, tree } = options;
  const reader = new HeldReader(options);
  try {
    let entry = 0;
    for (const each of manifest.entries) {
      await reader.breathe();
      const place = tree.place(each);
      if (each.kind === "directory" && !reader.hasDirectory(place)) break;
      if (each.kind === "file") {
        const within = await reader.read(place, each);
        if (within < each.size) return { entry, within: Math.max(0, within), bytes: reader.bytes };
      }
      entry += 1;
    }
    return { entry, within: 0, bytes: reader.bytes };
  } finally {
    reader.close();
  }
}

class HeldReader {
  bytes = 0;
  readonly #options: HeldFilesOptions;
  readonly #chain = new OpenChain();
  readonly #slices = new Slices();
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(options: HeldFilesOptions) {
    this.#options = options;
  }

  /** Files without a byte are looked at as well, and there may be hundreds of thousands. */
  async breathe(): Promise<void> {
    if (this.#slices.isOver) await this.#slices.pause();
  }

  hasDirectory({ node }: StoredPlace): boolean {
    try {
      return node !== undefined && this.#chain.enter(node).inode !== undefined;
    } catch {
      return false;
    }
  }

  /** Bytes of the file that are there; -1 when it is not. */
  async read({ directory, name }: StoredPlace, entry: ManifestFile): Promise<number> {
    const fd = this.#open(directory, name);
    if (fd === undefined) return -1;
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.nlink > 1 || !isOwnUser(stats.uid) || stats.size > entry.size)
        return -1;
      const wanted = Math.min(stats.size, this.#options.bytesMax - this.bytes);
      const done = await this.#hash(fd, wanted);
      if (done === entry.size) {
        // The program may have ended right before that.
        const time = Math.min(entry.modifiedMs, this.#options.now) / 1_000;
        futimesSync(fd, time, time);
      }
      return done;
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.#chain.close();
  }

  #open(directory: StoredPlace["directory"], name: string): number | undefined {
    try {
      return this.#chain.enter(directory).openFile(name, constants.O_RDONLY);
    } catch {
      return undefined;
    }
  }

  async #hash(fd: number, wanted: number): Promise<number> {
    let done = 0;
    while (done < wanted) {
      await this.breathe();
      const length = Math.min(this.#buffer.length, wanted - done);
      const count = readSync(fd, this.#buffer, 0, length, done);
      if (count === 0) break;
      this.#options.hashed.update(this.#buffer.subarray(0, count));
      done += count;
    }
    this.bytes += done;
    return done;
  }
}

/** Removes the files behind a position: they may not be what was written before the power went. */
export async function removeBehind(
  manifest: Manifest,
  tree: StoredTree,
  { entry: first, within }: StagedPosition,
): Promise<void> {
  const chain = new OpenChain();
  const slices = new Slices();
  try {
    for (const [at, entry] of manifest.entries.entries()) {
      if (slices.isOver) await slices.pause();
      const { directory, name } = tree.place(entry);
      const isBehind = at > first || (at === first && within === 0);
      if (entry.kind === "file" && isBehind) removeFile(chain, directory, name);
    }
  } finally {
    chain.close();
  }
}

function removeFile(chain: OpenChain, directory: StoredPlace["directory"], name: string): void {
  try {
    const path = chain.enter(directory).at(name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) unlinkSync(path);
  } catch {
    // A directory that is not there has nothing in it.
  }
}
