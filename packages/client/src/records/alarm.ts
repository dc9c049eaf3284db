import type { Clock } from "./clock.ts";

/** One timer of the data path: armed at most once at a time, and never left behind. */
export class Alarm {
  readonly #clock: Clock;
  readonly #run: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Does nothing when it is armed already. */
  arm(delayMs: number): void {
    this.#cancel ??= this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#run();
    });
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
