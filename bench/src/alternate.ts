/**
 * Runs contenders in turn, A B C A B C: whatever else the machine does, it does it to all of them.
 *
 * @module
 */
import { isOwn, type Contender, type Figures } from "./bench-case.ts";

export interface Result {
  readonly name: string;
  readonly what: string;
  /** By turn; a contender that failed has fewer. */
  readonly runs: readonly Figures[];
}

export interface Missing {
  readonly name: string;
  readonly why: string;
}

export interface Outcome {
  readonly results: readonly Result[];
  /** Not installed, or not able to take part here. */
  readonly absent: readonly Missing[];
  /** Took part and failed: its run and those after it are missing. */
  readonly failed: readonly Missing[];
}

export interface Turns {
  readonly runs: number;
  /** An empty folder for each contender. */
  makeFolder(): Promise<string>;
  say(line: string): void;
}

export async function alternate(all: readonly Contender[], turns: Turns): Promise<Outcome> {
  const absent: Missing[] = [];
  const failed: Missing[] = [];
  const present: Entry[] = [];
  try {
    for (const contender of all) {
      const { name } = contender;
      const why = contender.absence?.();
      if (why !== undefined) {
        absent.push({ name, why });
        continue;
      }
      const problem = await prepare(contender, turns);
      if (problem === undefined) present.push({ contender, runs: [], hasFailed: false });
      else (isOwn(contender) ? failed : absent).push({ name, why: problem });
    }
    for (let turn = 1; turn <= turns.runs; turn++)
      for (const entry of present)
        if (!entry.hasFailed) await takeTurn(entry, `${turn}/${turns.runs}`, failed, turns);
  } finally {
    for (const { contender } of present) await contender.close?.();
  }
  const results = present
    .filter(({ runs }) => runs.length > 0)
    .map(({ contender: { name, what }, runs }) => ({ name, what, runs }));
  return { results, absent, failed };
}

interface Entry {
  readonly contender: Contender;
  readonly runs: Figures[];
  hasFailed: boolean;
}

async function prepare(contender: Contender, turns: Turns): Promise<string | undefined> {
  try {
    await contender.prepare(await turns.makeFolder());
    return undefined;
  } catch (error) {
    await contender.close?.();
    return reasonOf(error);
  }
}

async function takeTurn(
  entry: Entry,
  turn: string,
  failed: Missing[],
  turns: Turns,
): Promise<void> {
  const { name } = entry.contender;
  const started = performance.now();
  try {
    entry.runs.push(await entry.contender.run());
    turns.say(`${turn} ${name}: ${((performance.now() - started) / 1_000).toFixed(2)} s`);
  } catch (error) {
    entry.hasFailed = true;
    failed.push({ name, why: reasonOf(error) });
    turns.say(`${turn} ${name} failed: ${reasonOf(error)}`);
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
