/**
 * A folder that is made anew while others use it: it is always whole, the old one or the new one,
 * but for the moment between two renames. Several processes may be doing the same.
 *
 * @module
 */
import { mkdir, rename, rm } from "node:fs/promises";
import process from "node:process";

let made = 0;

/** @param fill puts everything into the new folder, which stands beside the old one until then */
export async function replaceFolder(
  folder: string,
  fill: (made: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${folder}-${process.pid}-${++made}`;
  const old = `${unfinished}-old`;
  try {
    await mkdir(unfinished);
    await fill(unfinished);
    for (let isThere = true; isThere;) {
      await rename(folder, old).catch(unless("ENOENT"));
      isThere = await rename(unfinished, folder).then(() => false, unless("ENOTEMPTY", "EEXIST"));
      await rm(old, { recursive: true, force: true });
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Takes a rejection for `true` when it is one of these. */
function unless(...codes: readonly string[]): (error: unknown) => true {
  return (error) => {
    if (error instanceof Error && "code" in error && codes.includes(String(error.code)))
      return true;
    throw error;
  };
}
