import assert from "node:assert/strict";
import { test } from "node:test";

import { parseArguments } from "./arguments.ts";

test("parseArguments() takes sizes in powers of 1,024", () => {
  const sizes = [
    ["5", 5],
    ["2K", 2_048],
    ["64M", 67_108_864],
    ["1g", 1_073_741_824],
  ] as const;
  for (const [text, bytes] of sizes)
    assert.equal(parseArguments(["--size", text]).bytes, bytes, text);
});

test("parseArguments() has defaults", () => {
  assert.deepEqual(parseArguments([]), { bytes: 2 ** 30, runs: 3, profile: "symmetric" });
});

test("parseArguments() refuses what it does not know", () => {
  for (const args of [
    ["--size", "1T"],
    ["--size", "-1"],
    ["--runs", "0"],
    ["--runs", "x"],
    ["--x"],
  ])
    assert.throws(() => parseArguments(args), Error, args.join(" "));
});
