import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstantMs } from "@postern/core/time";
import { Allowance, Allowances } from "./allowance.ts";

const at = (ms: number): InstantMs => ms as InstantMs;
const rate = { countMax: 3, windowMs: 100 };

test("Allowance: no window of its length holds more than it allows (R-06)", () => {
  const allowance = new Allowance(rate);
  const allowed: number[] = [];
  for (let now = 0; now < 1_000; now++) if (allowance.take(at(now))) allowed.push(now);
  for (const start of allowed) {
    const inWindow = allowed.filter((each) => each >= start && each < start + rate.windowMs);
    assert(inWindow.length <= rate.countMax, `${inWindow.length} from ${start} on`);
  }
  assert.equal(allowed.length, 30, "and none goes to waste");
});

test("Allowance: what was refused does not keep others out", () => {
  const allowance = new Allowance(rate);
  for (let i = 0; i < 3; i++) assert(allowance.take(at(i * 10)));
  for (let now = 21; now < 100; now++) assert.equal(allowance.take(at(now)), false);
  assert.equal(allowance.take(at(100)), true);
  assert.equal(allowance.take(at(100)), false);
});

test("Allowances: keys have nothing to do with each other, and idle ones are forgotten", () => {
  const allowances = new Allowances(rate);
  for (let key = 0; key < 1_000; key++) assert(allowances.take(`key-${key}`, at(key)));
  assert(allowances.size <= rate.windowMs + 1, `${allowances.size} are held`);
  assert(allowances.take("key-999", at(1_000)));
  assert(allowances.take("key-999", at(1_001)));
  assert.equal(allowances.take("key-999", at(1_002)), false);
  assert.equal(allowances.take("key-998", at(1_002)), true);
});
