/**
 * Files and folders as one content: their manifest, then the bytes of all files in its order. There
 * is no temporary archive, and no more in memory than the list. Each file must still be the one
 * that was listed, by device, inode, size and change time, after every read of it: what changes is
 * never sent as if it had not.
 *
 * @module
 */
import { closeSync, constants, fstatSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { PosternError } from "@postern/core/errors";
import { FILE_NAME_BYTES_MAX } from "@postern/core/limits";
import { encodeManifest, ManifestPlaces, type Manifest } from "@postern/core/transfer";
import type { ContentInfo, ContentSource, LinkListing } from "../api.ts";
import { shortenName } from "../safe-name.ts";
import {
  type ListedFile,
  listDirectory,
  type RenamedEntry,
  type SkippedEntry,
} from "./directory-listing.ts";
import { errnoOf, sourceError } from "./fs-error.ts";
import { OpenChain } from "./open-directory.ts";
import { Slices } from "./slices.ts";

export interface DirectorySourceOptions {
  /** Absent: `skip`. `keep` keeps those that stay inside their folder; none is followed. */
  readonly links?: LinkListing;
}

export interface DirectorySource extends ContentSource {
  readonly manifest: Manifest;
  /** What is left out, and why. */
  readonly skipped: readonly SkippedEntry[];
  /** What has another name on the other side. */
  readonly renamed: readonly RenamedEntry[];
}

/**
 * Lists files and folders to send as one content. What is gone on with must be opened again with
 * the same paths and options.
 *
 * @throws {@link PosternError} `transfer/source-unreadable` when one of `paths` cannot be opened,
 * is a FIFO, device or socket (`details.kind`), or when all together are too much for one transfer
 * (`details.reason`).
 */
export async function directorySource(
  paths: readonly string[],
  { links = "skip" }: DirectorySourceOptions = {},
): Promise<DirectorySource> {
  if (paths.length === 0)
    throw new PosternError("usage/invalid-argument", "no path", { argument: "paths" });
  const listing = await listDirectory(paths, links);
  const manifest: Manifest = { entries: listing.entries };
  const encoded = encode(manifest);
  const { skipped, renamed, files } = listing;
  return new Source({ name: nameOf(manifest), manifest, encoded, files, skipped, renamed });
}

/** Up to this size a file is read with synchronous calls. */
const SMALL_BYTES = 65_536;
const readAt = promisify(read);

interface SourceParts {
  readonly name: string;
  readonly manifest: Manifest;
  readonly encoded: Uint8Array;
  readonly files: readonly ListedFile[];
  readonly skipped: readonly SkippedEntry[];
  readonly renamed: readonly RenamedEntry[];
}

class Source implements DirectorySource {
  readonly info: ContentInfo;
  readonly manifest: Manifest;
  readonly skipped: readonly SkippedEntry[];
  readonly renamed: readonly RenamedEntry[];
  readonly #encoded: Uint8Array;
  readonly #files: readonly ListedFile[];
  readonly #places: ManifestPlaces;
  readonly #chain = new OpenChain();
  readonly #slices = new Slices();
  readonly #spare = new Uint8Array(1);
  /** The place behind the last read, and the first file that is not read to its end there. */
  #position = -1;
  #next = 0;
  /** Large ones stay open between two reads. */
  #large: { readonly file: ListedFile; readonly fd: number } | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ name, manifest, encoded, files, skipped, renamed }: SourceParts) {
    this.manifest = manifest;
    this.skipped = skipped;
    this.renamed = renamed;
    this.#encoded = encoded;
    this.#files = files;
    this.#places = new ManifestPlaces(manifest, encoded.length);
    const list = { entries: manifest.entries.length, bytes: encoded.length };
    this.info = { kind: "directory", name, size: this.#places.size, manifest: list };
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    const reading = this.#read(into, offset);
    this.#reading = reading.catch(() => undefined);
    return await reading;
  }

  verified(): void {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A file is not closed under a read.
    await this.#reading;
    this.#closeLarge();
    this.#chain.close();
  }

  async #read(into: Uint8Array, offset: number): Promise<number> {
    this.#expectOpen();
    if (offset !== this.#position) this.#next = this.#places.fileAt(offset);
    const listed = this.#encoded.subarray(offset, offset + into.length);
    into.set(listed);
    let filled = listed.length;
    while (filled < into.length || this.#isEmptyAt(offset + filled)) {
      const file = this.#files[this.#next];
      if (file === undefined) break;
      if (this.#slices.isOver) {
        await this.#slices.pause();
        this.#expectOpen();
      }
      const from = offset + filled - this.#places.start(this.#next);
      const length = Math.min(file.size - from, into.length - filled);
      const part = into.subarray(filled, filled + length);
      try {
        if (file.size <= SMALL_BYTES) this.#readSmall(file, part, from);
        else await this.#readLarge(file, part, from);
      } catch (error) {
        throw readError(error, this.#places.files[this.#next]?.path);
      }
      filled += length;
      if (from + length === file.size) this.#next += 1;
    }
    this.#position = offset + filled;
    return filled;
  }

  /** Nothing of the next file is sent, but it is looked at in passing, behind the list. */
  #isEmptyAt(offset: number): boolean {
    return this.#files[this.#next]?.size === 0 && this.#places.start(this.#next) <= offset;
  }

  #readSmall(file: ListedFile, into: Uint8Array, from: number): void {
    const fd = this.#open(file);
    try {
      let filled = 0;
      while (filled < into.length) {
        const count = readSync(fd, into, filled, into.length - filled, from + filled);
        if (count === 0) throw changed("shrank");
        filled += count;
      }
      // Files under /proc and their like say size 0 and hold something.
      if (file.size === 0 && readSync(fd, this.#spare, 0, 1, 0) > 0) throw changed("grew");
      expectUnchanged(fd, file);
    } finally {
      closeSync(fd);
    }
  }

  async #readLarge(file: ListedFile, into: Uint8Array, from: number): Promise<void> {
    if (this.#large?.file !== file) {
      this.#closeLarge();
      this.#large = { file, fd: this.#open(file) };
    }
    const { fd } = this.#large;
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await readAt(fd, into, filled, into.length - filled, from + filled);
      if (bytesRead === 0) throw changed("shrank");
      filled += bytesRead;
    }
    expectUnchanged(fd, file);
    if (from + into.length === file.size) this.#closeLarge();
  }

  #open(file: ListedFile): number {
    return this.#chain.enter(file.directory).openFile(file.name, constants.O_RDONLY);
  }

  #closeLarge(): void {
    if (this.#large !== undefined) closeSync(this.#large.fd);
    this.#large = undefined;
  }

  #expectOpen(): void {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the source is closed");
  }
}

