import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { STORED_NAME_BYTES_MAX, STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import { hasCode } from "../../test/has-code.ts";
import { StoredTree } from "./stored-tree.ts";

const ROOT = { parent: undefined, name: "/in", depth: 0 };

test("F-03 StoredTree gives names that become one when they are stored others, at once", (t) => {
  const folds = t.mock.method(String.prototype, "toLowerCase");
  const names = placed(STORED_NAME_TRIES_MAX);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.ok(utf8(name).length <= STORED_NAME_BYTES_MAX);
  const most = 4 * STORED_NAME_TRIES_MAX;
  assert.ok(folds.mock.callCount() < most, `${folds.mock.callCount()} looks`);
  assert.deepEqual(placed(STORED_NAME_TRIES_MAX), names);
});

test("F-10 StoredTree refuses more names alike than it tries", () => {
  assert.throws(() => placed(STORED_NAME_TRIES_MAX + 1), hasCode("transfer/invalid"));
});

/** Each ":" is stored as three characters: what tells these apart is cut off. */
function placed(count: number): string[] {
  const tree = new StoredTree(ROOT);
  return Array.from({ length: count }, (_, n) => {
    const path = ":".repeat(90) + String(n).padStart(4, "0");
    return tree.place({ kind: "file", path, size: 0, mode: 0o600, modifiedMs: 0 }).name;
  });
}
