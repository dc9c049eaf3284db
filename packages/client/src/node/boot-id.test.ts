import assert from "node:assert/strict";
import { test } from "node:test";
import { bootId } from "./boot-id.ts";

test("bootId() is the same until the computer starts again", async () => {
  const id = await bootId();
  assert.match(id, /^[\w-]{1,64}$/);
  assert.equal(await bootId(), id);
});
