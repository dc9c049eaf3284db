/** docs/protocol-bounds.md tells implementers what every bound of the protocol's text is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as limits from "./limits.ts";

const DOCUMENT = join(import.meta.dirname, "../../../docs/protocol-bounds.md");
const ROW = /^\| `([A-Z0-9_]+)` *\| ([\d,]+) *\| (?:agreed|held|own) *\| [^|]+\|$/gm;

test("docs/protocol-bounds.md has the values of limits.ts, each once", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const rows = [...text.matchAll(ROW)].map(
    ([, name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))] as const,
  );
  assert.equal(rows.length, text.match(/^\| `/gm)?.length);
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
  const known = new Map<string, number>(Object.entries(limits));
  assert.deepEqual(
    rows.filter(([name, value]) => known.get(name) !== value),
    [],
  );
});
