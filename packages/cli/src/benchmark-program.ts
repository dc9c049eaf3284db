/**
 * Where the benchmark is: with the sources, beside this package. The bundle's files lie as deep as
 * this one, so the way is the same.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Its path; `undefined` in an installation without the sources. */
export function benchmarkProgram(): string | undefined {
  const file = fileURLToPath(new URL("../../../bench/src/run.ts", import.meta.url));
  return existsSync(file) ? file : undefined;
}
