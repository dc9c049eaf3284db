/**
 * The way of one transfer's frames: envelopes, or one pipe after the other. Only the newest counts.
 *
 * @module
 */
import { PIPES_PER_TRANSFER_MAX } from "@postern/core/limits";
import type { End, EndHandlers } from "./network.ts";
import type { Pump } from "./pump.ts";

export class TransferPath {
  readonly #guard: (run: () => void) => void;
  readonly #onGone: (pipe: End) => void;
  #pump: Pump | undefined;
  #pipe: End | undefined;
  #pipes = 0;

  /** `onGone` hears of each pipe that is no longer in use. */
  constructor(guard: (run: () => void) => void, onGone: (pipe: End) => void) {
    this.#guard = guard;
    this.#onGone = onGone;
  }

  get pipe(): End | undefined {
    return this.#pipe;
  }

  get hasAnother(): boolean {
    return this.#pipes < PIPES_PER_TRANSFER_MAX;
  }

  serve(pump: Pump): void {
    this.#pump = pump;
  }

  use(pipe: End): void {
    this.close(true);
    this.#pipe = pipe;
    this.#pipes++;
    const tell = (what: (pump: Pump) => void): void =>
      this.#guard(() => {
        if (this.#pump !== undefined && this.#pipe === pipe) what(this.#pump);
      });
    const handlers: EndHandlers = {
      onBytes: (bytes) => tell((pump) => pump.onBytes(bytes)),
      onEnd: () => tell((pump) => pump.onEnd()),
      onCut: () => {
        this.#onGone(pipe);
        tell((pump) => pump.onCut());
      },
    };
    pipe.handlers = handlers;
  }

  close(lost: boolean): void {
    const pipe = this.#pipe;
    if (pipe === undefined) return;
    if (lost) pipe.destroy();
    else pipe.end();
    this.#onGone(pipe);
    if (lost) this.#pipe = undefined;
  }
}
