import assert from "node:assert/strict";
import { dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { hasProgram, needsProgram, programsNeededBy } from "./programs.ts";

const ABSENT = "no-such-program";

test("hasProgram() finds a program by the search path alone", () => {
  const folder = dirname(process.execPath);
  assert.equal(hasProgram("node", `relative:${folder}`), true);
  assert.equal(hasProgram("node", import.meta.dirname), false);
  assert.equal(hasProgram(ABSENT, folder), false);
});

test("needsProgram() skips with the program's name, or not at all when all must run", () => {
  const before = process.env["POSTERN_TEST_ALL"];
  try {
    delete process.env["POSTERN_TEST_ALL"];
    assert.deepEqual(needsProgram(ABSENT), { skip: `${ABSENT} is not installed` });
    assert.deepEqual(needsProgram("node"), {});
    process.env["POSTERN_TEST_ALL"] = "1";
    assert.deepEqual(needsProgram(ABSENT), {});
  } finally {
    if (before === undefined) delete process.env["POSTERN_TEST_ALL"];
    else process.env["POSTERN_TEST_ALL"] = before;
  }
});

test("programsNeededBy() reads the names out of a test", () => {
  const call = (name: string) => `test("x", needsProgram("${name}"), () => {});\n`;
  assert.deepEqual(programsNeededBy(call("one") + call("two")), ["one", "two"]);
});
