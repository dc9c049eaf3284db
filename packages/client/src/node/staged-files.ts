/**
 * The entries of a manifest, made one after the other as their bytes come. Small files are written
 * with synchronous calls: a round through the thread pool for each would cost ten times that.
 *
 * Invariants: every file is a new one that nothing else is called, made by its name in a directory
 * that is held open; no link is followed, and links are made when nothing more is written. Modes
 * lose what the person's mask takes, and everybody but the owner can do no more than that.
 *
 * @module
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  mkdirSync,
  symlinkSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { PosternError } from "@postern/core/errors";
import type {
  Manifest,
  ManifestDirectory,
  ManifestEntry,
  ManifestFile,
} from "@postern/core/transfer";
import { errnoOf, nothingWritten } from "./fs-error.ts";
import { type DirectoryNode, OpenChain } from "./open-directory.ts";
import { Slices } from "./slices.ts";
import { storedTarget, type StoredPlace, type StoredTree } from "./stored-tree.ts";

/** Entries before `entry` are whole; of it, `within` bytes are there. */
export interface StagedPosition {
  readonly entry: number;
  readonly within: number;
}

export interface StagedFilesOptions {
  readonly manifest: Manifest;
  readonly tree: StoredTree;
  /** Behind it an earlier transfer may have left something; absent: nothing was ever here. */
  readonly from?: StagedPosition | undefined;
  /** ms since 1970: nothing is stored with a later time. */
  readonly now: number;
}

