/**
 * What goes wrong in one run, drawn from its seed: how late bytes are, what changes them, when
 * connections break, who crashes. {@link Weather.clear} ends it all.
 *
 * @module
 */
import type { ConnectionKind } from "./network.ts";
import type { Prng } from "./prng.ts";

/** Chances in 1,000. */
export interface Climate {
  readonly latencyMsMax: number;
  readonly splits: number;
  readonly changesPipe: number;
  readonly changesLink: number;
  /** A relay that changes an envelope on its way. */
  readonly tampers: number;
  /** A relay with too much in a queue. */
  readonly congests: number;
  /** At each point of a client's work where a crash matters. */
  readonly crashes: number;
  readonly crashesMax: number;
  /** Crashes once, at the point of this number and nowhere else. */
  readonly crashesAt?: number;
  readonly accepts: number;
  readonly cancels: number;
  /** For each record that has arrived: a person ends the transfer. */
  readonly interrupts: number;
  /** A content whose transfer broke is offered again. */
  readonly goesOn: number;
  readonly slowSink: number;
  readonly linkCuts: number;
  readonly linkSilences: number;
  readonly pipeCuts: number;
  readonly pipeSilences: number;
  readonly relayRestarts: number;
  readonly clockJumps: number;
  /** What a hostile relay does with the envelopes of end-to-end clients. */
  readonly malice: MaliceChances;
  /** A crashed device comes back as an older copy of itself. */
  readonly restores: number;
  /** Times that somebody blocks somebody for a while. */
  readonly blocks: number;
}

/** For each envelope the relay carries, and for each key package it hands out. */
export interface MaliceChances {
  readonly drops: number;
  readonly repeats: number;
  readonly delays: number;
  /** An earlier envelope of the same conversation comes again. */
  readonly replays: number;
  /** An earlier envelope goes to another client. */
  readonly crosses: number;
  /** An envelope comes back to its sender. */
  readonly reflects: number;
  /** Envelopes that the relay makes itself. */
  readonly forges: number;
  /** A package that was handed out before, of somebody else, or none. */
  readonly wrongPackages: number;
  /** One-time packages are held back: the one of last resort goes out. */
  readonly hoards: number;
}

export const HONEST: MaliceChances = {
  drops: 0,
  repeats: 0,
  delays: 0,
  replays: 0,
  crosses: 0,
  reflects: 0,
  forges: 0,
  wrongPackages: 0,
  hoards: 0,
};

export const CALM: Climate = {
  latencyMsMax: 30,
  splits: 100,
  changesPipe: 0,
  changesLink: 0,
  tampers: 0,
  congests: 0,
  crashes: 0,
  crashesMax: 0,
  accepts: 1_000,
  cancels: 0,
  interrupts: 0,
  goesOn: 0,
  slowSink: 0,
  linkCuts: 0,
  linkSilences: 0,
  pipeCuts: 0,
  pipeSilences: 0,
  relayRestarts: 0,
  clockJumps: 0,
  malice: HONEST,
  restores: 0,
  blocks: 0,
};

/** Everything that end-to-end clients have to stand, at once. */
export const WILD: Climate = {
  ...CALM,
  interrupts: 20,
  goesOn: 800,
  crashes: 40,
  crashesMax: 6,
  linkCuts: 2,
  relayRestarts: 1,
  malice: {
    drops: 60,
    repeats: 100,
    delays: 60,
    replays: 200,
    crosses: 60,
    reflects: 60,
    forges: 200,
    wrongPackages: 100,
    hoards: 300,
  },
  restores: 700,
  blocks: 1,
};

/** One run in eight is calm; in the others each kind of fault is there or not by itself. */
export function climateOf(prng: Prng): Climate {
  if (prng.below(8) === 0) return CALM;
  const maybe = (chance: number, low: number, high: number): number =>
    prng.chance(chance) ? prng.between(low, high) : 0;
  return {
    latencyMsMax: prng.pick([2, 30, 30, 200]),
    splits: prng.pick([0, 100, 500]),
    changesPipe: maybe(300, 5, 80),
    changesLink: maybe(200, 1, 10),
    tampers: maybe(100, 5, 100),
    congests: maybe(100, 5, 60),
    crashes: maybe(350, 5, 40),
    crashesMax: prng.between(1, 3),
    accepts: prng.pick([1_000, 900, 700]),
    cancels: maybe(300, 100, 400),
    interrupts: maybe(400, 10, 80),
    goesOn: prng.pick([0, 700, 1_000]),
    slowSink: maybe(300, 50, 500),
    linkCuts: maybe(300, 1, 3),
    linkSilences: maybe(100, 1, 2),
    pipeCuts: maybe(300, 1, 4),
    pipeSilences: maybe(80, 1, 1),
    relayRestarts: maybe(200, 1, 2),
    clockJumps: maybe(150, 1, 3),
    malice: HONEST,
    restores: 0,
    blocks: 0,
  };
}

