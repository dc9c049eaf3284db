/** What a case is: contenders that are measured in turn, and the columns of its table. @module */

/** What one run of one contender gave, by the keys of the columns; what it has not is left out. */
export type Figures = Readonly<Record<string, number>>;

export interface Column {
  readonly key: string;
  readonly heading: string;
  /** Behind the decimal point. */
  readonly digits: number;
  /** With the smallest and the largest in brackets. */
  readonly hasSpread?: boolean;
}

export interface Contender {
  readonly name: string;
  /** What is measured, in a few words. */
  readonly what: string;
  /** Why it cannot take part here, `undefined` when it can. Costs nothing; left out if it can. */
  readonly absence?: () => string | undefined;
  /**
   * Once, before the first run, and not measured. What it throws is why somebody else's program
   * cannot take part; ours has then failed.
   */
  readonly prepare: (folder: string) => Promise<void>;
  readonly run: () => Promise<Figures>;
  /** Ends what {@link prepare} started. */
  readonly close?: () => Promise<void>;
}

/** Whether it is Postern's, by its name. */
export function isOwn({ name }: { readonly name: string }): boolean {
  return name.startsWith("postern");
}

/** All that Postern has, the default first. */
export const PROFILES = ["end-to-end", "symmetric", "asymmetric"] as const;

/** How large the cases are: all of them in a few minutes, or as the targets are stated. */
export type Scale = "quick" | "full";

export interface Setting {
  readonly scale: Scale;
  /** Bytes to send, where the person chose. */
  readonly bytes: number | undefined;
  /** Profiles of the Postern contenders, where the person chose. */
  readonly profiles: readonly string[] | undefined;
  /** A relay that runs already, `HOST:PORT`, for the cases that can use one. */
  readonly relay: string | undefined;
  /** In memory when there is room, and empty. */
  readonly folder: string;
  /** On a disk, for what is to be durable, and empty. */
  readonly disk: string;
}

export interface OpenCase {
  readonly contenders: readonly Contender[];
  /** How large it was made, and what else a reader of the numbers should know. */
  readonly notes: readonly string[];
  readonly close?: () => Promise<void>;
}

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  /** Key of what the chart shows and the ratios compare. */
  readonly chart: string;
  readonly isHigherBetter: boolean;
  readonly runs: Readonly<Record<Scale, number>>;
  /** Makes what all contenders share. What it throws is why the case cannot be run here. */
  readonly open: (setting: Setting) => Promise<OpenCase>;
}

/** Thrown by what cannot be measured here, with the reason. */
export class NotPossible extends Error {}
