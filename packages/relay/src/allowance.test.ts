import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstantMs } from "@postern/core/time";
import { Allowance, Allowances, Meter } from "./allowance.ts";

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

test("Meter: so many at once, then as many as the long run gives, whatever is refused", () => {
  const meter = new Meter(rate);
  for (let i = 0; i < 3; i++) assert(meter.take(at(7)));
  for (let i = 0; i < 10; i++) assert.equal(meter.take(at(7)), false);
  const allowed: number[] = [];
  for (let now = 8; now < 1_007; now++) if (meter.take(at(now))) allowed.push(now);
  assert.equal(allowed.length, 29, "1,000 ms hold three in each 100");
  assert(meter.take(at(2_000), 3), "an idle time is not saved up");
  assert.equal(meter.take(at(2_000)), false);
  assert.equal(meter.take(at(2_050), 2), false);
  assert(meter.take(at(2_050)));
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
