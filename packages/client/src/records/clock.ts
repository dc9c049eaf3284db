import type { InstantMs } from "@postern/core/time";

/** Monotonic time and the only timers of the data path, so that tests can turn both by hand. */
export interface Clock {
  now(): InstantMs;
  /** Calls `run` once, `delayMs` from now. The returned function takes it back. */
  after(delayMs: number, run: () => void): () => void;
}
