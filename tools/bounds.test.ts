/** A bound that the protocol's documents name has its value in docs/protocol-bounds.md. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { listFiles, readText } from "./sources.ts";

const NAME = /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g;
const LISTED = /^\| `([A-Z0-9_]+)` *\|/gm;

test("every bound that the protocol's text names stands in docs/protocol-bounds.md", () => {
  const listed = new Set(found(LISTED, "docs/protocol-bounds.md"));
  const texts = listFiles("docs").filter((path) => /^docs\/(?:protocol|security)/.test(path));
  const named = new Set(texts.flatMap((path) => found(NAME, path)));
  assert.ok(named.size > 0);
  assert.deepEqual(
    [...named].filter((name) => !listed.has(name)),
    [],
  );
});

function found(pattern: RegExp, path: string): string[] {
  return [...readText(path).matchAll(pattern)].map(([, name = ""]) => name);
}
