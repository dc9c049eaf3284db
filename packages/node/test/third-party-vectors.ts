/**
 * Reads third-party test vectors from `../shared/vectors` beside the project. They are not part of
 * it; where the folder is missing the tests that need it skip and say so.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../shared/vectors");

/** For `test(name, { skip: vectorsMissing }, ...)`. */
export const vectorsMissing = existsSync(FOLDER) ? false : "no ../shared/vectors";

type Fields = Readonly<Record<string, string>>;

export interface VectorCase {
  /** File and number, for messages. */
  readonly name: string;
  readonly result: string;
  readonly flags: readonly string[];
  /** A hexadecimal field. */
  bytes(field: string): Uint8Array;
  number(field: string): number;
}

interface WycheproofFile {
  readonly testGroups: readonly (Readonly<Record<string, unknown>> & {
    readonly tests: readonly (Fields & { readonly flags: readonly string[] })[];
  })[];
}

/** The cases of the groups whose attributes equal `wanted`, each with its group's attributes. */
export function wycheproof(file: string, wanted: Readonly<Record<string, number>> = {}) {
  const { testGroups } = readJson(`wycheproof/${file}.json`) as WycheproofFile;
  return testGroups
    .filter((group) => Object.entries(wanted).every(([name, value]) => group[name] === value))
    .flatMap((group) => group.tests.map((fields) => ({ group, ...caseOf(file, fields) })));
}

export function xwingVectors(): readonly VectorCase[] {
  const list = readJson("xwing.json") as readonly Fields[];
  return list.map((fields, i) => caseOf("xwing", { tcId: `${i}`, ...fields }));
}

function caseOf(file: string, fields: Fields & { readonly flags?: unknown }): VectorCase {
  const flags: readonly string[] = Array.isArray(fields.flags) ? fields.flags.map(String) : [];
  return {
    name: `${file} ${fields["tcId"]} ${fields["comment"] ?? ""}`,
    result: fields["result"] ?? "valid",
    flags,
    bytes: (field) => new Uint8Array(Buffer.from(fields[field] ?? "", "hex")),
    number: (field) => Number(fields[field]),
  };
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
}
