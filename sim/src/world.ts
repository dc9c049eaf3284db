/**
 * Virtual time, a queue of what is to happen, and the trace of what did. Events of one moment run
 * in the order in which they were planned; promises of the asynchronous ports are waited for
 * between two events. So a run depends on its seed alone.
 *
 * @module
 */
import type { InstantMs, WallMs } from "@postern/core/time";
import { nativeSuite } from "@postern/node";
import type { Prng } from "./prng.ts";

/** When the simulated world begins, by its wall clocks. */
const WALL_START = 1_800_000_000_000;

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class World {
  readonly prng: Prng;
  readonly trace: string[] = [];
  readonly #queue: Event[] = [];
  readonly #jobs: (() => Promise<void>)[] = [];
  #fingerprint = 0x811c9dc5 | 0;
  #now = 0;
  #order = 0;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  now(): InstantMs {
    return this.#now as InstantMs;
  }

  /** A wall clock that is `offsetMs` wrong. */
  wall(offsetMs = 0): WallMs {
    return (WALL_START + this.#now + offsetMs) as WallMs;
  }

  note(line: string): void {
    this.trace.push(`${this.#now} ${line}`);
  }

  /** Bytes that crossed the network: two runs with one fingerprint sent the same. */
  saw(bytes: Uint8Array): void {
    const [a = 0, b = 0, c = 0, d = 0] = nativeSuite.sha256(bytes);
    const digest = (a << 24) | (b << 16) | (c << 8) | d;
    this.#fingerprint = Math.imul(this.#fingerprint ^ digest, 0x01000193);
  }

  /** Of all bytes of the network and their order, 32 bits. */
  get fingerprint(): number {
    return this.#fingerprint >>> 0;
  }

  /** Plans `run`; the result cancels it. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    push(this.#queue, event);
    return () => {
      event.run = undefined;
    };
  }

  /** Gives the result of a port's promise to `then` before the next event. */
  job<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#jobs.push(async () => then(await promise));
  }

  /** Runs until `done`; false when that does not happen within `limitMs`. */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs;
    while (!done()) {
      const event = pop(this.#queue);
      if (event === undefined) return false;
      if (event.at > end) {
        push(this.#queue, event);
        this.#now = end;
        return false;
      }
      this.#now = event.at;
      event.run?.();
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) await job();
    }
    return true;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

/** A binary heap: the first event is at 0. */
function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
