import assert from "node:assert/strict";
import { test } from "node:test";
import { PromptCalls } from "./prompt-calls.ts";

/** Calls on two cores that take what the test says. */
function setUp() {
  let now = 0;
  const calls = new PromptCalls({ cores: 2, now: () => now });
  const make = (tookMs: number): void => calls.make(() => void (now += tookMs));
  const makeMany = (count: number, tookMs: number): void => {
    for (let i = 0; i < count; i++) {
      assert.equal(calls.next(), true);
      make(tookMs);
    }
  };
  /** How many calls go to the pool before one is made here. */
  const pooled = (): number => {
    let count = 0;
    while (!calls.next()) count++;
    return count;
  };
  return { calls, make, makeMany, pooled };
}

test("PromptCalls makes calls here while they are prompt, and gives back what they return", () => {
  const { calls, makeMany } = setUp();
  makeMany(1_000, 0.5);
  assert.equal(
    calls.make(() => 7),
    7,
  );
});

test("PromptCalls leaves slow calls to the pool, for twice as long each time, up to 4,096", () => {
  const { make, makeMany, pooled } = setUp();
  makeMany(4, 3);
  for (const expected of [64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096]) {
    assert.equal(pooled(), expected);
    make(3);
  }
});

test("PromptCalls waits here for one call that hangs, not for another", () => {
  const { make, makeMany, pooled } = setUp();
  makeMany(100, 0.1);
  make(100);
  assert.equal(pooled(), 64);
});

test("PromptCalls comes back for good when calls are prompt again", () => {
  const { make, makeMany, pooled } = setUp();
  makeMany(4, 3);
  assert.equal(pooled(), 64);
  make(3);
  assert.equal(pooled(), 128);
  make(0.1);
  makeMany(10, 0.1);
  makeMany(4, 3);
  assert.equal(pooled(), 64, "the pause is short again");
});

test("PromptCalls does not mind a slow call among prompt ones", () => {
  const { makeMany } = setUp();
  for (let i = 0; i < 100; i++) {
    makeMany(1, 9);
    makeMany(2, 0.1);
  }
});

test("PromptCalls leaves everything to the pool where more than two cores are", () => {
  assert.equal(new PromptCalls({ cores: 3 }).next(), false);
});
