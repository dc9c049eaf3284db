import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "uqr";
import { renderQrCode } from "./qr-code.ts";

const TEXT = `postern:safety:${"12345".repeat(12)}`;
const BEFORE = "\u001b[38;5;16;48;5;231m";
const AFTER = "\u001b[0m";
const INK: Record<string, [boolean, boolean]> = {
  "█": [true, true],
  "▀": [true, false],
  "▄": [false, true],
  " ": [false, false],
};

/** Reads the modules back: true is ink. */
function inkOf(lines: readonly string[]): boolean[][] {
  return lines.flatMap((line) => {
    const pairs = Array.from(line, (block) => INK[block]!);
    return [pairs.map(([top]) => top), pairs.map(([, bottom]) => bottom)];
  });
}

test("renderQrCode() draws every module, dark as ink on a white ground of its own", () => {
  const { data } = encode(TEXT, { ecc: "L", border: 4 });
  const lines = renderQrCode(TEXT, true);
  for (const line of lines) assert.ok(line.startsWith(BEFORE) && line.endsWith(AFTER));
  const bare = lines.map((line) => line.slice(BEFORE.length, -AFTER.length));
  assert.deepEqual(inkOf(bare).slice(0, data.length), data);
});

test("renderQrCode() without colours draws the light modules, for a dark terminal", () => {
  const { data } = encode(TEXT, { ecc: "L", border: 4 });
  const lines = renderQrCode(TEXT, false);
  assert.ok(!lines.join("").includes("\u001b"));
  const light = inkOf(lines).slice(0, data.length);
  assert.deepEqual(
    light.map((row) => row.map((isLight) => !isLight)),
    data,
  );
});

test("renderQrCode() of a safety number fits into 80 columns and 24 rows", () => {
  const lines = renderQrCode(TEXT, false);
  assert.ok(lines.length <= 22, `${lines.length} lines`);
  assert.ok(Array.from(lines[0]!).length <= 60);
});
