/** Which program `bin/postern.js` starts: the bundle, as long as it is that of the sources. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { Script } from "node:vm";
import { asScript } from "../../../tools/chunk-text.ts";

const BIN = join(import.meta.dirname, "../bin");
const folder = mkdtempSync(join(tmpdir(), "postern-launcher-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program of its own: what it starts says where it was. */
function program(name: string): { readonly root: string; readonly started: () => string } {
  const root = join(folder, name);
  for (const part of ["src", "dist"]) mkdirSync(join(root, part), { recursive: true });
  cpSync(BIN, join(root, "bin"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(join(root, "src/main.ts"), 'console.log("sources" as string);\n');
  writeFileSync(join(root, "dist/main.cjs"), asScript('console.log(require("./said.cjs").said);'));
  writeFileSync(join(root, "dist/said.cjs"), asScript('exports.said = "bundle";'));
  const time = statSync(join(root, "src/main.ts")).mtimeMs;
  writeFileSync(join(root, "dist/sources.json"), JSON.stringify([["../src/main.ts", time]]));
  return {
    root,
    started: () =>
      execFileSync(process.execPath, [join(root, "bin/postern.js")], { encoding: "utf8" }).trim(),
  };
}

test("postern.js starts the bundle while the sources are those it was made of", () => {
  const { root, started } = program("current");
  assert.equal(started(), "bundle");
  utimesSync(join(root, "src/main.ts"), 1, 1);
  assert.equal(started(), "sources");
});

test("postern.js starts the sources when the bundle does not say what it was made of", () => {
  const { root, started } = program("unknown");
  writeFileSync(join(root, "dist/sources.json"), "[");
  assert.equal(started(), "sources");
  rmSync(join(root, "dist"), { recursive: true });
  assert.equal(started(), "sources");
});

test("postern.js starts the bundle where there are no sources", () => {
  const { root, started } = program("published");
  rmSync(join(root, "src"), { recursive: true });
  assert.equal(started(), "bundle");
});

test("postern.js runs a chunk with the code that was kept of it, or without", () => {
  const { root, started } = program("kept");
  const main = join(root, "dist/main.cjs");
  const keep = (filename: string): void => {
    const script = new Script(readFileSync(filename, "latin1"), { filename });
    writeFileSync(`${filename}.code`, script.createCachedData());
  };
  keep(main);
  assert.equal(started(), "bundle", "with code of one chunk");
  keep(join(root, "dist/said.cjs"));
  assert.equal(started(), "bundle", "with code of all");
  writeFileSync(`${main}.code`, "another V8's code");
  assert.equal(started(), "bundle", "with code that V8 does not take");
});
