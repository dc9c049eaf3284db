/**
 * How much at a time and how much under way. A record that takes seconds on a slow path would hold
 * up everything behind it; what lies in the buffers of a path grows older than its session key may,
 * and is lost when one side goes. So both follow what the path takes, and no more is under way than
 * keeps it busy: a little over what it holds by itself, and what the receiver has not reported yet.
 * A rate limit is a path of known speed.
 *
 * @module
 */
import {
  RECORD_BYTES_MAX,
  RECORD_BYTES_MIN,
  RECORD_BYTES_START,
  RECORD_TARGET_MS,
  UNREPORTED_BYTES_MAX,
  UNREPORTED_TARGET_MS,
  UNVERIFIED_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";

/** With a rate limit: how long one record takes at that rate, and how late one may be made up. */
const THROTTLED_RECORD_MS = 250;

/** More than the path was seen to hold: else nobody would learn that it holds more. */
const GROWTH = 1.25;

/** So many records in a window are enough to keep the path busy with one less. */
const WIDE_RECORDS = 4;

/** A record, or some short ones, on the way. */
interface UnderWay {
  readonly end: number;
  readonly sentAt: InstantMs;
  /** What the receiver had reported then. */
  readonly verified: number;
}

export class Pace {
  readonly #bytesPerMs: number;
  readonly #recordMax: number;
  #record: number;
  #window = WINDOW_BYTES_MIN;
  #sentAt: InstantMs;
  #sentBytes = 0;
  #nextAt: number;
  #offset: number;
  #verified: number;
  /**
   * How long a record and its report take when nothing else is on the way: the shortest time on
   * this pipe. Forgetting it would take the buffers that this side fills for the path itself.
   */
  #shortestMs = Number.POSITIVE_INFINITY;
  /** In order; no two of them within `RECORD_BYTES_MIN`. */
  #underWay: UnderWay[] = [];

  constructor(rateLimit: number | undefined, fromOffset: number, now: InstantMs) {
    this.#bytesPerMs = rateLimit === undefined ? Number.POSITIVE_INFINITY : rateLimit / 1_000;
    this.#recordMax = recordFor(this.#bytesPerMs, THROTTLED_RECORD_MS);
    this.#record = Math.min(RECORD_BYTES_START, this.#recordMax);
    this.#sentAt = now;
    this.#nextAt = now;
    this.#offset = fromOffset;
    this.#verified = fromOffset;
  }

  /** The longest record to send now. */
  get recordBytes(): number {
    return this.#record;
  }

  /** The most that may be sent and not yet verified. */
  get windowBytes(): number {
    return this.#window;
  }

  /** How many of `wanted` bytes may go when `underWay` bytes do; 0: a report comes first. */
  portion(wanted: number, underWay: number): number {
    const room = this.#window - underWay;
    // A record of odd bytes costs as much as a whole one; a narrow window has no time to wait.
    const isWide = this.#window >= WIDE_RECORDS * wanted;
    const least = isWide ? wanted : Math.min(wanted, RECORD_BYTES_MIN);
    return room < least ? 0 : Math.min(wanted, room);
  }

  /** How long the next record has to wait for the rate limit. */
  delayMs(now: InstantMs): number {
    return Math.max(0, this.#nextAt - now);
  }

  sent(bytes: number, now: InstantMs): void {
    this.#sentAt = now;
    this.#sentBytes = bytes;
    this.#nextAt = Math.max(this.#nextAt, now - THROTTLED_RECORD_MS) + bytes / this.#bytesPerMs;
    this.#offset += bytes;
    const before = this.#underWay.at(-1)?.end ?? this.#verified;
    if (this.#offset - before < RECORD_BYTES_MIN) return;
    this.#underWay.push({ end: this.#offset, sentAt: now, verified: this.#verified });
  }

  /** The pipe has taken the record that was sent. */
  drained(now: InstantMs): void {
    const tookMs = Math.max(1, now - this.#sentAt);
    const target = recordFor(this.#sentBytes / tookMs, RECORD_TARGET_MS);
    this.#record = Math.min(target, this.#record * 2, this.#recordMax);
  }

  /** The receiver has reported; `verified` never falls. */
  progress(verified: number, now: InstantMs): void {
    this.#verified = verified;
    const arrived = this.#underWay.findLastIndex(({ end }) => end <= verified);
    const last = this.#underWay[arrived];
    if (last === undefined) return;
    this.#underWay.splice(0, arrived + 1);
    const tripMs = Math.max(1, now - last.sentAt);
    this.#shortestMs = Math.min(this.#shortestMs, tripMs);
    const bytesPerMs = (verified - last.verified) / tripMs;
    const target =
      GROWTH * bytesPerMs * this.#shortestMs +
      Math.min(bytesPerMs * UNREPORTED_TARGET_MS, UNREPORTED_BYTES_MAX);
    // Down by little: one report is a sample, and a computer that was busy looks like a slow path.
    const window = Math.min(Math.max(target, this.#window * 0.875), this.#window * 2);
    this.#window = Math.min(Math.max(window, WINDOW_BYTES_MIN), UNVERIFIED_BYTES_MAX);
  }

  /** Another pipe, which may go another way. */
  newPipe(): void {
    this.#shortestMs = Number.POSITIVE_INFINITY;
  }

  /** What follows is sent again from here on: nothing is known of what was under way. */
  restarted(offset: number): void {
    this.#offset = offset;
    this.#underWay = [];
  }
}

/** The record that a path of this speed takes in `targetMs`, within the protocol's bounds. */
function recordFor(bytesPerMs: number, targetMs: number): number {
  return Math.floor(Math.min(Math.max(bytesPerMs * targetMs, RECORD_BYTES_MIN), RECORD_BYTES_MAX));
}
