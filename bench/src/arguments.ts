/** The arguments of `npm run bench`. @module */
import { parseArgs } from "node:util";

import { parseRelayAddress } from "@postern/core/identity";

import { PROFILES, type Scale } from "./bench-case.ts";

export interface BenchOptions {
  readonly scale: Scale;
  /** Names of cases; `undefined` for all of them. */
  readonly cases: readonly string[] | undefined;
  /** `undefined`: as the case has it. */
  readonly runs: number | undefined;
  readonly bytes: number | undefined;
  readonly profiles: readonly string[] | undefined;
  readonly relay: string | undefined;
  /** Only contenders with one of these in their name. */
  readonly only: readonly string[] | undefined;
  /** `-` for the standard output. */
  readonly json: string | undefined;
  readonly isListing: boolean;
  readonly isHelp: boolean;
}

export const USAGE = `npm run bench -- [--case NAME,NAME] [--runs N] [--size 1G] [--json FILE]

Without options: every case, small, in a few minutes.

  --case     these cases at full size; "all" for every one
  --quick    small all the same
  --runs     runs of each program, in alternation
  --size     bytes to send in all: a number with K, M or G (powers of 1,024)
  --profile  profiles of the Postern runs: a,b (default: all that it has)
  --only     only programs with one of these in their name: postern,socat
  --relay    HOST:PORT of a relay that runs already, where a case can use one
  --json     put the figures into this file (- for the standard output)
  --list     name the cases
  --help     this text
`;

/** @throws Error with a sentence for people. */
export function parseArguments(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: "string" },
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      size: { type: "string" },
      profile: { type: "string" },
      only: { type: "string" },
      relay: { type: "string" },
      json: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const isFull = values.case !== undefined && !values.quick;
  return {
    scale: isFull ? "full" : "quick",
    cases: values.case === "all" ? undefined : names("--case", values.case),
    runs: values.runs === undefined ? undefined : parseRuns(values.runs),
    bytes: values.size === undefined ? undefined : parseSize(values.size),
    profiles: parseProfiles(values.profile),
    only: names("--only", values.only),
    relay: values.relay === undefined ? undefined : checkRelay(values.relay),
    json: values.json === undefined ? undefined : checkFile(values.json),
    isListing: values.list,
    isHelp: values.help,
  };
}

function names(option: string, text: string | undefined): string[] | undefined {
  const all = text?.split(",").map((name) => name.trim());
  if (all?.includes("") === true) throw new Error(`${option} ${text}: a name, or several with ","`);
  return all === undefined ? undefined : [...new Set(all)];
}

function parseProfiles(text: string | undefined): string[] | undefined {
  const all = names("--profile", text);
  const known: readonly string[] = PROFILES;
  for (const name of all ?? [])
    if (!known.includes(name))
      throw new Error(`no profile ${name}; there are ${PROFILES.join(", ")}`);
  return all;
}

function checkRelay(text: string): string {
  try {
    parseRelayAddress(text);
    return text;
  } catch {
    throw new Error(`--relay ${text}: HOST:PORT, or what "postern relay" printed`);
  }
}

function checkFile(text: string): string {
  if (text === "") throw new Error("--json: a file, or - for the standard output");
  return text;
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${text}: a number from 1 on`);
  return runs;
}

function parseSize(text: string): number {
  const match = /^([1-9]\d*)([KMG]?)$/i.exec(text);
  if (match === null) throw new Error(`--size ${text}: a number of bytes, or one with K, M or G`);
  const power = ["", "K", "M", "G"].indexOf((match[2] ?? "").toUpperCase());
  return Number(match[1]) * 1_024 ** power;
}
