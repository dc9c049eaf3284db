/** `postern bench` hands its arguments to the benchmark, and its end to the caller. @module */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Program } from "./program.ts";

const options = { cwd: import.meta.dirname, env: { PATH: process.env["PATH"] ?? "" } };

test("postern bench --list names the cases", { skip: process.platform !== "linux" }, async () => {
  const program = new Program(["bench", "--list"], options);
  assert.deepEqual(await program.ended(), { code: 0, signal: null }, program.stderr());
  assert.match(program.stdout().toString(), /^file +one file through a relay$/m);
});

test("postern bench: an option it does not have is exit 2, and the others are listed", async () => {
  const program = new Program(["bench", "--fastest"], options);
  assert.deepEqual(await program.ended(), { code: 2, signal: null });
  assert.match(program.stderr(), /Unknown option '--fastest'[^]*--case/);
});
