/**
 * A calm run again and again, each time with one crash at the next point where one hurts: before
 * and behind each durable write, and before each frame.
 *
 * @module
 */
import { simulate } from "./simulate.ts";
import { CALM } from "./weather.ts";

export interface CrashPoints {
  /** How many there are in the run. */
  readonly points: number;
  /** By point. */
  readonly violations: ReadonlyMap<number, string>;
}

export async function simulateCrashes(seed: number, stride = 1): Promise<CrashPoints> {
  const violations = new Map<number, string>();
  for (let point = 0; ; point += stride) {
    const climate = { ...CALM, crashesAt: point };
    const { violation, hasCrashed } = await simulate(seed, { profile: "end-to-end", climate });
    if (violation !== undefined) violations.set(point, violation);
    if (!hasCrashed) return { points: point, violations };
  }
}
