import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { OUTSIDE_FOR_TESTS, renderLayers, roomOf, ROOMS, type Room } from "./layers.ts";
import {
  importsOf,
  isTest,
  listFiles,
  PROJECT_ROOT,
  readText,
  resolveImport,
  withoutTypeImports,
} from "./sources.ts";

const MODULES = ["packages", "sim", "bench", "e2e", "tools"]
  .flatMap((folder) => listFiles(folder))
  .filter((path) => /\.(ts|js)$/.test(path));

test("every import stays within what its room may import", () => {
  const offences = MODULES.flatMap((path) =>
    importsOf(readText(path)).flatMap((specifier) => offenceOf(path, specifier) ?? []),
  );
  assert.deepEqual(offences, []);
});

test("no module imports itself over others", () => {
  const graph = new Map(MODULES.map((path) => [path, filesRunBy(path)]));
  assert.deepEqual(cycleIn(graph), []);
});

test("cycleIn() finds a ring behind a straight way", () => {
  const ring = { a: ["b", "d"], b: ["d"], c: ["e", "a"], d: [], e: ["f"], f: ["c"] };
  assert.deepEqual(cycleIn(new Map(Object.entries(ring))), ["c", "e", "f", "c"]);
});

test("offenceOf() catches what the rooms forbid", () => {
  const core = "packages/core/src";
  const cases = [
    [`${core}/bytes/reader.ts`, "../crypto.ts"],
    [`${core}/exchange/relay-half.ts`, "./transfer-keys.ts"],
    [`${core}/link/frames.ts`, "node:net"],
    [`${core}/link/frames.test.ts`, "@postern/relay"],
    [`${core}/link/frames.test.ts`, "../../../node/test/third-party-vectors.ts"],
    [`${core}/link/frames.ts`, "../../test/link-pair.ts"],
    [`${core}/link/frames.ts`, "@noble/hashes/sha2.js"],
    ["packages/relay/src/relay.ts", "@postern/core/session"],
    ["packages/relay/src/relay.ts", "@postern/core/exchange"],
    ["packages/relay/src/relay.ts", "@postern/core/transfer"],
    ["packages/relay/src/relay.test.ts", "@postern/client"],
    ["packages/client/src/client.ts", "@postern/node"],
    ["packages/client/src/client.ts", "./node/home.ts"],
    ["packages/client/src/client.ts", "node:fs"],
    ["packages/cli/src/main.ts", "@postern/core/link"],
    ["packages/cli/src/main.ts", "../../client/src/index.ts"],
    ["packages/cli/src/main.ts", "@postern/core/bytes/reader"],
    ["packages/cli/src/main.ts", "left-pad"],
    ["packages/cli/src/main.ts", "../../../tools/programs.ts"],
  ] as const;
  for (const [path, specifier] of cases)
    assert.notEqual(offenceOf(path, specifier), undefined, `${path} imports ${specifier}`);
});

test("offenceOf() lets through what the rooms allow", () => {
  const cases = [
    ["packages/core/src/crypto/noble-suite.ts", "@noble/hashes/sha2.js"],
    ["packages/core/src/link/login.ts", "../identity.ts"],
    ["packages/core/src/bytes/reader.test.ts", "../link.ts"],
    ["packages/core/src/bytes/reader.test.ts", "node:test"],
    ["packages/node/test/link-suites.test.ts", "../../core/test/link-pair.ts"],
    ["packages/relay/src/relay.ts", "@postern/core/exchange/relay-half"],
    ["packages/client/src/node/home.ts", "@postern/node"],
    ["packages/cli/src/main.ts", "@postern/client/node"],
    ["packages/cli/test/terminal.process.test.ts", "../../../tools/programs.ts"],
    ["bench/src/socat.ts", "../../tools/programs.ts"],
  ] as const;
  for (const [path, specifier] of cases) assert.equal(offenceOf(path, specifier), undefined);
});

test("importsOf() finds imports of every form", () => {
  const text = [
    'import one from "./one.ts";',
    "import {\n  two,\n} from './two.ts';",
    'import type { three } from "./three.ts";',
    'export { four } from "./four.ts";',
    'import "./five.ts";',
    'const six = await import("./six.ts");',
    'const from = "./seven.ts";',
  ].join("\n");
  const names = ["one", "two", "three", "four", "five", "six"];
  assert.deepEqual(
    importsOf(text),
    names.map((name) => `./${name}.ts`),
  );
});

