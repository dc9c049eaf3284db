/**
 * Reads frames from one pipe, and finds out when it stands still in the middle of one: a length
 * that was damaged on the way asks for bytes that nobody sends (docs/protocol.md 8.1). The pipe is
 * then destroyed, as if it had been lost.
 *
 * @module
 */
import { FRAME_STALL_MS_MAX } from "@postern/core/limits";
import { Alarm } from "./alarm.ts";
import type { BytePipe } from "./byte-pipe.ts";
import type { Clock } from "./clock.ts";

export class FrameReader {
  readonly #pipe: BytePipe;
  readonly #watch: Alarm;
  /** Bytes of the pipe that were read, and where in them the frame starts. */
  #read = 0;
  #frameStart = 0;
  #isReading = false;
  /** Bytes that had arrived when the watch looked last. */
  #seen = -1;

  constructor(pipe: BytePipe, clock: Clock) {
    this.#pipe = pipe;
    this.#watch = new Alarm(clock, () => this.#look());
    this.#watch.arm(FRAME_STALL_MS_MAX);
  }

  /** As {@link BytePipe.read}: the header of the next frame. */
  header(into: Uint8Array): Promise<number> {
    this.#frameStart = this.#read;
    return this.body(into);
  }

  /** As {@link BytePipe.read}: what follows the header. */
  async body(into: Uint8Array): Promise<number> {
    this.#isReading = true;
    try {
      const count = await this.#pipe.read(into);
      this.#read += count;
      return count;
    } finally {
      this.#isReading = false;
    }
  }

  /** The pipe is somebody else's from now on. */
  stop(): void {
    this.#watch.cancel();
  }

  #look(): void {
    const { arrived } = this.#pipe;
    const isWithin = this.#isReading && arrived > this.#frameStart;
    if (isWithin && arrived === this.#seen) return this.#pipe.destroy();
    this.#seen = arrived;
    this.#watch.arm(FRAME_STALL_MS_MAX);
  }
}
