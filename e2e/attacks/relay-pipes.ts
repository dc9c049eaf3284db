/**
 * The pipes of the lying relay: bytes are copied from one end to the other frame by frame, and a
 * hook may put others in their place.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { EndId, PipeId, SwitchboardInput } from "@postern/relay";
import { MemoryPipe } from "./memory-pipe.ts";

/** Which frame it is. */
export interface FramePlace {
  readonly writer: string;
  readonly pipe: PipeId;
  /** Counted from 0 for each end. */
  readonly index: number;
  /** To the end it was written for. */
  readonly forward: (bytes: Uint8Array) => void;
  /** To the one who wrote it. */
  readonly back: (bytes: Uint8Array) => void;
}

interface End {
  readonly writer: string;
  readonly pipe: MemoryPipe;
  /** What was written before the other end came, `undefined` for its end. */
  readonly held: (Uint8Array | undefined)[];
  frames: number;
  hand: ((frame: Uint8Array | undefined) => void) | undefined;
  lose: () => void;
}

export class RelayPipes {
  /** What arrives instead of a frame. */
  onFrame: (frame: Uint8Array, place: FramePlace) => readonly Uint8Array[] = (frame) => [frame];
  /** Whose ticket it is, by its hexadecimal. */
  readonly owners = new Map<string, string>();
  /** Every frame that a client wrote. */
  readonly written: { readonly frame: Uint8Array; readonly writer: string }[] = [];
  readonly #input: (input: SwitchboardInput) => void;
  readonly #ends = new Map<EndId, End>();
  #numbers = 0;

  constructor(input: (input: SwitchboardInput) => void) {
    this.#input = input;
  }

  /** A client presents a ticket; `undefined` when the relay does not know it. */
  open(ticket: Uint8Array): MemoryPipe | undefined {
    const id = `end ${++this.#numbers}`;
    const pipe = new MemoryPipe({
      onFrame: (frame) => this.#take(end, frame),
      onEnd: () => this.#take(end, undefined),
      onDestroyed: () => end.lose(),
    });
    const lose = (): void => {
      this.#ends.delete(id);
      this.#input({ kind: "pipe-left", end: id });
    };
    const writer = this.owners.get(hex(ticket)) ?? "";
    const end: End = { writer, pipe, held: [], frames: 0, hand: undefined, lose };
    this.#ends.set(id, end);
    this.#input({ kind: "pipe-arrived", end: id, ticket });
    return this.#ends.has(id) ? pipe : undefined;
  }

  /** Cuts every pipe of a client without a word. */
  cut(writer: string): void {
    for (const end of this.#ends.values()) if (end.writer === writer) end.pipe.destroy();
  }

  drop(id: EndId): void {
    const end = this.#ends.get(id);
    this.#ends.delete(id);
    end?.pipe.lose();
  }

  join(pipe: PipeId, [first, second]: readonly [EndId, EndId]): void {
    const [a, b] = [this.#ends.get(first), this.#ends.get(second)];
    if (a === undefined || b === undefined) return this.#input({ kind: "pipe-ended", pipe });
    let open = 2;
    const finish = (): void => {
      if (!this.#ends.delete(first)) return;
      this.#ends.delete(second);
      this.#input({ kind: "pipe-ended", pipe });
    };
    const cut = (): void => {
      finish();
      a.pipe.lose();
      b.pipe.lose();
    };
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.lose = cut;
      from.hand = (frame) => {
        if (frame !== undefined) return this.#pass(from, to, frame, pipe);
        to.pipe.hearEnd();
        if (--open === 0) finish();
      };
      for (const frame of from.held.splice(0)) from.hand(frame);
    }
  }

  #take(end: End, frame: Uint8Array | undefined): void {
    if (frame !== undefined) this.written.push({ frame, writer: end.writer });
    queueMicrotask(() => {
      if (end.hand === undefined) end.held.push(frame);
      else end.hand(frame);
    });
  }

  #pass(from: End, to: End, frame: Uint8Array, pipe: PipeId): void {
    const place: FramePlace = {
      writer: from.writer,
      pipe,
      index: from.frames++,
      forward: (bytes) => to.pipe.deliver(bytes),
      back: (bytes) => from.pipe.deliver(bytes),
    };
    for (const each of this.onFrame(frame, place)) place.forward(each);
  }
}
