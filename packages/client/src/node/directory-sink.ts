/**
 * A directory as a sink that a later transfer of the same content goes on with. It is built in
 * `.NAME.part` beside its place (docs/protocol-manifest.md): first the manifest, and when a person
 * has taken what it lists, the entries; each of those at the top gets its name when everything is
 * verified and on the disk.
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
import { type Manifest, type ManifestEntry, decodeManifest } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { ContentInfo, HeldContent, ManifestSize, PartJournal, PartNote } from "../api.ts";
import type { Clock } from "../records/clock.ts";
import { safeFileName } from "../safe-name.ts";
import { bootId } from "./boot-id.ts";
import type { FileSink } from "./file-sink.ts";
import { freeSpace } from "./free-space.ts";
import { storeError } from "./fs-error.ts";
import { heldFiles, removeBehind } from "./held-files.ts";
import { nodeClock } from "./node-clock.ts";
import { resolveDirectory } from "./part-file.ts";
import { PartProgress } from "./part-progress.ts";
import { syncDirectory } from "./publish.ts";
import { StagedFiles, type StagedPosition } from "./staged-files.ts";
import {
  createStaging,
  findStaging,
  hasTree,
  publishEntry,
  removeStaging,
  type Staging,
  startTree,
  storedList,
  treeOf,
} from "./staging.ts";
import { StoredTree } from "./stored-tree.ts";
import { syncTree } from "./sync-tree.ts";

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
 * `transfer/invalid` (`details.reason`), and `store/no-space` (`details.needed`, `details.free`).
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
    const found = await reopen(common);
    if (found !== undefined) return new Sink(common, found.staging, found);
    const staging = createStaging(await resolveDirectory(directory), name);
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

/** What an earlier transfer left. */
interface Found {
  readonly staging: Staging;
  readonly manifest: Manifest;
  readonly from: StagedPosition;
  readonly held: HeldContent;
  /** Of it, on the disk for sure. */
  readonly durable: number;
  /** It was whole, and got this name before the program ended. */
  readonly published: string | undefined;
}

async function reopen(common: Common): Promise<Found | undefined> {
  const { boot, journal } = common;
  const note = await journal.read();
  const staging = note === undefined ? undefined : await findStaging(note);
  if (note === undefined || staging === undefined) return undefined;
  const found = await findHeld(common, staging, note);
  if (found === undefined) {
    await removeStaging(staging);
    return undefined;
  }
  // From now on what this start of the computer writes counts.
  if (note.boot !== boot && found.published === undefined)
    await journal.write({ ...note, bytes: found.durable, boot });
  return found;
}

async function findHeld(
  { list, size, boot }: Common,
  staging: Staging,
  note: PartNote,
): Promise<Found | undefined> {
  const bytes = storedList(staging, list.bytes);
  if (bytes === undefined || !hasTree(staging)) return undefined;
  const manifest = readKept(bytes, list, size);
  if (manifest === undefined) return undefined;
  const isSure = note.boot === boot;
  const bytesMax = isSure ? size : Math.max(0, note.bytes - bytes.length);
  const look = async (tree: StoredTree) => {
    const hashed = nativeSuite.sha256Stream();
    hashed.update(bytes);
    const held = await heldFiles({ manifest, tree, bytesMax, hashed, now: Date.now() });
    return { from: held, held: { offset: bytes.length + held.bytes, hashed } };
  };
  const inTree = await look(new StoredTree(treeOf(staging)));
  const common = { staging, manifest, published: undefined };
  if (inTree.held.offset < size && note.bytes === size && topsOf(manifest).length === 1) {
    const place = { parent: undefined, name: staging.directory, depth: 0 };
    const outside = await look(new StoredTree(place, note.name));
    if (outside.held.offset === size)
      return { ...common, ...outside, durable: size, published: note.name };
  }
  if (!isSure) removeBehind(manifest, new StoredTree(treeOf(staging)), inTree.from);
  const durable = Math.min(note.bytes, inTree.held.offset);
  return { ...common, ...inTree, durable };
}

/** @throws {@link PosternError} `transfer/invalid` */
function readList(bytes: Uint8Array, list: ManifestSize, size: number): Manifest {
  const manifest = decodeManifest(bytes);
  if (manifest.entries.length !== list.entries) throw invalid("another number of entries");
  let total = bytes.length;
  for (const entry of manifest.entries) if (entry.kind === "file") total += entry.size;
  if (total !== size) throw invalid("another size");
  if (total === bytes.length && manifest.entries.length === 0) throw invalid("nothing in it");
  return manifest;
}

