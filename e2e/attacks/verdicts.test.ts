/** Every verdict of docs/protocol.md 9, reached by a real run, as the sender sees it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Stage } from "./cast.ts";

test("honest: both profiles arrive", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  for (const profile of ["asymmetric", "symmetric"] as const)
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
  assert.equal(bob.received.length, 2);
});
