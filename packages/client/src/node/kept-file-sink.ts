/**
 * A file as a sink that a later transfer of the same content goes on with (docs/protocol.md 9):
 * a transfer that fails, and a process that is killed, leave `.NAME.TAG.part` and a note of it.
 *
 * The note is ahead of the file's name, so that no moment of a crash makes a second copy:
 *
 * ```text
 *   part whole and durable | note {name, bytes = total} | the name appears | part goes | note goes
 * ```
 *
 * Invariants: as in `file-sink.ts`; and no more of a part is trusted than this start of the
 * computer wrote, or the disk has for sure. A part that has a second name is never written to.
 *
 * @module
 */
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PosternError } from "@postern/core/errors";
import type { HeldContent, PartJournal } from "../api.ts";
import type { Clock } from "../records/clock.ts";
import { safeFileName } from "../safe-name.ts";
import { bootId } from "./boot-id.ts";
import type { FileSink } from "./file-sink.ts";
import { findPart, hashStart } from "./found-part.ts";
import { storeError } from "./fs-error.ts";
import { nodeClock } from "./node-clock.ts";
import {
  createPart,
  finishPart,
  publishPart,
  removePart,
  resolveDirectory,
  writeAt,
  writeAtNow,
  type PartFile,
} from "./part-file.ts";
import { newPartName } from "./part-name.ts";
import { PartProgress } from "./part-progress.ts";
import { PromptCalls } from "./prompt-calls.ts";
import { syncDirectory } from "./publish.ts";
import { wholeContent } from "./whole-content.ts";

export interface KeptFileOptions {
  /** Of the content, if it is known: a shorter file under its name is not all of it. */
  readonly size?: number | undefined;
  /** The others are for tests. */
  readonly clock?: Pick<Clock, "now">;
  readonly boot?: string;
  readonly calls?: PromptCalls;
}

/**
 * A sink for a peer's file. What an earlier transfer of the content left here, by its journal, is
 * gone on with, wherever it is; else a new part begins in `directory`. `name` is the peer's own, as
 * it came.
 *
 * @throws {@link PosternError} as `fileSink`, and what the journal throws.
 */
export async function keptFileSink(
  directory: string,
  name: string,
  journal: PartJournal,
  options: KeptFileOptions = {},
): Promise<FileSink> {
  const stored = safeFileName(name);
  const { clock = nodeClock, boot = await bootId(), calls = new PromptCalls() } = options;
  const common = { name: stored, journal, boot, clock, calls };
  const note = await journal.read();
  try {
    const found = note === undefined ? undefined : await findPart(note, boot, options.size);
    if (found?.kind === "whole") return await wholeSink(found.path, found.handle, journal);
    if (note === undefined || found === undefined) {
      const at = await beginPart(directory, stored, journal, boot);
      return new KeptSink({ ...common, at, held: undefined, bytes: 0 });
    }
    const { at } = found;
    const held = await heldOf(at.handle, found.bytes);
    const bytes = Math.min(found.bytes, note.bytes);
    // From now on what this start of the computer writes counts.
    if (note.boot !== boot) await journal.write({ ...note, bytes, boot });
    return new KeptSink({ ...common, at, held, bytes });
  } catch (error) {
    throw storeError("cannot write to the directory", error, { directory });
  }
}

async function beginPart(
  directory: string,
  name: string,
  journal: PartJournal,
  boot: string,
): Promise<PartFile> {
  const at = await createPart(await resolveDirectory(directory), newPartName(name));
  try {
    await journal.write({ directory: at.directory, name, part: at.part, bytes: 0, boot });
    return at;
  } catch (error) {
    await removePart(at);
    throw error;
  }
}

