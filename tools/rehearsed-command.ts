/**
 * Runs `postern` from the bundle as its launcher does, and at its end keeps the code that V8 has
 * compiled until then beside each chunk, with what was kept before
 * (packages/cli/bin/run-bundle.js).
 *
 * @module
 */
import { renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import type { Script } from "node:vm";
import { PROJECT_ROOT } from "./sources.ts";

interface RunBundle {
  readonly scriptOf: (file: string) => Script;
  readonly runChunks: (folder: string, bodyOf: (file: string) => unknown) => void;
}

const CLI = join(PROJECT_ROOT, "packages/cli");
const { scriptOf, runChunks } = createRequire(import.meta.url)(
  join(CLI, "bin/run-bundle.js"),
) as RunBundle;
const scripts = new Map<string, Script>();
process.on("exit", () => {
  for (const [file, script] of scripts) keep(`${file}.code`, script.createCachedData());
});
runChunks(join(CLI, "dist"), (file) => {
  const script = scriptOf(file);
  scripts.set(file, script);
  return script.runInThisContext();
});

/** All of it or nothing, also after a loss of power: V8 runs what it finds. */
function keep(path: string, code: Buffer): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, code, { flush: true });
  renameSync(unfinished, path);
}
