/**
 * Runs `postern` from the bundle as its launcher does, and at its end keeps the code that V8 has
 * compiled until then beside each chunk, with what was kept before
 * (packages/cli/bin/run-bundle.js).
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import type { Script } from "node:vm";
import { PROJECT_ROOT } from "./sources.ts";

interface RunBundle {
  readonly digestOf: (bytes: Buffer) => Buffer;
  readonly scriptOf: (file: string) => Script;
  readonly runChunks: (folder: string, bodyOf: (file: string) => unknown) => void;
}

const CLI = join(PROJECT_ROOT, "packages/cli");
const { digestOf, scriptOf, runChunks } = createRequire(import.meta.url)(
  join(CLI, "bin/run-bundle.js"),
) as RunBundle;
const scripts = new Map<string, Script>();
process.on("exit", () => {
  for (const [file, script] of scripts) keep(file, script.createCachedData());
});
runChunks(join(CLI, "dist"), (file) => {
  const script = scriptOf(file);
  scripts.set(file, script);
  return script.runInThisContext();
});

/** All of it or nothing, also after a loss of power. */
function keep(file: string, code: Buffer): void {
  const unfinished = `${file}.code.${process.pid}`;
  const head = [digestOf(readFileSync(file)), digestOf(code)];
  writeFileSync(unfinished, Buffer.concat([...head, code]), { flush: true });
  renameSync(unfinished, `${file}.code`);
}
