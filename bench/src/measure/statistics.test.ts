import assert from "node:assert/strict";
import { test } from "node:test";

import { median, quantile, ratioByTurn, spreadOf } from "./statistics.ts";

test("median() is the middle, or half-way between the two middles", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
});

test("median() sorts numbers as numbers and leaves its argument as it is", () => {
  const values = [10, 9, 100];
  assert.equal(median(values), 10);
  assert.deepEqual(values, [10, 9, 100]);
});

test("quantile() lies on the line between two values", () => {
  const values = Array.from({ length: 101 }, (_, at) => at);
  assert.equal(quantile(values, 0.99), 99);
  assert.equal(quantile(values, 0), 0);
  assert.equal(quantile(values, 1), 100);
  assert.equal(quantile([1, 2], 0.25), 1.25);
});

test("quantile() has no answer without values", () => {
  assert.throws(() => quantile([], 0.5), RangeError);
});

test("spreadOf() has the median between the smallest and the largest", () => {
  assert.deepEqual(spreadOf([5, 1, 3]), { median: 3, low: 1, high: 5 });
});

test("ratioByTurn() compares turn by turn, not median by median", () => {
  // The machine is ten times slower in the second turn: each turn still says 2.
  assert.equal(ratioByTurn([2, 20, 2], [1, 10, 1]), 2);
  assert.equal(ratioByTurn([8, 1, 6], [2, 1, 1]), 4);
});

test("ratioByTurn() leaves out turns that only one has", () => {
  assert.equal(ratioByTurn([undefined, 6], [1, 2]), 3);
  assert.equal(ratioByTurn([6, 6], [3]), 2);
  assert.equal(ratioByTurn([1], [undefined]), undefined);
  assert.equal(ratioByTurn([1], [0]), undefined);
});
