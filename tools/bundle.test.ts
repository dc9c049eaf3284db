import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
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
