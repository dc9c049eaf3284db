/**
 * A file as a sink: written as `.NAME.part` beside its target, flushed, and given its name when
 * everything is verified (docs/protocol.md 9).
 *
 * Invariants: nothing that exists is overwritten, reused or followed; what stands under the final
 * name is complete and durable.
 *
 * @module
 */
import { constants } from "node:fs";
import { lstat, open, realpath, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import { STORED_NAME_BYTES_MAX, STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import type { ContentSink } from "../api.ts";
import { numberedName, safeFileName, shortenName } from "../safe-name.ts";
import { errnoOf, storeError } from "./fs-error.ts";
import { publishNew, syncDirectory } from "./publish.ts";

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
  return openPart(directory, safeFileName(name), true);
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
  const sink = await openPart(dirname(path), name, false);
  if (!(await exists(sink.path))) return sink;
  await sink.abandon();
  throw targetExists();
}

async function openPart(directory: string, name: string, renumber: boolean): Promise<PartFile> {
  try {
    // Resolved once: a link in the path that changes later leads nowhere else.
    const real = await realpath(directory);
    if (!(await stat(real)).isDirectory())
      throw new PosternError("store/failed", "not a directory", { directory, errno: "ENOTDIR" });
    const { part, handle } = await createPart(real, name);
    return new PartFile({ directory: real, name, renumber, part, handle });
  } catch (error) {
    throw storeError("cannot write to the directory", error, { directory });
  }
}

async function createPart(
  directory: string,
  name: string,
): Promise<{ readonly part: string; readonly handle: FileHandle }> {
  const flags =
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  for (let n = 0; n < STORED_NAME_TRIES_MAX; n++) {
    const end = n === 0 ? ".part" : `.${n}.part`;
    const stem = shortenName(name, STORED_NAME_BYTES_MAX - 1 - end.length);
    const part = join(directory, `.${stem}${end}`);
    try {
      return { part, handle: await open(part, flags, 0o600) };
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  }
  throw new PosternError("store/failed", "too many unfinished files of this name", { directory });
}

interface PartOptions {
  readonly directory: string;
  readonly name: string;
  readonly renumber: boolean;
  readonly part: string;
  readonly handle: FileHandle;
}

class PartFile implements FileSink {
  readonly #at: PartOptions;
  #path: string;
  #open = true;

  constructor(at: PartOptions) {
    this.#at = at;
    this.#path = join(at.directory, at.name);
  }

  get path(): string {
    return this.#path;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#expectOpen();
    try {
      for (let done = 0; done < bytes.length;) {
        const left = bytes.length - done;
        const { bytesWritten } = await this.#at.handle.write(bytes, done, left, offset + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw storeError("cannot write the file", error);
    }
  }

  async commit(total: number): Promise<void> {
    this.#expectOpen();
    try {
      await this.#finishPart(total);
      this.#path = await this.#publish();
      await syncDirectory(this.#at.directory);
    } catch (error) {
      throw storeError("cannot finish the file", error);
    }
  }

  async abandon(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      const ours = await this.#isOurs();
      await this.#at.handle.close();
      if (ours) await unlink(this.#at.part);
    } catch {
      // An unfinished file stays behind under its unfinished name.
    }
  }

  /** Durable content with its final mode, still under the unfinished name. */
  async #finishPart(total: number): Promise<void> {
    const { handle } = this.#at;
    const { size } = await handle.stat();
    if (size !== total)
      throw new PosternError("store/failed", "the file has another length", { size, total });
    // The name alone will decide what is published.
    if (!(await this.#isOurs()))
      throw new PosternError("store/failed", "the unfinished file was replaced");
    await handle.chmod(0o666 & ~process.umask());
    await handle.sync();
  }

  async #publish(): Promise<string> {
    const { directory, name, part, handle, renumber } = this.#at;
    const tries = renumber ? STORED_NAME_TRIES_MAX : 1;
    for (let n = 0; n < tries; n++) {
      const target = join(directory, n === 0 ? name : numberedName(name, n));
      if (!(await publishNew(part, target))) continue;
      this.#open = false;
      await handle.close();
      return target;
    }
    throw targetExists();
  }

  async #isOurs(): Promise<boolean> {
    const ours = await this.#at.handle.stat({ bigint: true });
    const named = await lstat(this.#at.part, { bigint: true }).catch(() => undefined);
    return named?.ino === ours.ino && named.dev === ours.dev;
  }

  #expectOpen(): void {
    if (!this.#open) throw new PosternError("usage/wrong-state", "the file is finished");
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function targetExists(): PosternError {
  return new PosternError("store/target-exists", "a file of that name exists");
}
