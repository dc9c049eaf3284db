/**
 * Bundles the `postern` command into `packages/cli/dist`: a few scripts with the code that V8 kept
 * of them start in a third of the time of two hundred files of TypeScript. `npm ci` runs it.
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
import type { OutputChunk, PluginContext, rolldown } from "rolldown";
import { asScript, withLazyRequires } from "./chunk-text.ts";
import { rehearse } from "./rehearsal.ts";
import { replaceFolder } from "./replace-folder.ts";
import { PROJECT_ROOT } from "./sources.ts";

const CLI = join(PROJECT_ROOT, "packages/cli");
const BUNDLE = join(CLI, "dist");
const MAIN = join(CLI, "src/main.ts");
/** What every transfer needs is one chunk: these, and all that they import. */
const TRANSFER = [
  MAIN,
  join(CLI, "src/commands/send.ts"),
  join(CLI, "src/commands/receive.ts"),
  join(PROJECT_ROOT, "packages/client/src/node.ts"),
];
/** But for this: noble prepares its curves as soon as it is loaded. */
const PAIRING = /\/core\/src\/(?:pairing\/(?!safety)|crypto\/ristretto255)|\/@noble\/|\/@scure\//u;
/** Rolldown's helpers are no files, and packages change with an installation, which bundles. */
const isSource = (id: string): boolean =>
  id.startsWith(PROJECT_ROOT) && !id.includes("/node_modules/");

const bundler = await import("rolldown").catch(unlessAbsent);
if (bundler === undefined) await rm(BUNDLE, { recursive: true, force: true });
else await bundleWith(bundler.rolldown);

async function bundleWith(make: typeof rolldown): Promise<void> {
  const transfer = new Set<string>();
  const bundle = await make({
    input: MAIN,
    preserveEntrySignatures: "allow-extension",
    platform: "node",
    // The core's rooms are imported both ways on purpose.
    checks: { ineffectiveDynamicImport: false },
    plugins: [
      {
        name: "scripts",
        buildEnd() {
          for (const start of TRANSFER) addImported(this, transfer, start);
        },
        renderChunk: (code) => withLazyRequires(code),
      },
    ],
  });
  const { output } = await bundle.generate({
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    // The names of functions stay: whoever reports a failure reports them.
    minify: { compress: false, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: "transfer", test: (id) => transfer.has(id) },
        { name: "pairing", test: PAIRING },
      ],
    },
  });
  await bundle.close();
  const chunks = output.filter((each): each is OutputChunk => each.type === "chunk");
  await replaceFolder(BUNDLE, async (made) => await writeChunks(made, chunks));
  if (!(await rehearse())) process.stderr.write("postern: not rehearsed, so it starts slowly\n");
}

async function writeChunks(made: string, chunks: readonly OutputChunk[]): Promise<void> {
  for (const { fileName, code } of chunks) await writeFile(join(made, fileName), asScript(code));
  const files = new Set(chunks.flatMap(({ moduleIds }) => moduleIds).filter(isSource));
  const sources = await Promise.all(
    [...files].map(async (file) => [relative(BUNDLE, file), (await stat(file)).mtimeMs] as const),
  );
  await writeFile(join(made, "sources.json"), JSON.stringify(sources));
}

function addImported(graph: PluginContext, found: Set<string>, id: string): void {
  if (found.has(id) || PAIRING.test(id)) return;
  found.add(id);
  for (const imported of graph.getModuleInfo(id)?.importedIds ?? [])
    addImported(graph, found, imported);
}

function unlessAbsent(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"))
    throw error;
  process.stderr.write("postern: no bundler here, so the command runs from its sources\n");
}
