/**
 * A receiver's `pause` and `continue` (docs/protocol.md 8.2): one word for whatever holds its sink
 * up, and again on a new pipe, whose sender has forgotten it.
 *
 * @module
 */
export class Patience {
  readonly #say: (kind: "pause" | "continue") => void;
  #isAsked = false;
  /** What was written when the sink was last looked after. */
  #seen: number | undefined;

  constructor(say: (kind: "pause" | "continue") => void) {
    this.#say = say;
  }

  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#say("pause");
  }

  /** The sink has taken something, and has room. */
  end(): void {
    if (!this.#isAsked) return;
    this.#isAsked = false;
    this.#say("continue");
  }

  newPipe(): void {
    if (this.#isAsked) this.#say("pause");
  }

  /** Now and then: a sink that is stuck needs patience, however little waits for it. */
  look(isBusy: boolean, written: number): void {
    if (isBusy && written === this.#seen) this.ask();
    this.#seen = written;
  }
}
