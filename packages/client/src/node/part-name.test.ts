import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { STORED_NAME_BYTES_MAX } from "@postern/core/limits";
import { newPartName } from "./part-name.ts";

test("F-12 newPartName() gives no two parts one name", () => {
  const names = Array.from({ length: 100 }, () => newPartName("photo.raw"));
  for (const name of names) assert.match(name, /^\.photo\.raw\.[0-9a-f]{8}\.part$/);
  assert.equal(new Set(names).size, names.length);
});

test("F-03 newPartName() keeps the longest names within what a file system takes", () => {
  for (const name of ["x".repeat(255), `${"é".repeat(120)}.tar.gz`, "\u{1f98a}".repeat(63)]) {
    const part = newPartName(name);
    assert.ok(utf8(part).length <= STORED_NAME_BYTES_MAX, part);
    assert.match(part, /^\..+\.part$/su);
    assert.ok(part.isWellFormed());
  }
});
