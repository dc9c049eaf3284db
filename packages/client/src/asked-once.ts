/**
 * An answer of the relay that is asked for once a link, for everybody who wants it.
 *
 * Invariants: nobody waits longer than `ANSWER_TIMEOUT_MS`; an answer that comes later serves who
 * comes after it; while one is overdue, and after one that was none, who comes asks anew.
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import { ANSWER_TIMEOUT_MS } from "@postern/core/limits";
import type { Clock } from "./records/clock.ts";
import { within } from "./within.ts";

export class AskedOnce<T> {
  readonly #clock: Clock;
  readonly #ask: () => Promise<T>;
  readonly #late: () => PosternError;
  #asked: Promise<T> | undefined;
  #overdue: Promise<T> | undefined;

  constructor(clock: Clock, ask: () => Promise<T>, late: () => PosternError) {
    this.#clock = clock;
    this.#ask = ask;
    this.#late = late;
  }

  /** What was answered does not hold any more. */
  forget(): void {
    this.#asked = undefined;
  }

  /** @throws {@link PosternError} those of the question, and `late()` */
  async answer(): Promise<T> {
    if (this.#asked === undefined || this.#asked === this.#overdue) this.#asked = this.#ask();
    const asked = this.#asked;
    asked.then(
      () => {
        if (this.#overdue === asked) this.#overdue = undefined;
      },
      () => {
        if (this.#asked === asked) this.#asked = undefined;
      },
    );
    return await within(asked, ANSWER_TIMEOUT_MS, this.#clock, () => {
      this.#overdue = asked;
      return this.#late();
    });
  }
}
