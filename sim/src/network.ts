/**
 * Connections in virtual time: ordered bytes both ways, late, in pieces, sometimes changed, and
 * gone when the weather says so. A connection that falls silent tells nobody until the systems at
 * its ends give up.
 *
 * @module
 */
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export type ConnectionKind = "link" | "pipe";

export interface EndHandlers {
  /** `changed`: these bytes are not the ones that were written. */
  onBytes(bytes: Uint8Array, changed: boolean): void;
  /** The other side has said its last byte. */
  onEnd(): void;
  /** The connection is gone. */
  onCut(): void;
}

/** One side of a connection. */
export class End {
  handlers: EndHandlers | undefined;
  readonly #connection: Connection;
  readonly #side: 0 | 1;

  constructor(connection: Connection, side: 0 | 1) {
    this.#connection = connection;
    this.#side = side;
  }

  write(bytes: Uint8Array): void {
    this.#connection.carry(this.#side, bytes);
  }

  /** Nothing more will be written. */
  end(): void {
    this.#connection.sayEnd(this.#side);
  }

  /** What was written still arrives, then the other side sees a cut. */
  destroy(): void {
    this.#connection.leave(this.#side);
  }

  /** The device is gone without a word: the other side learns nothing before its system does. */
  vanish(): void {
    this.handlers = undefined;
    this.#connection.silence();
  }
}

export class Network {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #open = new Set<Connection>();

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
  }

  connect(kind: ConnectionKind): readonly [End, End] {
    const connection = new Connection(kind, this.#world, this.#weather, this.#open);
    this.#open.add(connection);
    return connection.ends;
  }

  /** Cuts or silences any open connection of a kind. */
  hurt(kind: ConnectionKind, how: "cut" | "silence"): void {
    const all = [...this.#open].filter((connection) => connection.kind === kind);
    const hit = all[this.#world.prng.below(Math.max(1, all.length))];
    if (hit === undefined) return;
    this.#world.note(`network ${how} ${kind}`);
    if (how === "cut") hit.cut();
    else hit.silence();
  }
}

/** The longest time until a system gives a silent connection up. */
const GIVE_UP_MS_MAX = 120_000;

class Connection {
  readonly kind: ConnectionKind;
  readonly ends: readonly [End, End];
  readonly #world: World;
  readonly #weather: Weather;
  readonly #open: Set<Connection>;
  /** When the last byte towards each side arrives: bytes never overtake each other. */
  readonly #lastAt: [number, number] = [0, 0];
  readonly #ended: [boolean, boolean] = [false, false];
  readonly #gone: [boolean, boolean] = [false, false];
  #isSilent = false;
  #isCut = false;

  constructor(kind: ConnectionKind, world: World, weather: Weather, open: Set<Connection>) {
    this.kind = kind;
    this.#world = world;
    this.#weather = weather;
    this.#open = open;
    this.ends = [new End(this, 0), new End(this, 1)];
  }

  carry(from: 0 | 1, bytes: Uint8Array): void {
    if (this.#isCut || this.#isSilent || this.#gone[from] || this.#ended[from]) return;
    const copy = bytes.slice();
    const changed = this.#weather.changes(this.kind);
    const at = changed ? this.#placeIn(copy) : -1;
    if (changed) copy[at]! ^= 1 << this.#world.prng.below(8);
    if (changed) this.#world.note(`network changes byte ${at} of ${copy.length}, ${this.kind}`);
    this.#world.saw(copy);
    const split = this.#weather.splits() ? this.#world.prng.below(copy.length) : 0;
    if (split > 0) this.#deliver(from, copy.subarray(0, split), changed && at < split);
    this.#deliver(from, copy.subarray(split), changed && at >= split);
  }

  sayEnd(from: 0 | 1): void {
    if (this.#isCut || this.#isSilent || this.#ended[from]) return;
    this.#ended[from] = true;
    this.#towards(from === 0 ? 1 : 0, (handlers) => handlers.onEnd());
    if (this.#ended[0] && this.#ended[1]) this.#open.delete(this);
  }

  leave(from: 0 | 1): void {
    if (this.#gone[from]) return;
    this.#gone[from] = true;
    this.ends[from].handlers = undefined;
    if (!this.#isSilent && !this.#isCut) this.#tell(from === 0 ? 1 : 0, this.#weather.delayMs());
    this.#open.delete(this);
  }

  /** Both sides are told; bytes under way are lost. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#open.delete(this);
    for (const side of [0, 1] as const) this.#tell(side, this.#weather.delayMs());
  }

  silence(): void {
    if (this.#isSilent || this.#isCut) return;
    this.#isSilent = true;
    this.#open.delete(this);
    const { prng } = this.#world;
    for (const side of [0, 1] as const) this.#tell(side, prng.between(5_000, GIVE_UP_MS_MAX));
  }

  #placeIn(bytes: Uint8Array): number {
    return this.#world.prng.below(bytes.length);
  }

  #deliver(from: 0 | 1, bytes: Uint8Array, changed: boolean): void {
    this.#towards(from === 0 ? 1 : 0, (handlers) => handlers.onBytes(bytes, changed));
  }

  /** In the order in which it was said. */
  #towards(side: 0 | 1, tell: (handlers: EndHandlers) => void): void {
    const at = Math.max(this.#lastAt[side], this.#world.now() + this.#weather.delayMs());
    this.#lastAt[side] = at;
    this.#world.after(at - this.#world.now(), () => {
      const { handlers } = this.ends[side];
      if (handlers !== undefined && !this.#gone[side] && !this.#isCut) tell(handlers);
    });
  }

  #tell(side: 0 | 1, delayMs: number): void {
    const at = Math.max(this.#lastAt[side], this.#world.now() + delayMs);
    this.#world.after(at - this.#world.now(), () => {
      if (this.#gone[side]) return;
      this.#gone[side] = true;
      const { handlers } = this.ends[side];
      this.ends[side].handlers = undefined;
      handlers?.onCut();
    });
  }
}
