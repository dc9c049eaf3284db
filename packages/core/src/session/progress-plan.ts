/**
 * When the receiver reports what it has verified and written (docs/protocol.md 8.2). Early in a
 * transfer after every doubling, so that a sender on a slow path, which starts with little under
 * way, soon learns how fast it is; later every `PROGRESS_EVERY_BYTES` or `PROGRESS_EVERY_MS`.
 *
 * @module
 */
import {
  PROGRESS_EVERY_BYTES,
  PROGRESS_EVERY_MS,
  PROGRESS_EVERY_RECORDS,
  RECORD_BYTES_MIN,
} from "../limits.ts";
import { after, type InstantMs } from "../time.ts";

export class ProgressPlan {
  readonly #fromOffset: number;
  #reported: number;
  #reportedAt: InstantMs;
  #records = 0;

  constructor(fromOffset: number, startedAt: InstantMs) {
    this.#fromOffset = fromOffset;
    this.#reported = fromOffset;
    this.#reportedAt = startedAt;
  }

  /** One more record is written, up to `offset`. True when that is to be reported now. */
  due(offset: number, now: InstantMs): boolean {
    this.#records++;
    const sofar = this.#reported - this.#fromOffset;
    const step = Math.min(PROGRESS_EVERY_BYTES, Math.max(RECORD_BYTES_MIN, sofar));
    const due =
      offset - this.#reported >= step ||
      this.#records >= PROGRESS_EVERY_RECORDS ||
      now >= after(this.#reportedAt, PROGRESS_EVERY_MS);
    if (!due) return false;
    this.#reported = offset;
    this.#reportedAt = now;
    this.#records = 0;
    return true;
  }
}
