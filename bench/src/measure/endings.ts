/**
 * What must not outlive a benchmark, however it ends: programs are ended before the files that they
 * write and the networks that they use are removed. What one cannot do keeps none of the others
 * from being done.
 *
 * @module
 */
import process from "node:process";

const programs: (() => void)[] = [];
const places: (() => void)[] = [];

process.on("exit", () => {
  for (const end of [...programs, ...places])
    try {
      end();
    } catch {
      // Nobody is left to be told.
    }
});

/** @param end synchronous */
export function endProgramsWith(end: () => void): void {
  programs.push(end);
}

/** @param end synchronous */
export function removePlacesWith(end: () => void): void {
  places.push(end);
}
