/**
 * Time that stands still until a test turns it, for clients and relay alike. What needs no time
 * goes on by itself: everything here runs in microtasks.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type { ClientPorts } from "@postern/client";
import type { InstantMs } from "@postern/core/time";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class TurnedClock {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();

  now(): InstantMs {
    return this.#now as InstantMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets `ms` pass; each timer that falls due runs in its turn, and what it starts goes on. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next())
      await this.#run(next);
    this.#now = end;
  }

  /** Time passes only where nothing else can go on. @throws when `limitMs` were not enough. */
  async until<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    const end = this.#now + limitMs;
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await settle();
      if (isSettled) return await promise;
      const next = this.#next();
      if (next === undefined || next.at > end) throw new Error(`nothing came in ${limitMs} ms`);
      await this.#run(next);
    }
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }

  async #run(timer: Timer): Promise<void> {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.run();
    await settle();
  }
}

/** The clock of a device whose time has stopped: no timer of its own ever runs. */
export function stoppedClock(clock: TurnedClock): ClientPorts["clock"] {
  const now = clock.now();
  return { now: () => now, after: () => () => undefined };
}

/** All microtasks, and those they started, have run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}
