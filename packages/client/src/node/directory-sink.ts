/**
 * A directory as a sink that a later transfer of the same content goes on with. It is built in
 * `.NAME.TAG.part` beside its place (docs/protocol-manifest.md): first the manifest, and when a
 * person has taken what it lists, the entries; each of those at the top gets its name when
 * everything is verified and on the disk.
 *
 * ```text
 *   expect-list -> expect-consent -> expect-files -> finished
 * ```
 *
 * Invariants: no name of a peer leads out of the folder, and nothing in it is written to through a
 * link; nothing that exists is overwritten; what stands under a final name is complete and durable.
 *
 * @module
 */
import { join } from "node:path";
import { PosternError } from "@postern/core/errors";
import type { Sha256Stream } from "@postern/core/crypto";
import type { Manifest } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { ContentInfo, HeldContent, ManifestSize, PartJournal, PartNote } from "../api.ts";
import type { Clock } from "../records/clock.ts";
import { safeFileName } from "../safe-name.ts";
import { bootId } from "./boot-id.ts";
import type { FileSink } from "./file-sink.ts";
import { findDirectory, type FoundPart, type FoundWhole } from "./found-directory.ts";
import { freeSpace } from "./free-space.ts";
import { storeError } from "./fs-error.ts";
import { nodeClock } from "./node-clock.ts";
import { resolveDirectory } from "./part-file.ts";
import { newPartName } from "./part-name.ts";
import { PartProgress } from "./part-progress.ts";
import { readList } from "./received-list.ts";
import { StagedFiles, type StagedPosition } from "./staged-files.ts";
import { createStaging, removeStaging, type Staging, startTree, treeOf } from "./staging.ts";
import { StoredTree } from "./stored-tree.ts";
import { syncTree } from "./sync-tree.ts";
import { publishEntries, type TopEntry, topEntries } from "./top-entries.ts";
import { wholeContent } from "./whole-content.ts";

/** Shows a person what a directory has in it and where it will be; true: take it. */
export type AskAboutDirectory = (manifest: Manifest, where: string) => Promise<boolean>;

export interface DirectorySink extends FileSink {
  /** What stands at the top: where it will be; after `commit` where it is. */
  readonly paths: readonly string[];
  /** Links that this system could not make; known after `commit`. */
  readonly linksLeft: number;
}

/** For tests. */
export interface DirectorySinkOptions {
  readonly clock?: Pick<Clock, "now">;
  readonly boot?: string;
  readonly free?: (directory: string) => Promise<number>;
  readonly sync?: (directory: string) => Promise<void>;
}

/**
 * A sink for a peer's directory. What an earlier transfer of the content left here, by its journal,
 * is gone on with, wherever it is, without asking again; else it begins in `directory`.
 *
 * @throws {@link PosternError} as `keptFileSink`; its `consent` also `transfer/declined`,
 * `transfer/invalid` (`details.reason`), and `store/no-space` (`details.neededBytes` and
 * `freeBytes`).
 */
export async function directorySink(
  directory: string,
  content: ContentInfo,
  journal: PartJournal,
  ask: AskAboutDirectory,
  options: DirectorySinkOptions = {},
): Promise<DirectorySink> {
  const { manifest: list, size } = content;
  if (list === undefined || size === undefined)
    throw new PosternError("usage/invalid-argument", "no directory", { argument: "content" });
  const { clock = nodeClock, boot = await bootId(), free = freeSpace, sync = syncTree } = options;
  const name = safeFileName(content.name);
  const common = { name, list, size, journal, ask, clock, boot, free, sync };
  try {
    const note = await journal.read();
    const found = note && (await findDirectory(note, list, size, boot));
    if (found?.kind === "whole") return wholeSink(common, found);
    if (note !== undefined && found !== undefined) {
      // From now on what this start of the computer writes counts, and nothing is whole yet.
      const { staging, durable: bytes } = found;
      const { directory: real, part } = staging;
      if (note.boot !== boot || note.digest !== undefined)
        await journal.write({ directory: real, name, part, bytes, boot });
      return new Sink(common, staging, found);
    }
    const staging = createStaging(await resolveDirectory(directory), newPartName(name));
    const { directory: real, part } = staging;
    await journal.write({ directory: real, name, part, bytes: 0, boot });
    return new Sink(common, staging);
  } catch (error) {
    throw storeError("cannot write to the directory", error, { directory });
  }
}

