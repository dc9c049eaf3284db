/** From many figures to a few. @module */

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError without values. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0), high: quantile(values, 1) };
}

/** The middle, or half-way between the two middles. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value that a share of all, 0 to 1, does not exceed; between two values on a straight line.
 *
 * @throws RangeError without values.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted();
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new RangeError("no values");
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The median of the ratios of what was measured in the same turn: a machine that slows down slows
 * down both. `undefined` when no turn has both.
 */
export function ratioByTurn(
  ones: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): number | undefined {
  const ratios = ones.flatMap((one, turn) => {
    const other = others[turn];
    return one === undefined || other === undefined || other === 0 ? [] : [one / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