/** Up to this many bytes are written with a synchronous call. */
const SMALL_BYTES = 65_536;
const writeAt = promisify(write);
/** File systems without symbolic links, and Windows without the privilege. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

interface OpenFile {
  readonly fd: number;
  readonly entry: ManifestFile;
  written: number;
}

export class StagedFiles {
  readonly #entries: readonly ManifestEntry[];
  readonly #tree: StoredTree;
  readonly #chain = new OpenChain();
  readonly #slices = new Slices();
  readonly #mask = process.umask();
  readonly #now: number;
  readonly #mayHoldMore: boolean;
  readonly #directories: { readonly node: DirectoryNode; readonly entry: ManifestDirectory }[] = [];
  readonly #links: { readonly place: StoredPlace; readonly target: string }[] = [];
  #next = 0;
  #file: OpenFile | undefined;
  #linksLeft = 0;

  constructor({ manifest, tree, from, now }: StagedFilesOptions) {
    this.#entries = manifest.entries;
    this.#tree = tree;
    this.#now = now;
    this.#mayHoldMore = from !== undefined;
    this.#next = from?.entry ?? 0;
    for (const entry of this.#entries.slice(0, this.#next)) this.#pass(entry);
    if (from !== undefined && from.within > 0) this.#reopen(from.within);
  }

  /** Links that this system could not make. */
  get linksLeft(): number {
    return this.#linksLeft;
  }

  /** The bytes that come next. @throws an error of the system, {@link PosternError} */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      if (this.#slices.isOver) await this.#slices.pause();
      const file = this.#file ?? (await this.#nextFile());
      if (file === undefined) throw new PosternError("store/failed", "more than was announced");
      const part = bytes.subarray(done, done + file.entry.size - file.written);
      if (part.length <= SMALL_BYTES) this.#writeSmall(file, part);
      else await this.#writeLarge(file, part);
      done += part.length;
      if (file.written === file.entry.size) this.#finishFile(file);
    }
  }

  /** Everything has come: makes the links, then gives the directories their modes and times. */
  async finish(): Promise<void> {
    if (this.#file !== undefined || (await this.#nextFile()) !== undefined)
      throw new PosternError("store/failed", "less than was announced");
    for (const { place, target } of this.#links) {
      if (this.#slices.isOver) await this.#slices.pause();
      this.#makeLink(place, target);
    }
    for (const { node, entry } of this.#directories.toReversed()) {
      if (this.#slices.isOver) await this.#slices.pause();
      const mode = (entry.mode & ~this.#mask) | 0o700;
      this.#chain.enter(node).setAttributes(mode, this.#timeOf(entry));
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
    this.#chain.close();
  }

  /** Makes what has no bytes, up to the next file that has some. */
  async #nextFile(): Promise<OpenFile | undefined> {
    for (;;) {
      const entry = this.#entries[this.#next];
      if (entry === undefined) return undefined;
      if (this.#slices.isOver) await this.#slices.pause();
      const place = this.#pass(entry);
      this.#next += 1;
      if (entry.kind === "directory") this.#makeDirectory(place);
      if (entry.kind !== "file") continue;
      const file = { fd: this.#create(place, entry), entry, written: 0 };
      this.#file = file;
      if (entry.size > 0) return file;
      this.#finishFile(file);
    }
  }

  /** Remembers what comes at the end. */
  #pass(entry: ManifestEntry): StoredPlace {
    const place = this.#tree.place(entry);
    if (entry.kind === "directory" && place.node !== undefined)
      this.#directories.push({ node: place.node, entry });
    if (entry.kind === "link") this.#links.push({ place, target: entry.target });
    return place;
  }

  #makeDirectory({ directory, name }: StoredPlace): void {
    const above = this.#chain.enter(directory);
    try {
      mkdirSync(above.at(name), 0o700);
    } catch (error) {
      // Whether it is a directory is seen when something is made in it.
      if (!this.#mayHoldMore || errnoOf(error) !== "EEXIST") throw error;
    }
    above.expectSame();
  }

  #create({ directory, name }: StoredPlace, { mode }: ManifestFile): number {
    const above = this.#chain.enter(directory);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    try {
      return above.openFile(name, flags, mode | 0o600);
    } catch (error) {
      if (!this.#mayHoldMore || errnoOf(error) !== "EEXIST") throw error;
    }
    // Of an earlier transfer, behind what was held.
    unlinkSync(above.at(name));
    return above.openFile(name, flags, mode | 0o600);
  }

  /** Goes on with a file whose beginning is there. */
  #reopen(within: number): void {
    const entry = this.#entries[this.#next];
    if (entry?.kind !== "file") throw new PosternError("usage/wrong-state", "not at a file");
    const { directory, name } = this.#pass(entry);
    this.#next += 1;
    const fd = this.#chain.enter(directory).openFile(name, constants.O_WRONLY);
    this.#file = { fd, entry, written: within };
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.nlink > 1 || stats.size < within)
      throw new PosternError("store/failed", "an unfinished file was replaced");
    ftruncateSync(fd, within);
  }

  #writeSmall(file: OpenFile, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const count = writeSync(file.fd, bytes, done, bytes.length - done, file.written);
      if (count === 0) throw nothingWritten();
      done += count;
      file.written += count;
    }
  }

  async #writeLarge(file: OpenFile, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      const { bytesWritten } = await writeAt(file.fd, bytes, done, left, file.written);
      if (bytesWritten === 0) throw nothingWritten();
      done += bytesWritten;
      file.written += bytesWritten;
    }
  }

  #finishFile({ fd, entry }: OpenFile): void {
    this.#file = undefined;
    try {
      // It was made with these rights for going on with it.
      if ((entry.mode & 0o600) !== 0o600) fchmodSync(fd, (entry.mode & ~this.#mask) | 0o400);
      const time = this.#timeOf(entry);
      futimesSync(fd, time, time);
    } finally {
      closeSync(fd);
    }
  }

  #makeLink({ directory, name }: StoredPlace, target: string): void {
    const above = this.#chain.enter(directory);
    try {
      if (this.#mayHoldMore) unlinkIfThere(above.at(name));
      symlinkSync(storedTarget(target), above.at(name));
    } catch (error) {
      if (!NO_LINKS.has(errnoOf(error))) throw error;
      this.#linksLeft += 1;
    }
  }

  /** In seconds. */
  #timeOf({ modifiedMs }: { readonly modifiedMs: number }): number {
    return Math.min(modifiedMs, this.#now) / 1_000;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
