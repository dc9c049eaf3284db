import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it. Like `mkdir` with `recursive`, which in Node never returns
 * where a parent exists and still refuses (`/proc`).
 *
 * @throws the system's error; an existing directory is none.
 */
export function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw error;
    makeDirectory(parent, mode);
    // Once more and no oftener: a parent that is there now and still refuses refuses for ever.
    mkdirSync(path, { mode });
  }
}
