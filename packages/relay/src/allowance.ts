/**
 * How often something may be done: at most so many times in any window that ends now.
 *
 * @module
 */
import type { InstantMs } from "@postern/core/time";

export interface Rate {
  readonly countMax: number;
  readonly windowMs: number;
}

export class Allowance {
  readonly #rate: Rate;
  /** Of what was allowed and is still in the window, oldest first. */
  readonly #times: InstantMs[] = [];

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Whether it may be done once more now. What is not allowed counts for nothing. */
  take(now: InstantMs): boolean {
    for (let first = this.#times[0]; first !== undefined; first = this.#times[0]) {
      if (now - first < this.#rate.windowMs) break;
      this.#times.shift();
    }
    if (this.#times.length >= this.#rate.countMax) return false;
    this.#times.push(now);
    return true;
  }

  /** Nothing of it is left to remember. */
  isIdle(now: InstantMs): boolean {
    const last = this.#times.at(-1);
    return last === undefined || now - last >= this.#rate.windowMs;
  }
}

/**
 * For what is cheap and done often: `countMax` at once, and in the long run as many in each window.
 * It remembers one number, however many they are.
 */
export class Meter {
  readonly #rate: Rate;
  /** When all that was allowed is worked off, at the pace of the long run. */
  #until = -Infinity;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Whether so many may be done now. What is not allowed counts for nothing. */
  take(now: InstantMs, count = 1): boolean {
    const { countMax, windowMs } = this.#rate;
    const until = Math.max(this.#until, now) + (count * windowMs) / countMax;
    if (until - now > windowMs) return false;
    this.#until = until;
    return true;
  }

  /** Nothing of it is left to remember. */
  isIdle(now: InstantMs): boolean {
    return this.#until <= now;
  }
}

/** One {@link Allowance} for each key that has used one within the window. */
export class Allowances {
  readonly #rate: Rate;
  /** The one used longest ago is the first. */
  readonly #byKey = new Map<string, Allowance>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get size(): number {
    return this.#byKey.size;
  }

  take(key: string, now: InstantMs): boolean {
    this.#forgetIdle(now);
    const allowance = this.#byKey.get(key) ?? new Allowance(this.#rate);
    if (!allowance.take(now)) return false;
    this.#byKey.delete(key);
    this.#byKey.set(key, allowance);
    return true;
  }

  #forgetIdle(now: InstantMs): void {
    for (const [key, allowance] of this.#byKey) {
      if (!allowance.isIdle(now)) return;
      this.#byKey.delete(key);
    }
  }
}