interface Common extends Required<DirectorySinkOptions> {
  readonly name: string;
  readonly list: ManifestSize;
  readonly size: number;
  readonly journal: PartJournal;
  readonly ask: AskAboutDirectory;
}

/** All of it is here; what a kill left without its name gets it when the sender knows. */
function wholeSink({ size, journal }: Common, found: FoundWhole): DirectorySink {
  const { note, held, left } = found;
  const { directory } = note;
  let names = note.names ?? [];
  const finish = async (): Promise<void> => {
    if (left === undefined) return;
    const { staging, entries } = left;
    try {
      names = await publishEntries(staging, entries, async (known) =>
        journal.write({ ...note, ...known }),
      );
      await removeStaging(staging).catch(() => {});
    } catch (error) {
      throw storeError("cannot finish the directory", error);
    }
  };
  return {
    get path() {
      return pathOf(directory, names);
    },
    get paths() {
      return names.map((name) => join(directory, name));
    },
    linksLeft: 0,
    held,
    ...wholeContent(size, journal, finish),
  };
}

/** Of one entry its own, of several the place of all. */
function pathOf(directory: string, [first, ...others]: readonly string[]): string {
  return first === undefined || others.length > 0 ? directory : join(directory, first);
}

class Sink implements DirectorySink {
  readonly held?: HeldContent;
  readonly #common: Common;
  readonly #staging: Staging;
  readonly #progress: PartProgress;
  readonly #list: Uint8Array[] = [];
  /** Over everything before `#end`. */
  readonly #hashed: Sha256Stream;
  /** The person has taken it. */
  #manifest: Manifest | undefined;
  #files: StagedFiles | undefined;
  #entries: readonly TopEntry[] = [];
  #names: readonly string[] = [];
  /** And noted as such. */
  #isWhole = false;
  /** Everything before it was written. */
  #end: number;
  #open = true;

  constructor(common: Common, staging: Staging, found?: FoundPart) {
    const { clock, sync } = common;
    this.#common = common;
    this.#staging = staging;
    this.#end = found?.held.offset ?? 0;
    const handle = { datasync: async () => await sync(staging.path) };
    const note = async (bytes: number) => await this.#note({ bytes, boot: common.boot });
    const bytes = found?.durable ?? 0;
    this.#progress = new PartProgress({ handle, clock, bytes, note });
    this.#hashed = found?.held.hashed.copy() ?? nativeSuite.sha256Stream();
    if (found === undefined) return;
    this.held = found.held;
    this.#take(found.manifest);
    this.#files = this.#stage(found.manifest, found.from);
  }

  get paths(): readonly string[] {
    return this.#names.map((name) => join(this.#staging.directory, name));
  }

