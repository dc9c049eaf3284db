/**
 * How much at a time and how much under way. A record that takes seconds on a slow path would hold
 * up everything behind it, and what lies in the buffers of a slow path grows older than its session
 * key may; so both follow what the path takes. A rate limit is a path of known speed.
 *
 * @module
 */
import {
  RECORD_BYTES_MAX,
  RECORD_BYTES_MIN,
  RECORD_BYTES_START,
  RECORD_TARGET_MS,
  UNDER_WAY_TARGET_MS,
  UNVERIFIED_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";

/** With a rate limit: how long one record takes at that rate, and how late one may be made up. */
const THROTTLED_RECORD_MS = 250;

export class Pace {
  readonly #bytesPerMs: number;
  readonly #recordMax: number;
  #record: number;
  #window = WINDOW_BYTES_MIN;
  #sentAt: InstantMs;
  #sentBytes = 0;
  #nextAt: number;
  #verified: number;
  #verifiedAt: InstantMs;

  constructor(rateLimit: number | undefined, fromOffset: number, now: InstantMs) {
    this.#bytesPerMs = rateLimit === undefined ? Number.POSITIVE_INFINITY : rateLimit / 1_000;
    this.#recordMax = recordFor(this.#bytesPerMs, THROTTLED_RECORD_MS);
    this.#record = Math.min(RECORD_BYTES_START, this.#recordMax);
    this.#sentAt = now;
    this.#nextAt = now;
    this.#verified = fromOffset;
    this.#verifiedAt = now;
  }

  /** The longest record to send now. */
  get recordBytes(): number {
    return this.#record;
  }

  /** The most that may be sent and not yet verified. */
  get windowBytes(): number {
    return this.#window;
  }

  /** How long the next record has to wait for the rate limit. */
  delayMs(now: InstantMs): number {
    return Math.max(0, this.#nextAt - now);
  }

  sent(bytes: number, now: InstantMs): void {
    this.#sentAt = now;
    this.#sentBytes = bytes;
    this.#nextAt = Math.max(this.#nextAt, now - THROTTLED_RECORD_MS) + bytes / this.#bytesPerMs;
  }

  /** The pipe has taken the record that was sent. */
  drained(now: InstantMs): void {
    const tookMs = Math.max(1, now - this.#sentAt);
    const target = recordFor(this.#sentBytes / tookMs, RECORD_TARGET_MS);
    this.#record = Math.min(target, this.#record * 2, this.#recordMax);
  }

  /** The receiver has reported; `verified` never falls. */
  progress(verified: number, now: InstantMs): void {
    const tookMs = Math.max(1, now - this.#verifiedAt);
    const target = ((verified - this.#verified) / tookMs) * UNDER_WAY_TARGET_MS;
    this.#verified = verified;
    this.#verifiedAt = now;
    // By no more than half or twice: one report is a sample.
    const window = Math.min(Math.max(target, this.#window / 2), this.#window * 2);
    this.#window = Math.min(Math.max(window, WINDOW_BYTES_MIN), UNVERIFIED_BYTES_MAX);
  }
}

/** The record that a path of this speed takes in `targetMs`, within the protocol's bounds. */
function recordFor(bytesPerMs: number, targetMs: number): number {
  return Math.floor(Math.min(Math.max(bytesPerMs * targetMs, RECORD_BYTES_MIN), RECORD_BYTES_MAX));
}
