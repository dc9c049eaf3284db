/** Node's clocks: monotonic time, timers, and the date. @module */
import type { InstantMs, WallMs } from "@postern/core/time";
import type { Clock } from "../records/clock.ts";
import { monotonicMs } from "./monotonic.ts";

export const nodeClock: Clock = {
  now: () => monotonicMs() as InstantMs,
  after(delayMs, run) {
    if (delayMs <= 0) {
      // A timer would wait for a millisecond.
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

export function wallClock(): WallMs {
  return Date.now() as WallMs;
}
