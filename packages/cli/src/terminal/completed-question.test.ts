import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { completeCode } from "../code-input.ts";
import { askCompleted } from "./completed-question.ts";

const WORDS = ["crop", "cross", "crowd", "velvet"];
const completeWord = (prefix: string) => WORDS.filter((word) => word.startsWith(prefix));
const complete = (line: string) => completeCode(line, completeWord);

async function typing(keys: string): Promise<string | undefined> {
  const input = new PassThrough();
  const output = new PassThrough();
  const answer = askCompleted({ message: "Code:", complete }, input, output);
  for (const key of keys) {
    input.write(key);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await answer;
}

test("askCompleted() completes a word with Tab and takes the line at Enter", async () => {
  assert.equal(await typing("37-crow\tvel\t\r"), "37-crowd-velvet");
});

test("askCompleted() gives nothing after Ctrl-C", async () => {
  assert.equal(await typing("37-\u0003"), undefined);
});

test("askCompleted() gives nothing when the question is taken back", async () => {
  const withdrawn = new AbortController();
  const question = { message: "Code:", complete, signal: withdrawn.signal };
  const answer = askCompleted(question, new PassThrough(), new PassThrough());
  withdrawn.abort();
  assert.equal(await answer, undefined);
});

test("completeCode() leaves the number alone and ends only the first word with a hyphen", () => {
  assert.deepEqual(complete("3"), [[], "3"]);
  assert.deepEqual(complete("37-cr"), [["crop-", "cross-", "crowd-"], "cr"]);
  assert.deepEqual(complete("37 CROW"), [["crowd-"], "CROW"]);
  assert.deepEqual(complete("37-crowd-v"), [["velvet"], "v"]);
  assert.deepEqual(complete("37-crowd-"), [[], ""]);
});
