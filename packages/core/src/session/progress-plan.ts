/**
 * When the receiver reports what it has verified and written (docs/protocol.md 8.2): early in a
 * transfer after every doubling, so that a sender on a slow path, which starts with little under
 * way, soon learns how fast it is; later every `PROGRESS_EVERY_BYTES`. The driver adds the third
 * rule: nothing stays unreported for longer than `PROGRESS_EVERY_MS`.
 *
 * @module
 */
import { PROGRESS_EVERY_BYTES, PROGRESS_EVERY_RECORDS, RECORD_BYTES_MIN } from "../limits.ts";

export class ProgressPlan {
  readonly #fromOffset: number;
  #reported: number;
  #records = 0;

  constructor(fromOffset: number) {
    this.#fromOffset = fromOffset;
    this.#reported = fromOffset;
  }

  /** One more record is written, up to `offset`. True when that is to be reported at once. */
  written(offset: number): boolean {
    this.#records++;
    const sofar = this.#reported - this.#fromOffset;
    const step = Math.min(PROGRESS_EVERY_BYTES, Math.max(RECORD_BYTES_MIN, sofar));
    return offset - this.#reported >= step || this.#records >= PROGRESS_EVERY_RECORDS;
  }

  /** Everything up to `offset` is being reported. */
  reported(offset: number): void {
    this.#reported = offset;
    this.#records = 0;
  }
}