/** What the end-to-end profile has to stand besides: crashes at every step, and a hostile relay. */
export function channelClimateOf(prng: Prng): Climate {
  const climate = climateOf(prng);
  if (climate === CALM) return climate;
  if (prng.below(8) === 0) return WILD;
  const maybe = (chance: number, low: number, high: number): number =>
    prng.chance(chance) ? prng.between(low, high) : 0;
  const isHostile = prng.chance(500);
  const trick = (): number => (isHostile ? maybe(350, 20, 300) : 0);
  return {
    ...climate,
    tampers: isHostile ? climate.tampers : 0,
    crashes: maybe(600, 5, 60),
    crashesMax: prng.between(1, 5),
    malice: {
      drops: trick(),
      repeats: trick(),
      delays: trick(),
      replays: trick(),
      crosses: trick(),
      reflects: trick(),
      forges: trick(),
      wrongPackages: isHostile ? maybe(350, 100, 700) : 0,
      hoards: isHostile ? maybe(350, 300, 1_000) : 0,
    },
    restores: maybe(300, 200, 900),
    blocks: maybe(150, 1, 2),
  };
}

export class Weather {
  readonly climate: Climate;
  readonly #prng: Prng;
  #isClear = false;
  #crashes = 0;
  #points = 0;

  constructor(prng: Prng, climate: Climate) {
    this.#prng = prng;
    this.climate = climate;
  }

  /** Nothing goes wrong from here on. */
  get isClear(): boolean {
    return this.#isClear || this.wasCalm;
  }

  /** Nothing goes wrong in this run. */
  get wasCalm(): boolean {
    return this.climate === CALM;
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.#isClear = true;
  }

  delayMs(): number {
    return this.#prng.between(1, this.climate.latencyMsMax);
  }

  splits(): boolean {
    return this.#prng.chance(this.climate.splits);
  }

  changes(kind: ConnectionKind): boolean {
    const { changesPipe, changesLink } = this.climate;
    return this.#happens(kind === "pipe" ? changesPipe : changesLink);
  }

  tampers(): boolean {
    return this.#happens(this.climate.tampers);
  }

  congests(): boolean {
    return this.#happens(this.climate.congests);
  }

  /** Whether the climate's one crash has happened. */
  get hasCrashed(): boolean {
    return this.#crashes > 0;
  }

  crashes(): boolean {
    if (this.climate.crashesAt !== undefined) return this.#crashesHere(this.climate.crashesAt);
    if (this.#crashes >= this.climate.crashesMax) return false;
    if (!this.#happens(this.climate.crashes)) return false;
    this.#crashes++;
    return true;
  }

  #crashesHere(at: number): boolean {
    if (this.#isClear || this.#points++ !== at) return false;
    this.#crashes++;
    return true;
  }

  accepts(): boolean {
    return this.#isClear || this.#prng.chance(this.climate.accepts);
  }

  cancels(): boolean {
    return this.#happens(this.climate.cancels);
  }

  interrupts(): boolean {
    return this.#happens(this.climate.interrupts);
  }

  /** Whether a content that was begun is offered again. */
  goesOn(): boolean {
    return this.#happens(this.climate.goesOn);
  }

  /** How long the receiver's disk takes for one record. */
  sinkMs(): number {
    return this.#happens(this.climate.slowSink) ? this.#prng.between(10, 400) : 0;
  }

  /** Whether the relay plays this trick now. */
  tricks(trick: keyof MaliceChances): boolean {
    return this.#happens(this.climate.malice[trick]);
  }

  restores(): boolean {
    return this.#happens(this.climate.restores);
  }

  #happens(chance: number): boolean {
    return !this.#isClear && this.#prng.chance(chance);
  }
}