/** `undefined`: it is another content's, or was changed. */
function readKept(bytes: Uint8Array, list: ManifestSize, size: number): Manifest | undefined {
  try {
    return readList(bytes, list, size);
  } catch {
    return undefined;
  }
}

function invalid(reason: string): PosternError {
  return new PosternError("transfer/invalid", `manifest: ${reason}`, { reason });
}

function topsOf(manifest: Manifest): readonly ManifestEntry[] {
  return manifest.entries.filter(({ path }) => !path.includes("/"));
}

class Sink implements DirectorySink {
  readonly held?: HeldContent;
  readonly #common: Common;
  readonly #staging: Staging;
  readonly #progress: PartProgress;
  readonly #list: Uint8Array[] = [];
  /** The person has taken it. */
  #manifest: Manifest | undefined;
  #files: StagedFiles | undefined;
  #names: readonly string[] = [];
  #isPublished = false;
  /** Everything before it was written. */
  #end: number;
  #open = true;

  constructor(common: Common, staging: Staging, found?: Found) {
    const { clock, sync } = common;
    this.#common = common;
    this.#staging = staging;
    this.#end = found?.held.offset ?? 0;
    const handle = { datasync: async () => await sync(staging.path) };
    const note = async (bytes: number) => await this.#note(common.name, bytes, common.boot);
    const bytes = found?.durable ?? 0;
    this.#progress = new PartProgress({ handle, clock, bytes, note });
    if (found === undefined) return;
    this.held = found.held;
    this.#take(found.manifest);
    this.#isPublished = found.published !== undefined;
    if (found.published === undefined) this.#files = this.#stage(found.manifest, found.from);
    else this.#names = [found.published];
  }

  get paths(): readonly string[] {
    return this.#names.map((name) => join(this.#staging.directory, name));
  }

  get path(): string {
    const [first, ...others] = this.paths;
    return first === undefined || others.length > 0 ? this.#staging.directory : first;
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
      await this.#files.write(bytes);
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
      if (!this.#isPublished) await this.#finish(total);
      this.#open = false;
      // What cannot be removed is found to be of a whole content.
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
    this.#end = end;
  }

  #take(manifest: Manifest): void {
    this.#manifest = manifest;
    const tree = new StoredTree(treeOf(this.#staging));
    this.#names = topsOf(manifest).map((entry) => tree.place(entry).name);
  }

  #stage(manifest: Manifest, from?: StagedPosition): StagedFiles {
    const tree = new StoredTree(treeOf(this.#staging));
    return new StagedFiles({ manifest, tree, from, now: Date.now() });
  }

  /** Each file takes whole blocks of the disk, and its entry as well. */
  async #expectRoom(manifest: Manifest): Promise<void> {
    let needed = 0;
    for (const entry of manifest.entries) {
      const size = entry.kind === "file" ? entry.size : 1;
      needed += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES + ENTRY_BYTES;
    }
    const free = await this.#common.free(this.#staging.directory);
    if (needed > free)
      throw new PosternError("store/no-space", "not enough room", { needed, free });
  }

  async #finish(total: number): Promise<void> {
    const { sync } = this.#common;
    const { directory, path } = this.#staging;
    if (this.#files === undefined || this.#manifest === undefined)
      throw new PosternError("usage/wrong-state", "nobody has consented");
    await this.#files.finish();
    this.#files.close();
    await this.#progress.settled();
    await sync(path);
    const tops = topsOf(this.#manifest);
    const names: string[] = [];
    for (const [at, { kind }] of tops.entries()) {
      const name = this.#names[at] ?? "";
      const before = async (candidate: string) => {
        // Without it a crash right now costs a second copy, not this one.
        if (tops.length === 1)
          await this.#note(candidate, total, this.#common.boot).catch(() => {});
      };
      names.push(
        await publishEntry(this.#staging, name, kind === "directory" ? kind : "file", before),
      );
    }
    this.#names = names;
    await syncDirectory(directory);
    this.#isPublished = true;
  }

  async #keep(): Promise<void> {
    if (this.#isPublished) return;
    try {
      await this.#progress.finish(this.#end);
    } catch {
      // What a disk did not take may be lost any moment: only the durable bytes count.
      await this.#note(this.#common.name, this.#progress.durable, LOST);
    }
  }

  #note(name: string, bytes: number, boot: string): Promise<void> {
    const { directory, part } = this.#staging;
    return this.#common.journal.write({ directory, name, part, bytes, boot });
  }

  #expectOpen(): void {
    if (!this.#open) throw new PosternError("usage/wrong-state", "the directory is finished");
  }
}

/** What common file systems give a file at least, and what its name and inode take. */
const BLOCK_BYTES = 4_096;
const ENTRY_BYTES = 512;
/** No start of a computer is called so. */
const LOST = "lost";
