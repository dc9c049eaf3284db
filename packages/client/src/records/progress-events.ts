import type { InstantMs } from "@postern/core/time";
import type { RecordsEvent } from "./options.ts";

/** A person cannot read more. */
const EVERY_MS = 100;

/** `progress` events of one transfer, ten a second at most. */
export class ProgressEvents {
  readonly #emit: (event: RecordsEvent) => void;
  readonly #total: number | undefined;
  #nextAt = 0;

  constructor(emit: (event: RecordsEvent) => void, total: number | undefined) {
    this.#emit = emit;
    this.#total = total;
  }

  /** `session`: the key in use, by number, and when it began; the last report is always given. */
  report(
    bytes: number,
    session: { readonly number: number; readonly since: InstantMs | undefined },
    now: InstantMs,
  ): void {
    if (now < this.#nextAt && bytes !== this.#total) return;
    this.#nextAt = now + EVERY_MS;
    this.#emit({
      type: "progress",
      bytes,
      total: this.#total,
      sessionKey: session.number,
      keyAgeMs: session.since === undefined ? 0 : Math.max(0, Math.round(now - session.since)),
    });
  }
}
