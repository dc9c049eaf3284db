/**
 * One timer for the deadlines of all links and pipes. Most deadlines only ever move away, frame by
 * frame; so an item keeps its place until that time has come, and is asked again then.
 *
 * Invariant: an item with a deadline is woken at it or at most {@link WHEEL_TICK_MS} later.
 *
 * @module
 */
import type { InstantMs } from "@postern/core/time";
import type { RelayClock } from "./clock.ts";

export interface Timed {
  /** `undefined` for never. */
  deadline(): InstantMs | undefined;
  /** Called at the deadline; it may have a new one afterwards. */
  wake(now: InstantMs): void;
}

export const WHEEL_TICK_MS = 250;

export class Wheel {
  readonly #clock: RelayClock;
  readonly #ticks = new Map<number, Set<Timed>>();
  readonly #places = new Map<Timed, number>();
  #armed: { readonly tick: number; readonly cancel: () => void } | undefined;

  constructor(clock: RelayClock) {
    this.#clock = clock;
  }

  /** Call it after whatever may have brought a deadline nearer; it costs next to nothing. */
  schedule(item: Timed): void {
    const due = item.deadline();
    if (due === undefined) return;
    const tick = Math.ceil(due / WHEEL_TICK_MS);
    const place = this.#places.get(item);
    if (place !== undefined && place <= tick) return;
    this.forget(item);
    const items = this.#ticks.get(tick) ?? new Set();
    this.#ticks.set(tick, items.add(item));
    this.#places.set(item, tick);
    if (this.#armed === undefined || tick < this.#armed.tick) this.#arm(tick);
  }

  forget(item: Timed): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const items = this.#ticks.get(place);
    items?.delete(item);
    if (items?.size === 0) this.#ticks.delete(place);
  }

  stop(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
    this.#ticks.clear();
    this.#places.clear();
  }

  #arm(tick: number): void {
    this.#armed?.cancel();
    const at = (tick * WHEEL_TICK_MS) as InstantMs;
    this.#armed = { tick, cancel: this.#clock.wakeAt(at, () => this.#turn()) };
  }

  #turn(): void {
    this.#armed = undefined;
    const now = this.#clock.now();
    for (const tick of this.#dueTicks(now)) {
      for (const item of this.#ticks.get(tick) ?? []) {
        this.forget(item);
        const due = item.deadline();
        if (due !== undefined && due <= now) item.wake(now);
        this.schedule(item);
      }
    }
    let next = Infinity;
    for (const tick of this.#ticks.keys()) next = Math.min(next, tick);
    if (next < Infinity) this.#arm(next);
  }

  #dueTicks(now: InstantMs): number[] {
    return [...this.#ticks.keys()].filter((tick) => tick * WHEEL_TICK_MS <= now);
  }
}
