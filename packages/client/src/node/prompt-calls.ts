/**
 * Whether a file's bytes are read and written on this thread or in the thread pool. What the system
 * has in its memory, or takes into it, is done in the time that the pool needs to hear of it, and
 * the bytes stay in this core's cache: a tenth of the CPU of a whole transfer, measured on two
 * cores. A call that waits for a disk would hold up everything else, so after some slow ones the
 * pool makes them, for longer each time. Where cores are idle the pool's calls run beside this
 * thread, which is faster.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { monotonicMs } from "./monotonic.ts";

/** Two cores have no time left for a pool beside sender, relay and receiver. */
const FEW_CORES = 2;

/** Copying 1 MiB takes a fifth of it; a disk that reads 700 MiB a second, all of it. */
const PROMPT_MS_MAX = 1.5;

/** A slow call costs two prompt ones: some are only late because another program had the core. */
const CREDIT_MAX = 8;
const SLOW_COST = 2;

/** No other program keeps a core for so long: a disk that wakes up, a network that has gone. */
const HELD_UP_MS = 100;

/** Calls that the pool makes before this thread tries again. */
const POOLED_MIN = 64;
const POOLED_MAX = 4_096;

export interface PromptCallsOptions {
  readonly cores?: number;
  /** In milliseconds. */
  readonly now?: () => number;
}

export class PromptCalls {
  readonly #isOff: boolean;
  readonly #now: () => number;
  #credit = CREDIT_MAX;
  #pooled = 0;
  #nextPooled = POOLED_MIN;

  constructor({ cores = availableParallelism(), now = monotonicMs }: PromptCallsOptions = {}) {
    this.#isOff = cores > FEW_CORES;
    this.#now = now;
  }

  /** Whether the next call is to be made here, by {@link make}. Asked once for each. */
  next(): boolean {
    if (this.#isOff) return false;
    if (this.#pooled === 0) return true;
    this.#pooled--;
    return false;
  }

  make<Result>(call: () => Result): Result {
    const began = this.#now();
    const result = call();
    this.#judge(this.#now() - began);
    return result;
  }

  #judge(tookMs: number): void {
    if (tookMs <= PROMPT_MS_MAX) {
      this.#credit = Math.min(this.#credit + 1, CREDIT_MAX);
      if (this.#credit === CREDIT_MAX) this.#nextPooled = POOLED_MIN;
      return;
    }
    this.#credit -= tookMs < HELD_UP_MS ? SLOW_COST : CREDIT_MAX;
    if (this.#credit > 0) return;
    // The next one after the pause decides alone.
    this.#credit = 1;
    this.#pooled = this.#nextPooled;
    this.#nextPooled = Math.min(2 * this.#nextPooled, POOLED_MAX);
  }
}
