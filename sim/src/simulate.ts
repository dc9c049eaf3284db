/**
 * One run: some clients and a relay on a bad day, then the weather clears, everything must come to
 * an end, and what is left must work. Same seed and profile, same run, byte for byte.
 *
 * @module
 */
import { assemble, type Company, type SimProfile } from "./cast.ts";
import { playChannels } from "./channel-play.ts";
import type { Flaw } from "./flaws.ts";
import { say } from "./ledger.ts";
import { Stage, Verdict } from "./stage.ts";
import { playSymmetric } from "./symmetric-play.ts";
import type { Climate } from "./weather.ts";

export interface Run {
  /** The first thing that must not be; `undefined` when all is well. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  /** Of all bytes that crossed the network. */
  readonly fingerprint: number;
  /** A client has crashed. */
  readonly hasCrashed: boolean;
  /** How many transfers ended in which way, for both sides. */
  readonly endings: ReadonlyMap<string, number>;
}

export interface RunOptions {
  /** `symmetric` when absent. */
  readonly profile?: SimProfile;
  readonly flaw?: Flaw;
  readonly climate?: Climate;
}

export async function simulate(
  seed: number,
  { profile = "symmetric", flaw, climate }: RunOptions = {},
): Promise<Run> {
  const verdict = new Verdict();
  const company = assemble({ seed, profile, flaw, climate, report: verdict.report });
  const { cast, ledger } = company;
  const stage = new Stage(cast, verdict, () => ledger.isSettled);
  try {
    if (company.profile === "symmetric") await playSymmetric(stage, company.ledger);
    else await playChannels(stage, company.ledger, company.watch);
  } catch (error) {
    verdict.violation ??= `threw: ${error instanceof Error ? error.stack : String(error)}`;
  }
  const { trace, fingerprint } = cast.world;
  const { violation } = verdict;
  const { hasCrashed } = cast.weather;
  return { violation, trace, fingerprint, hasCrashed, endings: endingsOf(company) };
}

function endingsOf(company: Company): ReadonlyMap<string, number> {
  const names =
    company.profile === "symmetric"
      ? company.ledger.entries.map(({ sender, receiver }) => `${say(sender)} / ${say(receiver)}`)
      : company.ledger.entries.map(({ ends }) => `${ends.sender} / ${ends.receiver}`);
  const endings = new Map<string, number>();
  for (const name of names) endings.set(name, (endings.get(name) ?? 0) + 1);
  return endings;
}
