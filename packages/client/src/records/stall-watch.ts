/**
 * Tells a pipe that is of no use from one that is slow (docs/protocol.md 8.1): a relay may swallow
 * a frame and pass on all others, or swallow every word of one side. A receiver that has said
 * `pause` may take as long as it likes, and so may one that has everything and is storing it; both
 * say every `PING_INTERVAL_MS` that they are there.
 *
 * @module
 */
import { PIPE_STALLED_MS } from "@postern/core/limits";
import type { ReverseOutcome } from "@postern/core/session";
import type { InstantMs } from "@postern/core/time";

/** What the sender's machine knows. */
export interface UnderWay {
  readonly phase: string;
  readonly offset: number;
  readonly verified: number;
  readonly paused: boolean;
}

export class StallWatch {
  #verified = -1;
  #movedAt: InstantMs;
  #heardAt: InstantMs;
  /** The receiver has the last record: only `done` is missing. */
  #isWhole = false;

  constructor(now: InstantMs) {
    this.#movedAt = now;
    this.#heardAt = now;
  }

  /** Something is about to be sent: after a while with nothing under way, the wait begins. */
  sending({ offset, verified }: UnderWay, now: InstantMs): void {
    if (offset === verified) this.#movedAt = now;
  }

  /** A frame of the receiver that opened. What it asks for or lets go on has its own time. */
  heard({ verified }: UnderWay, kind: ReverseOutcome["kind"], now: InstantMs): void {
    if (kind === "broken") return;
    this.#heardAt = now;
    if (verified > this.#verified || kind !== "progress") this.#movedAt = now;
    this.#verified = verified;
  }

  /** All but `done` is known to have arrived. */
  whole(): void {
    this.#isWhole = true;
  }

  newPipe(now: InstantMs): void {
    this.#movedAt = now;
    this.#heardAt = now;
  }

  /** Why this pipe is of no use; `undefined` while it may be. */
  why({ phase, offset, verified, paused }: UnderWay, now: InstantMs): string | undefined {
    if (now - this.#heardAt >= PIPE_STALLED_MS) return "the receiver has fallen silent";
    const isWaiting = !paused && (offset > verified || (phase === "expect-done" && !this.#isWhole));
    const isStalled = isWaiting && now - this.#movedAt >= PIPE_STALLED_MS;
    return isStalled ? "nothing that is sent is verified any more" : undefined;
  }
}
