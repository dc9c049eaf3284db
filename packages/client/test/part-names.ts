/** Unfinished files and folders as they stand in a directory. @module */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const TAGGED = /^(\..+)\.[0-9a-f]{8}\.part$/su;

/** In order, and without what makes a part's name unlike any other. */
export async function namesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.map((name) => name.replace(TAGGED, "$1.part")).toSorted();
}

/** The path of the one part in a directory. */
export async function partIn(directory: string): Promise<string> {
  const parts = (await readdir(directory)).filter((name) => TAGGED.test(name));
  if (parts.length !== 1) throw new Error(`not one part: ${parts.join(", ")}`);
  return join(directory, parts[0]!);
}
