import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../test/has-code.ts";
import { MetKeys } from "./met-keys.ts";

test("secret() and record() give copies; wipe() erases what they are copies of", () => {
  const secret = new Uint8Array(32).fill(1);
  let wiped = 0;
  const keys = new MetKeys(secret, () => (wiped += 1));
  const record = Uint8Array.of(7);
  keys.saveRecord("sending", record);
  record.fill(0);
  keys.secret().fill(0);
  keys.record("sending")?.fill(0);
  assert.deepEqual([keys.secret()[0], keys.record("sending")?.[0]], [1, 7]);
  assert.equal(keys.record("receiving"), undefined);
  keys.wipe();
  keys.wipe();
  assert.deepEqual([secret[0], keys.record("sending"), wiped], [0, undefined, 1]);
});

test("hold() keeps the keys until the last use has let them go, and no longer", () => {
  const secret = new Uint8Array(32).fill(1);
  const keys = new MetKeys(secret);
  const [one, two] = [keys.hold(), keys.hold()];
  one();
  one();
  assert.equal(secret[0], 1, "another use goes on");
  two();
  assert.equal(secret[0], 0);
  for (const use of [() => keys.hold(), () => keys.secret(), () => keys.expect()])
    assert.throws(use, hasCode("usage/wrong-state"));
  assert.throws(() => keys.saveRecord("sending", secret), hasCode("usage/wrong-state"));
});

test("kept() erases the keys at once, or when what runs with them has ended", () => {
  const [idle, busy] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(1)];
  const [atRest, inUse] = [new MetKeys(idle), new MetKeys(busy)];
  const release = inUse.hold();
  atRest.kept();
  inUse.kept();
  assert.deepEqual([atRest.isKept, inUse.isKept, idle[0], busy[0]], [true, true, 0, 1]);
  release();
  assert.equal(busy[0], 0);
});
