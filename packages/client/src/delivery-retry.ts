/**
 * When a delivery whose transfer broke tries again, and for how long.
 *
 * Invariant: what only time can heal is waited for, as long as the caller has patience; what might
 * be wrong with the content or its way is tried a few times without progress and no more.
 *
 * @module
 */
import type { ErrorCode, PosternError } from "@postern/core/errors";
import { DELIVERY_TRIES_MAX } from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";

/** Somebody is not there, or has no room now. */
const ABSENCES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "link/closed",
  "link/timed-out",
  "relay/unreachable",
  "relay/overloaded",
  "relay/restarting",
  "peer/absent",
  "peer/busy",
]);
/** More of the same, said of somebody who has been there. */
const LOSSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "peer/gone",
  // A relay that has lost its names, or a receiver that is on its way back.
  "peer/unknown",
  "peer/profile-refused",
]);
/** May be a fault of the way, or of this content on it. */
const BREAKS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "peer/timed-out",
  "peer/no-package",
  "peer/channel-stale",
  "transfer/interrupted",
  "transfer/truncated",
  "transfer/pipe-lost",
  "transfer/framing",
  "transfer/damaged",
  "transfer/session-expired",
]);
/** The relay, or the way to it: its return may be noticed. */
const OF_RELAY = /^(?:link|relay)\//u;

const WAIT_MS_MIN = 1_000;
const WAIT_MS_MAX = 30_000;

export interface RetryOptions {
  /** How long the other side may be gone; `undefined`: for ever. */
  readonly patienceMs: number | undefined;
  /** 0 to 1: who was cut off together need not come back at one moment. */
  readonly jitter: () => number;
}

export interface Wait {
  readonly for: "relay" | "receiver";
  readonly inMs: number;
}

export class DeliveryRetry {
  readonly #options: RetryOptions;
  #wasThere: boolean;
  /** Since when nothing has gone on. */
  #since: InstantMs | undefined;
  /** Of each its own: a relay that was long away brings its clients back within a moment. */
  #waitMs = { relay: WAIT_MS_MIN, receiver: WAIT_MS_MIN };
  #breaks = 0;

  /** @param wasThere the receiver has accepted this content before. */
  constructor(options: RetryOptions, wasThere: boolean) {
    this.#options = options;
    this.#wasThere = wasThere;
  }

  /** The receiver takes the content. */
  accepted(): void {
    this.#wasThere = true;
    this.#since = undefined;
  }

  /** More of the content is there than ever before. */
  progressed(): void {
    this.#waitMs = { relay: WAIT_MS_MIN, receiver: WAIT_MS_MIN };
    this.#breaks = 0;
  }

  /** How long to wait after `error`; `undefined`: it is final. */
  next(error: PosternError, isResumed: boolean, now: InstantMs): Wait | undefined {
    if (!this.#isPassing(error.code, isResumed)) return undefined;
    this.#since ??= now;
    const { patienceMs, jitter } = this.#options;
    const left = patienceMs === undefined ? WAIT_MS_MAX : after(this.#since, patienceMs) - now;
    if (left <= 0) return undefined;
    const whom = OF_RELAY.test(error.code) ? "relay" : "receiver";
    const waitMs = this.#waitMs[whom];
    const inMs = Math.round(Math.min(waitMs * (0.75 + jitter() / 2), left));
    this.#waitMs[whom] = Math.min(2 * waitMs, WAIT_MS_MAX);
    return { for: whom, inMs };
  }

  #isPassing(code: ErrorCode, isResumed: boolean): boolean {
    if (ABSENCES.has(code)) return this.#wasThere || isResumed;
    if (!this.#wasThere) return false;
    if (LOSSES.has(code)) return true;
    return BREAKS.has(code) && ++this.#breaks < DELIVERY_TRIES_MAX;
  }
}