async function heldOf(handle: FileHandle, offset: number): Promise<HeldContent | undefined> {
  try {
    return offset === 0 ? undefined : { offset, hashed: await hashStart(handle, offset) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface KeptSinkOptions {
  readonly at: PartFile;
  readonly name: string;
  readonly journal: PartJournal;
  readonly boot: string;
  readonly clock: Pick<Clock, "now">;
  readonly calls: PromptCalls;
  readonly held: HeldContent | undefined;
  /** On the disk for sure. */
  readonly bytes: number;
}

class KeptSink implements FileSink {
  readonly held?: HeldContent;
  readonly #options: KeptSinkOptions;
  readonly #progress: PartProgress;
  #name: string;
  /** Everything before it was written. */
  #end: number;
  /** On the disk, and perhaps under its name. */
  #isWhole = false;
  #open = true;

  constructor(options: KeptSinkOptions) {
    const { at, bytes, clock, held } = options;
    this.#options = options;
    this.#name = options.name;
    this.#end = held?.offset ?? 0;
    if (held !== undefined) this.held = held;
    const note = async (durable: number) => await this.#note(this.#name, durable);
    this.#progress = new PartProgress({ handle: at.handle, clock, bytes, note });
  }

  get path(): string {
    return join(this.#options.at.directory, this.#name);
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#expectNext(offset);
    await writeAt(this.#options.at.handle, bytes, offset);
    this.#written(bytes.length);
  }

  writeNow(bytes: Uint8Array, offset: number): boolean {
    this.#expectNext(offset);
    const { at, calls } = this.#options;
    if (!writeAtNow(at.handle, bytes, offset, calls)) return false;
    this.#written(bytes.length);
    return true;
  }

  async commit(total: number): Promise<void> {
    this.#expectOpen();
    const { at, journal, name } = this.#options;
    try {
      await finishPart(at, total);
      await this.#progress.last(async () => await at.handle.sync());
      this.#isWhole = true;
      this.#name = await publishPart(at, name, true, async (candidate) => {
        // Without it a crash right now costs a second copy, not this one.
        await this.#note(candidate, total).catch(() => {});
      });
      this.#open = false;
      await at.handle.close();
    } catch (error) {
      throw storeError("cannot finish the file", error);
    }
    // A note that stays is found to be of a whole file.
    await journal.drop().catch(() => {});
  }

  async abandon(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const { at, journal } = this.#options;
    try {
      if (this.#end === 0) {
        await removePart(at);
        return await journal.drop();
      }
      await this.#keep();
    } catch {
      // The note is behind the part; whatever it says is there.
    }
  }

  async #keep(): Promise<void> {
    const { handle } = this.#options.at;
    if (this.#isWhole) return await handle.close();
    try {
      // Of a write that failed in its middle; no record has opened that ends there.
      if ((await handle.stat()).size > this.#end) await handle.truncate(this.#end);
      await this.#progress.finish(this.#end);
    } catch {
      // What a disk did not take may be in the part, and be lost any moment.
      await handle.truncate(this.#progress.durable);
    } finally {
      await handle.close();
    }
  }

  #note(name: string, bytes: number): Promise<void> {
    const { at, boot, journal } = this.#options;
    const { directory, part } = at;
    return journal.write({ directory, name, part, bytes, boot });
  }

  #expectNext(offset: number): void {
    this.#expectOpen();
    if (offset !== this.#end)
      throw new PosternError("usage/wrong-state", "bytes out of order", { offset });
  }

  #written(count: number): void {
    this.#end += count;
    this.#progress.written(this.#end);
  }

  #expectOpen(): void {
    if (!this.#open) throw new PosternError("usage/wrong-state", "the file is finished");
  }
}

/** The content stands under its name; only the sender does not know yet. */
async function wholeSink(
  path: string,
  handle: FileHandle,
  journal: PartJournal,
): Promise<FileSink> {
  const { size } = await handle.stat();
  const held = await heldOf(handle, size);
  await handle.close();
  const finish = async (): Promise<void> => {
    try {
      await syncDirectory(dirname(path));
    } catch (error) {
      throw storeError("cannot finish the file", error);
    }
  };
  return { path, ...(held !== undefined && { held }), ...wholeContent(size, journal, finish) };
}
