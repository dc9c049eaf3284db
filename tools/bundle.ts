/**
 * Bundles the `postern` command into `packages/cli/dist`: a few files of plain JavaScript start in
 * half the time of two hundred of TypeScript. `npm ci` runs it.
 *
 * The bundle names the sources it was made of, with their times. The launcher
 * (`packages/cli/bin/postern.js`) runs the sources themselves as soon as one of them is another:
 * whoever changes the code never runs what it was before. Without the bundler (`npm ci --omit=dev`)
 * there is no bundle, and the sources run.
 *
 * @module
 */
import { rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import type { OutputChunk, rolldown } from "rolldown";
import { PROJECT_ROOT } from "./sources.ts";

const CLI = join(PROJECT_ROOT, "packages/cli");
const BUNDLE = join(CLI, "dist");
/** Rolldown's own helpers are no files. */
const isFile = (id: string): boolean => id.startsWith(PROJECT_ROOT);

await rm(BUNDLE, { recursive: true, force: true });
const bundler = await import("rolldown").catch(unlessAbsent);
if (bundler !== undefined) await bundleWith(bundler.rolldown);

async function bundleWith(make: typeof rolldown): Promise<void> {
  const bundle = await make({ input: join(CLI, "src/main.ts"), platform: "node" });
  const { output } = await bundle.write({ dir: BUNDLE, format: "esm", minify: false });
  await bundle.close();
  const chunks = output.filter((each): each is OutputChunk => each.type === "chunk");
  const files = new Set(chunks.flatMap(({ moduleIds }) => moduleIds).filter(isFile));
  const sources = await Promise.all(
    [...files].map(async (file) => [relative(BUNDLE, file), (await stat(file)).mtimeMs] as const),
  );
  await writeFile(join(BUNDLE, "sources.json"), JSON.stringify(sources));
}

function unlessAbsent(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"))
    throw error;
  process.stderr.write("postern: no bundler here, so the command runs from its sources\n");
}
