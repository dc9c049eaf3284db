/**
 * The project's own files as text, and what each imports. The tests of the house rules read these.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

export const PROJECT_ROOT = dirname(import.meta.dirname);

const NOT_OURS = /^(?:node_modules|\.git|dist(?:-.*)?|results)$/;

/** Every file below `folder` as a path from the project's root with `/`, sorted. */
export function listFiles(folder = "."): string[] {
  const found: string[] = [];
  const start = join(PROJECT_ROOT, folder);
  if (!existsSync(start)) return found;
  for (const entry of readdirSync(start, { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory() && !NOT_OURS.test(entry.name)) found.push(...listFiles(path));
  }
  return found.toSorted();
}

export function readText(path: string): string {
  return readFileSync(join(PROJECT_ROOT, path), "utf8");
}

/** `x.test.ts`, and whatever stands in a package's `test` folder. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || /^packages\/[^/]+\/test\//.test(path);
}

/** The specifiers of every `import` and `export ... from` of a module, dynamic ones included. */
export function importsOf(text: string): string[] {
  const patterns = [
    /^[ \t]*(?:import|export)\b[^;'"`]*?\bfrom\s*["']([^"']+)["']/gm,
    /^[ \t]*import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

export function withoutTypeImports(text: string): string {
  return text.replaceAll(/^(?:import|export) type\b[^;'"`]*?\bfrom\s*["'][^"']+["'];?/gm, "");
}

/** Where an import leads: a file of this project, or the name of something outside. */
export type Target = { readonly file: string } | { readonly outside: string };

export function resolveImport(importer: string, specifier: string): Target {
  if (specifier.startsWith(".")) return { file: posix.join(posix.dirname(importer), specifier) };
  const own = /^@postern\/([^/]+)(?:\/(.+))?$/.exec(specifier);
  if (own !== null) return { file: throughDoor(own[1] ?? "", own[2]) ?? specifier };
  if (specifier.startsWith("node:")) return { outside: "node:*" };
  const [scope, name] = specifier.split("/");
  return { outside: specifier.startsWith("@") ? `${scope}/${name}` : (scope ?? specifier) };
}

/** A workspace's folder for its name: `@postern/core` stands in `packages/core`. */
function throughDoor(workspace: string, door: string | undefined): string | undefined {
  const folder = existsSync(join(PROJECT_ROOT, "packages", workspace))
    ? `packages/${workspace}`
    : workspace;
  const manifest = JSON.parse(readText(`${folder}/package.json`)) as {
    readonly exports: Readonly<Record<string, string>>;
  };
  const target = manifest.exports[door === undefined ? "." : `./${door}`];
  return target === undefined ? undefined : posix.join(folder, target);
}
