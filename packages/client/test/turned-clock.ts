/** A clock that a test turns. @module */
import { after, type InstantMs } from "@postern/core/time";
import type { Clock } from "../src/records/clock.ts";

/** Time stands still until {@link advance}; every timer that falls due is run in its order. */
export class TurnedClock implements Clock {
  #now = 0 as InstantMs;
  #timers: { readonly at: InstantMs; readonly run: () => void }[] = [];

  now(): InstantMs {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: after(this.#now, delayMs), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, and whatever the timers start has its turn in between. */
  async advance(ms: number): Promise<void> {
    const end = after(this.#now, ms);
    await settle();
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.run();
      await settle();
    }
    this.#now = end;
  }
}

/** Everything that can go on without time passing has gone on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