function expectUnchanged(fd: number, file: ListedFile): void {
  const now = fstatSync(fd);
  if (now.dev !== file.device || now.ino !== file.inode) throw changed("is another one");
  if (now.size !== file.size) throw changed(now.size < file.size ? "shrank" : "grew");
  if (now.mtimeMs !== file.mtimeMs) throw changed("was written to");
}

function changed(how: string): PosternError {
  return new PosternError("transfer/source-changed", `a file ${how}`, { how });
}

/**
 * A file that is not where it was has changed; one that may not be read never could be. Which one
 * it is, nobody else can tell: there may be thousands.
 */
function readError(cause: unknown, path: string | undefined): PosternError {
  const gone = ["ENOENT", "ENOTDIR", "ELOOP", "ESTALE", "ENXIO"].includes(errnoOf(cause));
  const error = gone ? changed("is not where it was") : sourceError("cannot read a file", cause);
  const details = { ...error.details, ...(path !== undefined && { path }) };
  return new PosternError(error.code, error.message, details, { cause });
}

function encode(manifest: Manifest): Uint8Array {
  try {
    return encodeManifest(manifest);
  } catch (cause) {
    const reason = "too many";
    const code = "transfer/source-unreadable";
    throw new PosternError(code, "too much for one transfer", { reason }, { cause });
  }
}

/** What a person is asked about: the one thing at the top, or the first of them. */
function nameOf({ entries }: Manifest): string {
  const top = entries.filter(({ path }) => !path.includes("/"));
  const first = top[0]?.path ?? "";
  const mark = top.length > 1 ? ` + ${top.length - 1}` : "";
  return shortenName(first, FILE_NAME_BYTES_MAX - mark.length) + mark;
}
