import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

test("bundle.ts lets an installation without the bundler go on, from the sources", (t) => {
  const root = mkdtempSync(join(tmpdir(), "postern-bundle-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const file of ["bundle.ts", "sources.ts"])
    cpSync(join(import.meta.dirname, file), join(root, "tools", file));
  const { status, stderr } = spawnSync(process.execPath, [join(root, "tools/bundle.ts")], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /runs from its sources/);
  assert.equal(existsSync(join(root, "packages/cli/dist")), false);
});

const BUNDLE = join(import.meta.dirname, "../packages/cli/dist");
const skip = !existsSync(BUNDLE) && "no bundle was made";

test("the bundle imports no module of Node's own, and keeps the names", { skip }, () => {
  const files = readdirSync(BUNDLE).filter((name) => name.endsWith(".js"));
  const texts = files.map((name) => readFileSync(join(BUNDLE, name), "utf8"));
  const imports = texts.flatMap(
    (text) => text.match(/(?:from|import) ?["']node:[\w/]+["']/gu) ?? [],
  );
  assert.deepEqual(imports, []);
  assert.ok(texts.some((text) => /\bSendPump ?= ?class\b/u.test(text)));
});
