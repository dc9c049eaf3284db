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

test("parseArguments() without options means every case, small", () => {
  const { scale, cases, runs, bytes, json, isListing } = parseArguments([]);
  assert.deepEqual(
    { scale, cases, runs, bytes, json, isListing },
    {
      scale: "quick",
      cases: undefined,
      runs: undefined,
      bytes: undefined,
      json: undefined,
      isListing: false,
    },
  );
});

test("parseArguments() measures chosen cases at full size, unless asked to be quick", () => {
  const chosen = parseArguments(["--case", "file, connects", "--runs", "5"]);
  assert.equal(chosen.scale, "full");
  assert.deepEqual(chosen.cases, ["file", "connects"]);
  assert.equal(chosen.runs, 5);
  assert.equal(parseArguments(["--case", "file", "--quick"]).scale, "quick");
  const all = parseArguments(["--case", "all"]);
  assert.deepEqual([all.cases, all.scale], [undefined, "full"]);
});

test("parseArguments() refuses what it does not know", () => {
  for (const args of [
    ["--size", "1T"],
    ["--size", "0"],
    ["--size", "-1"],
    ["--runs", "0"],
    ["--runs", "x"],
    ["--x"],
    ["file"],
    ["--case", ""],
    ["--only", "socat,"],
    ["--profile", "end-to-end,none"],
    ["--relay", "relay.example:70000"],
    ["--json", ""],
  ])
    assert.throws(() => parseArguments(args), Error, args.join(" "));
});
