/**
 * The other side of a transfer, or the way to it, has gone. What it sent before may still be on its
 * way here: that is taken for `LAST_BYTES_MS`, so that nobody has to send it again.
 *
 * @module
 */
import type { ErrorCode, PosternError } from "@postern/core/errors";
import { LAST_BYTES_MS } from "@postern/core/limits";
import { Alarm } from "./alarm.ts";
import type { Clock } from "./clock.ts";

const GONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "link/closed",
  "link/timed-out",
  "peer/gone",
]);

export class LastBytes {
  readonly #alarm: Alarm;
  #reason: PosternError | undefined;

  /** `onOver`: they have had their time. */
  constructor(clock: Clock, onOver: (reason: PosternError) => void) {
    this.#alarm = new Alarm(clock, () => {
      if (this.#reason !== undefined) onOver(this.#reason);
    });
  }

  /** False when a transfer that ends for this reason has none to wait for. */
  begin(reason: PosternError): boolean {
    if (!GONE.has(reason.code)) return false;
    this.#reason ??= reason;
    this.#alarm.arm(LAST_BYTES_MS);
    return true;
  }

  /** @throws the reason, once they are being taken: nothing else begins then. */
  check(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  cancel(): void {
    this.#alarm.cancel();
  }
}
