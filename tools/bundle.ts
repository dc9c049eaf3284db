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
const BUILT_IN_IMPORT = /^import (?:([\w$]+)(?:, )?)?(?:\{([^{}]+)\})? from "(node:[\w/]+)";$/gmu;

await rm(BUNDLE, { recursive: true, force: true });
const bundler = await import("rolldown").catch(unlessAbsent);
if (bundler !== undefined) await bundleWith(bundler.rolldown);

async function bundleWith(make: typeof rolldown): Promise<void> {
  const bundle = await make({
    input: join(CLI, "src/main.ts"),
    platform: "node",
    plugins: [{ name: "built-in modules", renderChunk: (code) => withoutFacades(code) }],
  });
  // Names stay: whoever reports a failure reports them.
  const minify = { compress: false, mangle: false, codegen: { removeWhitespace: true } };
  const { output } = await bundle.write({ dir: BUNDLE, format: "esm", minify });
  await bundle.close();
  const chunks = output.filter((each): each is OutputChunk => each.type === "chunk");
  const files = new Set(chunks.flatMap(({ moduleIds }) => moduleIds).filter(isFile));
  const sources = await Promise.all(
    [...files].map(async (file) => [relative(BUNDLE, file), (await stat(file)).mtimeMs] as const),
  );
  await writeFile(join(BUNDLE, "sources.json"), JSON.stringify(sources));
}

/**
 * An `import` of a module of Node's own reads each of its exports, and so makes what hardly a
 * program uses: `process.stdin`, all of Web Cryptography. That is a twentieth of the start-up time.
 */
function withoutFacades(code: string): string {
  return code.replaceAll(BUILT_IN_IMPORT, (_all, whole?: string, names?: string, id?: string) => {
    // A chunk may have a `process` of its own.
    const source = `globalThis.process.getBuiltinModule("${id}")`;
    const lines = whole === undefined ? [] : [`const ${whole} = ${source};`];
    if (names !== undefined) lines.push(`const {${names.replaceAll(" as ", ": ")}} = ${source};`);
    return lines.join(" ");
  });
}

function unlessAbsent(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"))
    throw error;
  process.stderr.write("postern: no bundler here, so the command runs from its sources\n");
}