  get path(): string {
    return pathOf(this.#staging.directory, this.#names);
  }

  get linksLeft(): number {
    return this.#files?.linksLeft ?? 0;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#expectOpen();
    if (offset !== this.#end)
      throw new PosternError("usage/wrong-state", "bytes out of order", { offset });
    if (this.#files === undefined) return this.#writeList(bytes);
    try {
      const writing = this.#files.write(bytes);
      this.#hashed.update(bytes);
      await writing;
    } catch (error) {
      throw storeError("cannot write a file", error);
    }
    this.#end += bytes.length;
    this.#progress.written(this.#end);
  }

  async consent(): Promise<void> {
    this.#expectOpen();
    const { list, size, ask } = this.#common;
    if (this.#end !== list.bytes || this.#manifest !== undefined)
      throw new PosternError("usage/wrong-state", "the manifest is not there");
    const bytes = Buffer.concat(this.#list.splice(0));
    const manifest = readList(bytes, list, size);
    try {
      await this.#expectRoom(manifest);
      const taken = await ask(manifest, this.#staging.directory);
      if (!taken) throw new PosternError("transfer/declined", "the person declined");
      this.#expectOpen();
      await startTree(this.#staging, bytes);
      this.#take(manifest);
      this.#files = this.#stage(manifest);
    } catch (error) {
      throw storeError("cannot write to the directory", error);
    }
  }

  async commit(total: number): Promise<void> {
    this.#expectOpen();
    if (total !== this.#end || total !== this.#common.size)
      throw new PosternError("store/failed", "the content has another length", { total });
    try {
      await this.#finish(total);
      this.#open = false;
      await removeStaging(this.#staging).catch(() => {});
      await this.#common.journal.drop().catch(() => {});
    } catch (error) {
      throw storeError("cannot finish the directory", error);
    }
  }

  async abandon(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.#files?.close();
      if (this.#manifest !== undefined) return await this.#keep();
      await removeStaging(this.#staging);
      await this.#common.journal.drop();
    } catch {
      // The note is behind what is there; whatever it says is there.
    }
  }

  #writeList(bytes: Uint8Array): void {
    const end = this.#end + bytes.length;
    if (end > this.#common.list.bytes)
      throw new PosternError("usage/wrong-state", "content before consent");
    this.#list.push(bytes.slice());
    this.#hashed.update(bytes);
    this.#end = end;
  }

  #take(manifest: Manifest): void {
    this.#manifest = manifest;
    this.#entries = topEntries(this.#staging, manifest);
    this.#names = this.#entries.map(({ name }) => name);
  }

  #stage(manifest: Manifest, from?: StagedPosition): StagedFiles {
    const tree = new StoredTree(treeOf(this.#staging));
    return new StagedFiles({ manifest, tree, from, now: Date.now() });
  }

  /** Each file takes whole blocks of the disk, and its entry as well. */
  async #expectRoom(manifest: Manifest): Promise<void> {
    let neededBytes = 0;
    for (const entry of manifest.entries) {
      const size = entry.kind === "file" ? entry.size : 1;
      neededBytes += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES + ENTRY_BYTES;
    }
    const freeBytes = await this.#common.free(this.#staging.directory);
    if (neededBytes > freeBytes)
      throw new PosternError("store/no-space", "not enough room", { neededBytes, freeBytes });
  }

  async #finish(total: number): Promise<void> {
    const { boot, sync } = this.#common;
    if (this.#files === undefined)
      throw new PosternError("usage/wrong-state", "nobody has consented");
    await this.#files.finish();
    this.#files.close();
    await this.#progress.last(async () => await sync(this.#staging.path));
    this.#isWhole = true;
    const whole = { bytes: total, boot, digest: this.#hashed.copy().digest() };
    const note = async (known: Partial<PartNote>) => await this.#note({ ...whole, ...known });
    this.#names = await publishEntries(this.#staging, this.#entries, note);
  }

  async #keep(): Promise<void> {
    if (this.#isWhole) return;
    try {
      await this.#progress.finish(this.#end);
    } catch {
      // What a disk did not take may be lost any moment: only the durable bytes count.
      await this.#note({ bytes: this.#progress.durable, boot: undefined });
    }
  }

  #note(known: Pick<PartNote, "bytes" | "boot"> & Partial<PartNote>): Promise<void> {
    const { directory, part } = this.#staging;
    const { name, journal } = this.#common;
    return journal.write({ directory, name, part, ...known });
  }

  #expectOpen(): void {
    if (!this.#open) throw new PosternError("usage/wrong-state", "the directory is finished");
  }
}

/** What common file systems give a file at least, and what its name and inode take. */
const BLOCK_BYTES = 4_096;
const ENTRY_BYTES = 512;
