/** Which program `bin/postern.js` starts: the bundle, as long as it is that of the sources. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
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

/** As tools/rehearsed-command.ts does. */
function keep(filename: string): void {
  const text = readFileSync(filename);
  const code = new Script(text.toString("latin1"), { filename }).createCachedData();
  const digests = [text, code].map((bytes) => hash("sha256", bytes, "buffer"));
  writeFileSync(`${filename}.code`, Buffer.concat([...digests, code]));
}

test("postern.js runs a chunk with the code that was kept of it, or without", () => {
  const { root, started } = program("kept");
  const main = join(root, "dist/main.cjs");
  keep(main);
  assert.equal(started(), "bundle", "with code of one chunk");
  keep(join(root, "dist/said.cjs"));
  assert.equal(started(), "bundle", "with code of all");
  writeFileSync(`${main}.code`, "another V8's code");
  assert.equal(started(), "bundle", "with code that V8 does not take");
});

test("postern.js runs no kept code that was damaged, or is that of another text", () => {
  const { root, started } = program("damaged");
  const said = join(root, "dist/said.cjs");
  for (const chunk of [join(root, "dist/main.cjs"), said]) keep(chunk);
  const replace = (file: string): void => {
    const text = readFileSync(file, "latin1");
    assert.ok(text.includes("bundle"), file);
    writeFileSync(file, text.replaceAll("bundle", "BUNDLE"), "latin1");
  };
  replace(`${said}.code`);
  assert.equal(started(), "bundle", "with damaged code");
  keep(said);
  replace(said);
  assert.equal(started(), "BUNDLE", "with the code of another text");
});