test("withoutTypeImports() leaves what runs", () => {
  const text = 'import type {\n  A,\n} from "./a.ts";\nimport { b, type C } from "./b.ts";';
  assert.deepEqual(importsOf(withoutTypeImports(text)), ["./b.ts"]);
});

test("renderLayers() names every room once", () => {
  const table = renderLayers();
  for (const { name } of ROOMS)
    assert.equal(table.split("\n").filter((row) => row.startsWith(`| \`${name}\` |`)).length, 1);
});

const ARCHITECTURE = "ARCHITECTURE.md";
const missing = existsSync(join(PROJECT_ROOT, ARCHITECTURE)) ? false : `no ${ARCHITECTURE} yet`;

test("ARCHITECTURE.md shows the table of layers", { skip: missing }, () => {
  const shown = readText(ARCHITECTURE).split(/<!-- \/?layers -->/)[1] ?? "";
  assert.deepEqual(cells(shown), cells(renderLayers()));
});

/** What is wrong with an import, as a sentence; `undefined` when nothing is. */
function offenceOf(path: string, specifier: string): string | undefined {
  const target = resolveImport(path, specifier);
  const allowed =
    "outside" in target
      ? mayUse(path, target.outside)
      : mayImport(path, target.file) && !climbsOut(path, specifier, target.file);
  return allowed ? undefined : `${path} (${placeOf(path)}) must not import ${specifier}`;
}

function mayUse(path: string, name: string): boolean {
  const extra = isTest(path) ? OUTSIDE_FOR_TESTS : [];
  return extra.includes(name) || speakersFor(path).some((each) => each.outside.includes(name));
}

function mayImport(path: string, file: string): boolean {
  if (isTest(file)) return isTest(path) && (!leaves(path, file) || buildsOn(path, file));
  const to = roomOf(file);
  if (to === undefined) return false;
  if (isTest(path) && (!leaves(path, file) || to.name === "tools")) return true;
  return speakersFor(path).some((each) => each === to || each.imports.includes(to.name));
}

/** Another package is entered by its door. Tools, and what tests share, have none. */
function climbsOut(path: string, specifier: string, file: string): boolean {
  const hasDoor = !isTest(file) && !file.startsWith("tools/");
  return specifier.startsWith(".") && leaves(path, file) && hasDoor;
}

/** The packages of both tests stand in that order: a lower one's helpers may be used again. */
function buildsOn(path: string, file: string): boolean {
  const below = new Set(speakersFor(file).map((each) => each.name));
  return speakersFor(path).some((each) => each.imports.some((name) => below.has(name)));
}

/** The rooms whose rules hold for a module: its own, or for a test all those of its package. */
function speakersFor(path: string): readonly Room[] {
  if (isTest(path))
    return ROOMS.filter((each) => each.paths.some((prefix) => !leaves(path, prefix)));
  const own = roomOf(path);
  return own === undefined ? [] : [own];
}

function placeOf(path: string): string {
  return isTest(path) ? "test" : (roomOf(path)?.name ?? "in no room of tools/layers.ts");
}

function leaves(path: string, other: string): boolean {
  return packageOf(path) !== packageOf(other);
}

function packageOf(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts[0] === "packages" ? 2 : 1).join("/");
}

/** The first ring of imports found, from a module back to itself. */
function cycleIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): readonly string[] => {
    if (done.has(path)) return [];
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    trail.push(path);
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next);
      if (cycle.length > 0) return cycle;
    }
    trail.pop();
    done.add(path);
    return [];
  };
  return [...graph.keys()].map(visit).find((cycle) => cycle.length > 0) ?? [];
}

/** Types are gone before anything runs: a ring of type imports does no harm. */
function filesRunBy(path: string): string[] {
  return importsOf(withoutTypeImports(readText(path))).flatMap((specifier) => {
    const target = resolveImport(path, specifier);
    return "file" in target ? [target.file] : [];
  });
}

/** The formatter pads table columns: only what stands in the cells counts. */
function cells(table: string): string[][] {
  const rows = table.split("\n").filter((row) => row.startsWith("|"));
  return rows.map((row) => row.split("|").map((cell) => cell.trim().replace(/^-+$/, "---")));
}
