/** Which program `bin/postern.js` starts: the bundle, as long as it is that of the sources. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

const LAUNCHER = join(import.meta.dirname, "../bin/postern.js");
const folder = mkdtempSync(join(tmpdir(), "postern-launcher-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program of its own: what it starts says where it was. */
function program(name: string): { readonly root: string; readonly started: () => string } {
  const root = join(folder, name);
  for (const part of ["bin", "src", "dist"]) mkdirSync(join(root, part), { recursive: true });
  cpSync(LAUNCHER, join(root, "bin/postern.js"));
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(join(root, "src/main.ts"), 'console.log("sources" as string);\n');
  writeFileSync(join(root, "dist/main.js"), 'console.log("bundle");\n');
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
