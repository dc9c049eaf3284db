/**
 * The relay's time, as a port: tests put a clock of their own in its place.
 *
 * @module
 */
import type { InstantMs, WallMs } from "@postern/core/time";

export interface RelayClock {
  now(): InstantMs;
  wall(): WallMs;
  /** Calls back once, at `at` or later. Returns what cancels it. */
  wakeAt(at: InstantMs, call: () => void): () => void;
}

export const systemClock: RelayClock = {
  now: () => performance.now() as InstantMs,
  wall: () => Date.now() as WallMs,
  wakeAt(at, call) {
    // Rounded up, or the timer could fire just before `at`.
    const timer = setTimeout(call, Math.max(0, Math.ceil(at - performance.now())));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
