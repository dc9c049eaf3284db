/**
 * Synchronous work in bounded slices: a call for a small file costs a tenth of a round through the
 * thread pool, but whoever makes a hundred thousand of them must let others have their turn.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { monotonicMs } from "./monotonic.ts";

/** Short beside anything that a timer of the protocol measures. */
const SLICE_MS = 4;

export class Slices {
  #began = monotonicMs();

  /** To be asked between two calls: then {@link pause}. */
  get isOver(): boolean {
    return monotonicMs() - this.#began > SLICE_MS;
  }

  async pause(): Promise<void> {
    await setImmediate();
    this.#began = monotonicMs();
  }
}
