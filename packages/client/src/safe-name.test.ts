import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { FILE_NAME_BYTES_MAX, STORED_NAME_BYTES_MAX } from "@postern/core/limits";
import fc from "fast-check";
import { numberedName, safeFileName, shortenName } from "./safe-name.ts";

test("safeFileName() refuses whatever points somewhere (F-01)", () => {
  for (const name of [
    "../x",
    "a/../../x",
    "..\\x",
    "a\\..\\..\\x",
    "/etc/x",
    "C:\\x",
    "C:x",
    "c:",
    "\\\\srv\\share\\x",
    "\\\\?\\C:\\x",
    "//x",
    "a/b",
    "x/",
    ".",
    "..",
    "",
    "a\0b",
    "a:stream",
  ])
    refuses(name);
});

test("safeFileName() names the character that it refuses (F-02)", () => {
  assert.equal(refuses("a/b").details["character"], "U+002F");
  assert.equal(refuses("a\0b").details["character"], "U+0000");
  assert.equal(refuses("").details["reason"], "empty");
});

test("safeFileName() maps what Windows cannot store (F-02)", () => {
  for (const [name, stored] of [
    ["CON", "%43ON"],
    ["con", "%63on"],
    ["nul.txt", "%6Eul.txt"],
    ["NUL .txt", "%4EUL .txt"],
    ["COM1.tar", "%43OM1.tar"],
    ["COM¹", "%43OM¹"],
    ["LPT²", "%4CPT²"],
    ["lpt0", "%6Cpt0"],
    ["CLOCK$", "%43LOCK$"],
    ["CONIN$", "%43ONIN$"],
    ["file:stream", "file%3Astream"],
    ["what?.txt", "what%3F.txt"],
    ['<a>|"*', "%3Ca%3E%7C%22%2A"],
    ["end.", "end%2E"],
    ["end ", "end%20"],
    ["   ", "  %20"],
    ["...", "..%2E"],
    ["console", "console"],
    ["com10", "com10"],
    ["-rf", "-rf"],
    [".bashrc", ".bashrc"],
  ] as const)
    assert.equal(safeFileName(name), stored);
});

test("safeFileName() maps what a terminal would obey or hide (F-03)", () => {
  for (const [name, stored] of [
    ["a\nb", "a%0Ab"],
    ["a\rb", "a%0Db"],
    ["a\tb", "a%09b"],
    ["\u001b[2Jx", "%1B[2Jx"],
    ["a\u0007", "a%07"],
    ["a\u007f", "a%7F"],
    ["a\u009bx", "a%C2%9Bx"],
    ["txt.\u202eexe", "txt.%E2%80%AEexe"],
    ["a\u2066b", "a%E2%81%A6b"],
    ["a\u200bb", "a%E2%80%8Bb"],
    ["a\u200db", "a%E2%80%8Db"],
    ["\ufeffa", "%EF%BB%BFa"],
    ["a\u2028b", "a%E2%80%A8b"],
    ["a\u3164", "a%E3%85%A4"],
    ["a\u{e0041}", "a%F3%A0%81%81"],
  ] as const)
    assert.equal(safeFileName(name), stored);
  refuses("a\ud800b");
  refuses("x".repeat(4096));
});

test("safeFileName() leaves the names of all scripts as they are", () => {
  for (const name of [
    "Grüße aus Köln.pdf",
    "e\u0301te\u0301.txt",
    "été.txt",
    "文件（最終版）.docx",
    "Отчёт за год.xlsx",
    "تقرير.pdf",
    "می\u200cخواهم.txt",
    "रिपोर्ट.pdf",
    "क्\u200dष.txt",
    "👩\u200d👩\u200d👧.png",
    "❤️\u200d🔥.png",
    "日本　語.txt",
    "100% sure.txt",
    "photo 1 (2).jpeg",
  ])
    assert.equal(safeFileName(name), name);
});

test("safeFileName() can be undone for every name that it does not shorten", () => {
  const part = fc.constantFrom("%", "%4", "2E", "con", ".", " ", ":", "\u202e", "é", "a", "\n");
  const names = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(names, (name) => {
      let stored: string;
      try {
        stored = safeFileName(name);
      } catch (error) {
        return error instanceof PosternError && error.code === "store/unsafe-name";
      }
      const uri = stored.replaceAll(/[^%]+|%(?![0-9A-F]{2})/gu, encodeURIComponent);
      return decodeURIComponent(uri) === name;
    }),
    { numRuns: 500 },
  );
});

test("safeFileName() shortens to what a disk takes and keeps the extension (F-03)", () => {
  for (const [name, extension] of [
    [`${"x".repeat(300)}.tar.gz`, ".tar.gz"],
    [`${"é".repeat(200)}.pdf`, ".pdf"],
    [`a${"😀".repeat(100)}.pdf`, ".pdf"],
    ["\n".repeat(300), ""],
    [`con${" ".repeat(300)}x`, ""],
    [`nul.${"x".repeat(300)}`, ""],
    [" ".repeat(300), ""],
    [".".repeat(300), ""],
    ["x".repeat(254) + ".", ""],
  ] as const) {
    const stored = safeFileName(name);
    const bytes = utf8(stored).length;
    assert.ok(bytes <= STORED_NAME_BYTES_MAX && bytes > 240, `${bytes} bytes`);
    assert.ok(stored.isWellFormed() && stored.endsWith(extension));
    assert.ok(!/[. ]$/u.test(stored) && !/^(con|nul) *(\.|$)/u.test(stored), stored);
  }
  refuses("x".repeat(FILE_NAME_BYTES_MAX + 1));
});

test("safeFileName() never gives what it would refuse or a system would change", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      let stored: string;
      try {
        stored = safeFileName(name);
      } catch (error) {
        return error instanceof PosternError && error.code === "store/unsafe-name";
      }
      const dangerous = /[/\\<>:"|?*\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]|[. ]$/u;
      return utf8(stored).length <= STORED_NAME_BYTES_MAX && !dangerous.test(stored);
    }),
    { numRuns: 500 },
  );
});

test("numberedName() puts the number before the extension, within the limit", () => {
  assert.equal(numberedName("report.pdf", 1), "report (1).pdf");
  assert.equal(numberedName("a.tar.gz", 12), "a (12).tar.gz");
  assert.equal(numberedName(".bashrc", 1), ".bashrc (1)");
  assert.equal(numberedName("Mr. Smith", 1), "Mr. Smith (1)");
  const long = numberedName(`${"x".repeat(251)}.pdf`, 7);
  assert.equal(long, `${"x".repeat(247)} (7).pdf`);
});

test("shortenName() cuts between characters", () => {
  assert.equal(shortenName("😀😀.png", 9), "😀.png");
  assert.equal(shortenName("a%0A.png", 7), "a.png");
  assert.equal(shortenName("short", 255), "short");
});

function refuses(name: string): PosternError {
  try {
    safeFileName(name);
  } catch (error) {
    if (error instanceof PosternError && error.code === "store/unsafe-name") return error;
    throw error;
  }
  return assert.fail(`accepted ${JSON.stringify(name)}`);
}
