import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeDirectory } from "./make-directory.ts";

test("makeDirectory() makes what is missing and leaves what is there", (t) => {
  const base = mkdtempSync(join(tmpdir(), "postern-"));
  t.after(() => rmSync(base, { recursive: true }));
  const path = join(base, "a", "b", "c");
  makeDirectory(path, 0o700);
  makeDirectory(path, 0o755);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test(
  "makeDirectory() ends where nothing can be made",
  { skip: process.platform !== "linux" },
  () => {
    assert.throws(() => makeDirectory("/proc/postern/x", 0o700), { code: "ENOENT" });
  },
);
