/** docs/protocol-bounds.md tells implementers what every bound of the protocol's text is. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as limits from "./limits.ts";

const DOCS = join(import.meta.dirname, "../../../docs");
const ROW = /^\| `([A-Z0-9_]+)` *\| ([\d,]+) *\| (?:agreed|held|own) *\| [^|]+\|$/gm;
const NAME = /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g;

const rows = [...read("protocol-bounds.md").matchAll(ROW)].map(
  ([, name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))] as const,
);

test("docs/protocol-bounds.md has the values of limits.ts, each once", () => {
  const known = new Map<string, number>(Object.entries(limits));
  assert.deepEqual(
    rows.filter(([name, value]) => known.get(name) !== value),
    [],
  );
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
});

test("every bound that the protocol's text names stands in docs/protocol-bounds.md", () => {
  const listed = new Set(rows.map(([name]) => name));
  const texts = readdirSync(DOCS).filter((file) => /^(?:protocol|security)/.test(file));
  const named = texts.flatMap((file) => [...read(file).matchAll(NAME)].map((match) => match[1]));
  assert.ok(named.length > rows.length);
  assert.deepEqual([...new Set(named.filter((name = "") => !listed.has(name)))], []);
});

function read(file: string): string {
  return readFileSync(join(DOCS, file), "utf8");
}
