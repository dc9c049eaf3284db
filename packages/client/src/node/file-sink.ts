/**
 * A file as a sink: written as `.NAME.TAG.part` beside its target, flushed, and given its name when
 * everything is verified (docs/protocol.md 9). A transfer that fails leaves nothing behind; a sink
 * that can be gone on with is in `kept-file-sink.ts`.
 *
 * Invariants: nothing that exists is overwritten, reused or followed; what stands under the final
 * name is complete and durable.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { PosternError } from "@postern/core/errors";
import type { ContentSink } from "../api.ts";
import { safeFileName } from "../safe-name.ts";
import { storeError } from "./fs-error.ts";
import {
  createPart,
  exists,
  finishPart,
  publishPart,
  removePart,
  resolveDirectory,
  targetExists,
  writeAt,
  writeAtNow,
  type PartFile,
} from "./part-file.ts";
import { newPartName } from "./part-name.ts";
import { PromptCalls } from "./prompt-calls.ts";

export interface FileSink extends ContentSink {
  /** Where the file will be; after `commit`, where it is: a taken name gets ` (1)`. */
  readonly path: string;
}

/**
 * A sink for a peer's file in a directory of the person's choice. `name` is the peer's own, as it
 * came; {@link safeFileName} is applied here.
 *
 * @throws {@link PosternError} `store/unsafe-name`; `store/failed` (`details.directory`) when there
 * is no such directory or it cannot be written to; `store/no-space`.
 */
export async function fileSink(directory: string, name: string): Promise<FileSink> {
  return openSink(directory, safeFileName(name), true);
}

/**
 * A sink for exactly this path, which the person chose.
 *
 * @throws {@link PosternError} `store/target-exists`, also from `commit`; else as {@link fileSink}.
 */
export async function fileSinkAt(path: string): Promise<FileSink> {
  const name = basename(path);
  if (name === "" || name === "." || name === ".." || /[/\\]$/u.test(path))
    throw new PosternError("usage/invalid-argument", "not a path of a file", { argument: "path" });
  const sink = await openSink(dirname(path), name, false);
  if (!(await exists(sink.path))) return sink;
  await sink.abandon();
  throw targetExists();
}

async function openSink(directory: string, name: string, renumber: boolean): Promise<PlainSink> {
  try {
    const at = await createPart(await resolveDirectory(directory), newPartName(name));
    return new PlainSink(at, name, renumber);
  } catch (error) {
    throw storeError("cannot write to the directory", error, { directory });
  }
}

class PlainSink implements FileSink {
  readonly #at: PartFile;
  readonly #renumber: boolean;
  readonly #calls = new PromptCalls();
  #name: string;
  #open = true;

  constructor(at: PartFile, name: string, renumber: boolean) {
    this.#at = at;
    this.#name = name;
    this.#renumber = renumber;
  }

  get path(): string {
    return join(this.#at.directory, this.#name);
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#expectOpen();
    await writeAt(this.#at.handle, bytes, offset);
  }

  writeNow(bytes: Uint8Array, offset: number): boolean {
    this.#expectOpen();
    return writeAtNow(this.#at.handle, bytes, offset, this.#calls);
  }

  async commit(total: number): Promise<void> {
    this.#expectOpen();
    try {
      await finishPart(this.#at, total);
      await this.#at.handle.sync();
      this.#name = await publishPart(this.#at, this.#name, this.#renumber);
      this.#open = false;
      await this.#at.handle.close();
    } catch (error) {
      throw storeError("cannot finish the file", error);
    }
  }

  async abandon(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      await removePart(this.#at);
    } catch {
      // An unfinished file stays behind under its unfinished name.
    }
  }

  #expectOpen(): void {
    if (!this.#open) throw new PosternError("usage/wrong-state", "the file is finished");
  }
}
