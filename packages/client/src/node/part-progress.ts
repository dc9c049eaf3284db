/**
 * Brings a growing part to the disk beside its writes and notes how far it got, so that a computer
 * that loses its power loses little.
 *
 * Invariant: the note never says more than what is on the disk. A journal that cannot be written
 * costs bytes at the next attempt, never the content.
 *
 * @module
 */
import type { FileHandle } from "node:fs/promises";
import type { PosternError } from "@postern/core/errors";
import {
  PART_SYNC_BYTES,
  PART_SYNC_INTERVAL_MS_MIN,
  PART_SYNC_INTERVAL_MS_MAX,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import type { Clock } from "../records/clock.ts";
import { storeError } from "./fs-error.ts";

export interface PartProgressOptions {
  readonly handle: Pick<FileHandle, "datasync">;
  readonly clock: Pick<Clock, "now">;
  /** So many are on the disk already. */
  readonly bytes: number;
  readonly note: (bytes: number) => Promise<void>;
}

export class PartProgress {
  readonly #options: PartProgressOptions;
  #durable: number;
  #syncedAt: InstantMs;
  #syncing: Promise<void> | undefined;
  #failure: PosternError | undefined;

  constructor(options: PartProgressOptions) {
    this.#options = options;
    this.#durable = options.bytes;
    this.#syncedAt = options.clock.now();
  }

  get durable(): number {
    return this.#durable;
  }

  /** A write that has ended reaches up to `end`. @throws what an earlier sync met. */
  written(end: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#syncing !== undefined || !this.#isDue(end)) return;
    const sync = this.#sync(end).finally(() => (this.#syncing = undefined));
    this.#syncing = sync;
    // Thrown by the next write.
    sync.catch(() => {});
  }

  /** Resolves when no sync is under way. @throws what one met. */
  async settled(): Promise<void> {
    await this.#syncing?.catch(() => {});
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything up to `end` is on the disk, and noted. @throws what a sync met. */
  async finish(end: number): Promise<void> {
    await this.settled();
    if (end > this.#durable) await this.#sync(end);
  }

  /**
   * `sync` brings everything to the disk, when no more is written. A system tells once of what was
   * lost: a sync that follows a failed one says nothing of it, so nothing that it says counts.
   */
  async last(sync: () => Promise<void>): Promise<void> {
    await this.settled();
    try {
      await sync();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #isDue(end: number): boolean {
    const bytes = end - this.#durable;
    const elapsed = this.#options.clock.now() - this.#syncedAt;
    if (bytes <= 0 || elapsed < PART_SYNC_INTERVAL_MS_MIN) return false;
    return bytes >= PART_SYNC_BYTES || elapsed >= PART_SYNC_INTERVAL_MS_MAX;
  }

  async #sync(end: number): Promise<void> {
    try {
      await this.#options.handle.datasync();
    } catch (error) {
      throw this.#failed(error);
    }
    this.#durable = end;
    this.#syncedAt = this.#options.clock.now();
    await this.#options.note(end).catch(() => {});
  }

  #failed(error: unknown): PosternError {
    this.#failure = storeError("cannot write the file", error);
    return this.#failure;
  }
}
