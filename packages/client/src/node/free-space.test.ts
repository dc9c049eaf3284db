import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { freeSpace } from "./free-space.ts";

test("freeSpace() says how many bytes fit where a directory is (F-11)", async (t) => {
  const directory = await scratch(t);
  const bytes = await freeSpace(directory);
  assert.ok(Number.isSafeInteger(bytes) && bytes > 0);
  await assert.rejects(freeSpace(join(directory, "none")), hasCode("store/failed"));
});
