/**
 * A regular file as content. It is opened once; the bytes that are sent are those of that file,
 * also when its name goes to another one meanwhile. Its size, change time and place are remembered,
 * and looked at again after every read: a file that changes is never sent as if it had not.
 *
 * @module
 */
import { constants, fstatSync, readSync, type BigIntStats } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { PosternError } from "@postern/core/errors";
import type { ContentInfo, ContentSource } from "../api.ts";
import { sourceError } from "./fs-error.ts";
import { PromptCalls } from "./prompt-calls.ts";
import { sendableName } from "./sendable-name.ts";

/** Windows has no such flag. */
const NO_HANG = constants.O_NONBLOCK ?? 0;

/**
 * Opens a file to send; a symlink of the caller is followed.
 *
 * @throws {@link PosternError} `transfer/source-unreadable` when it cannot be opened or is a
 * directory, FIFO, device or socket (`details.kind`), or others cannot store its name
 * (`details.reason`).
 */
export async function fileSource(
  path: string,
  calls: PromptCalls = new PromptCalls(),
): Promise<ContentSource> {
  const name = sendableName(basename(path), path);
  try {
    // Before the open: opening a device can already do something, opening a FIFO can wait for ever.
    expectFile(await stat(path, { bigint: true }));
    const handle = await open(path, constants.O_RDONLY | NO_HANG);
    try {
      const stats = await handle.stat({ bigint: true });
      expectFile(stats);
      return new FileSource(handle, name, stats, calls);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw sourceError("cannot open the file", error);
  }
}

class FileSource implements ContentSource {
  readonly info: ContentInfo;
  readonly #size: number;
  readonly #handle: FileHandle;
  readonly #announced: BigIntStats;
  readonly #calls: PromptCalls;
  #closed = false;

  constructor(handle: FileHandle, name: string, stats: BigIntStats, calls: PromptCalls) {
    this.#size = Number(stats.size);
    this.#handle = handle;
    this.#announced = stats;
    this.#calls = calls;
    this.info = { kind: "file", name, size: this.#size };
  }

  readNow(into: Uint8Array, offset: number): number | undefined {
    const rest = this.#size - offset;
    // The end is looked at more closely, which takes longer.
    if (this.#closed || rest <= into.length || !this.#calls.next()) return undefined;
    try {
      const { fd } = this.#handle;
      const filled = this.#calls.make(() => readSync(fd, into, 0, into.length, offset));
      if (filled === 0) throw changed("shorter than announced");
      this.#expectUnchanged();
      return filled;
    } catch (error) {
      throw sourceError("cannot read the file", error);
    }
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the source is closed");
    const wanted = Math.max(0, Math.min(into.length, this.#size - offset));
    let filled = 0;
    try {
      while (filled < wanted) {
        const left = wanted - filled;
        const { bytesRead } = await this.#handle.read(into, filled, left, offset + filled);
        if (bytesRead === 0) throw changed("shorter than announced");
        filled += bytesRead;
      }
      this.#expectUnchanged();
      if (offset + filled >= this.#size) await this.#expectEnd();
    } catch (error) {
      throw sourceError("cannot read the file", error);
    }
    return filled;
  }

  verified(): void {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#expectUnchanged();
      await this.#expectEnd();
    } catch (error) {
      throw sourceError("cannot read the file", error);
    } finally {
      await this.#handle.close();
    }
  }

  #expectUnchanged(): void {
    // Synchronous: it takes microseconds, and a round through the thread pool a hundred times that.
    const now = fstatSync(this.#handle.fd, { bigint: true });
    const then = this.#announced;
    if (now.size !== then.size) throw changed(now.size < then.size ? "shrank" : "grew");
    if (now.mtimeNs !== then.mtimeNs) throw changed("was written to");
  }

  async #expectEnd(): Promise<void> {
    // Files under /proc and their like say size 0 and hold something.
    const beyond = await this.#handle.read(new Uint8Array(1), 0, 1, this.#size);
    if (beyond.bytesRead !== 0) throw changed("longer than announced");
  }
}

function changed(how: string): PosternError {
  return new PosternError("transfer/source-changed", `the file ${how}`, { how });
}

function expectFile(stats: BigIntStats): void {
  const kind = otherKind(stats);
  if (kind !== undefined)
    throw new PosternError("transfer/source-unreadable", `not a file: a ${kind}`, { kind });
  if (stats.size > BigInt(Number.MAX_SAFE_INTEGER))
    throw new PosternError("transfer/source-unreadable", "larger than 2^53 - 1 bytes");
}

function otherKind(stats: BigIntStats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return "directory";
  if (stats.isFIFO()) return "FIFO";
  return stats.isSocket() ? "socket" : "device";
}
