/**
 * What an identity may still do in this minute, on whichever link: who comes again brings no other
 * minute along (docs/protocol.md 6, docs/protocol-end-to-end.md 7.3.7).
 *
 * Invariant: of those who left, the memory is that of a minute.
 *
 * @module
 */
import {
  PACKAGE_FETCHES_PER_MINUTE,
  PACKAGE_PUBLICATIONS_PER_MINUTE,
  QUESTIONS_PER_MINUTE,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { Allowance, Meter } from "./allowance.ts";

const MINUTE_MS = 60_000;

export class Quota {
  /** How often it may still fetch and publish key packages. */
  readonly fetches = new Allowance({ countMax: PACKAGE_FETCHES_PER_MINUTE, windowMs: MINUTE_MS });
  readonly publications = new Allowance({
    countMax: PACKAGE_PUBLICATIONS_PER_MINUTE,
    windowMs: MINUTE_MS,
  });
  /** And ask who is there. */
  readonly questions = new Meter({ countMax: QUESTIONS_PER_MINUTE, windowMs: MINUTE_MS });

  /** Nothing of it is left to remember. */
  isIdle(now: InstantMs): boolean {
    return this.fetches.isIdle(now) && this.publications.isIdle(now) && this.questions.isIdle(now);
  }
}

export class Quotas {
  /** Of identities that are not connected; who left first is the first. */
  readonly #left = new Map<string, Quota>();

  get size(): number {
    return this.#left.size;
  }

  /** Of an identity that comes. */
  take(key: string, now: InstantMs): Quota {
    for (const [gone, quota] of this.#left) {
      if (!quota.isIdle(now)) break;
      this.#left.delete(gone);
    }
    const quota = this.#left.get(key) ?? new Quota();
    this.#left.delete(key);
    return quota;
  }

  /** The identity goes. */
  leave(key: string, quota: Quota): void {
    this.#left.delete(key);
    this.#left.set(key, quota);
  }
}
