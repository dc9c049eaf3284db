import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { safeJson, safeLines, safeText } from "./safe-text.ts";

// What a terminal obeys or a reader cannot see, written as numbers so that this file holds none.
function isObeyed(point: number): boolean {
  return (
    point < 0x20 ||
    (point >= 0x7f && point <= 0x9f) ||
    point === 0x61c ||
    point === 0x200e ||
    point === 0x200f ||
    (point >= 0x2028 && point <= 0x202e) ||
    (point >= 0x2066 && point <= 0x2069) ||
    (point >= 0xd800 && point <= 0xdfff)
  );
}

function obeyed(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!).filter(isObeyed);
}

const attacks = {
  "colours and cursor moves": "\u001b[31m\u001b[2J\u001b[10;10H",
  "OSC 8 link": "\u001b]8;;http://x.example\u0007click\u001b]8;;\u0007",
  "OSC 52 clipboard": "\u001b]52;c;cm0gLXJm\u0007",
  "window title": "\u001b]0;root shell\u0007",
  "end of bracketed paste": "\u001b[201~rm -rf\n",
  sixel: "\u001bPq#0;2;0;0;0\u001b\\",
  "C1 CSI": "\u009b31m",
  "overwriting line": "good\rbad",
  "right-to-left override": "photo\u202egpj.exe",
  isolates: "\u2066a\u2069\u2067b",
  "line separator": "a\u2028postern: forged",
};

for (const [name, text] of Object.entries(attacks)) {
  test(`T-01 safeText() shows ${name} instead of sending it to the terminal`, () => {
    assert.deepEqual(obeyed(safeText(text)), []);
    assert.match(safeText(text), /\\u\{[0-9a-f]+\}/);
  });
}

test("T-01 safeText() shows the exact character", () => {
  assert.equal(safeText("a\u001b[31mb"), "a\\u{1b}[31mb");
  assert.equal(safeText("x\u202ey\n"), "x\\u{202e}y\\u{a}");
});

test("T-01 safeText() lets no obeyed character through, whatever the text", () => {
  const characters = fc.oneof(
    fc.integer({ min: 0, max: 0x10ffff }),
    fc.integer({ min: 0, max: 0xa0 }),
    fc.integer({ min: 0x2000, max: 0x2070 }),
  );
  fc.assert(
    fc.property(fc.array(characters), (points) => {
      assert.deepEqual(obeyed(safeText(String.fromCodePoint(...points))), []);
    }),
  );
});

test("safeText() keeps names of every script, joiners and emoji as they are", () => {
  for (const name of ["Grüße.txt", "日本語.pdf", "می‌خواهم", "👩‍👩‍👧.jpg", "e\u0301té", "a b (1)"])
    assert.equal(safeText(name), name);
});

test("T-03 safeText() ends a heap of 100,000 combining marks", () => {
  const shown = safeText(`a${"\u0301".repeat(100_000)}b`);
  assert.ok(shown.length < 40, `${shown.length}`);
  assert.ok(shown.startsWith("a\u0301") && shown.endsWith("…b"));
});

test("T-01 safeLines() keeps line feeds and tabs only", () => {
  assert.equal(safeLines("a\r\nb\tc\rd\u001b[0m"), "a\nb\tc\\u{d}d\\u{1b}[0m");
});

test("T-02 safeJson() stays one line of JSON without control characters", () => {
  const value = { text: Object.values(attacks).join("") + "\u{e0041}" };
  const line = safeJson(value);
  assert.deepEqual(obeyed(line), []);
  assert.deepEqual(JSON.parse(line), value);
});
