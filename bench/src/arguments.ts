/** The arguments of `npm run bench`. @module */
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly bytes: number;
  readonly runs: number;
  readonly profile: string;
}

export const USAGE = `npm run bench -- [--size 1G] [--runs 3] [--profile symmetric]

  --size     bytes of the file: a number with K, M or G (powers of 1,024)
  --runs     runs of each program, in alternation
  --profile  profile of the Postern runs
`;

/** @throws Error with a sentence for people. */
export function parseArguments(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string", default: "1G" },
      runs: { type: "string", default: "3" },
      profile: { type: "string", default: "symmetric" },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs ${values.runs}: a number from 1 on`);
  return { bytes: parseSize(values.size), runs, profile: values.profile };
}

function parseSize(text: string): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text);
  if (match === null) throw new Error(`--size ${text}: a number of bytes, or one with K, M or G`);
  const power = ["", "K", "M", "G"].indexOf((match[2] ?? "").toUpperCase());
  return Number(match[1]) * 1_024 ** power;
}
