import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESENCE_LATE_MS } from "../limits.ts";
import type { InstantMs } from "../time.ts";
import { Presence } from "./presence.ts";

const at = (ms: number): InstantMs => ms as InstantMs;

function presence(capacity: number): Presence {
  const told = new Presence();
  const frame = told.announce({ profiles: ["end-to-end", "symmetric"], capacity }, true, 0);
  assert.deepEqual(frame, { kind: "presence", free: capacity, listed: true, profiles: 5 });
  return told;
}

test("S-17 Presence tells at once that the last place is taken, and that there is one again", () => {
  const one = presence(1);
  assert.equal(one.change(1, at(0))?.free, 0);
  assert.equal(one.change(0, at(0))?.free, 1);
  const two = presence(2);
  assert.equal(two.change(1, at(0)), undefined);
  assert.equal(two.change(2, at(1))?.free, 0);
  assert.equal(two.change(1, at(2))?.free, 1);
  assert.equal(two.deadline, undefined);
});

test("Presence tells another number later, counted from its first change, and once", () => {
  const told = presence(8);
  assert.equal(told.change(1, at(10)), undefined);
  assert.equal(told.change(2, at(500)), undefined);
  assert.equal(told.deadline, 10 + PRESENCE_LATE_MS);
  assert.equal(told.woke(at(9 + PRESENCE_LATE_MS)), undefined);
  assert.equal(told.woke(at(10 + PRESENCE_LATE_MS))?.free, 6);
  assert.equal(told.deadline, undefined);
  assert.equal(told.woke(at(9_999)), undefined);
});

test("Presence tells nothing of a place that is free again before it was told", () => {
  const told = presence(8);
  assert.equal(told.change(1, at(0)), undefined);
  assert.equal(told.change(0, at(3)), undefined);
  assert.equal(told.deadline, undefined);
});

test("Presence never counts below nothing, and announces what is taken meanwhile", () => {
  const told = presence(2);
  assert.equal(told.change(2, at(0))?.free, 0);
  assert.equal(told.change(3, at(0)), undefined);
  assert.equal(told.announce({ profiles: [], capacity: 1 }, false, 3).free, 0);
  assert.equal(told.announce({ profiles: [], capacity: 5 }, false, 3).free, 2);
});
