import assert from "node:assert/strict";
import { test } from "node:test";

import { figuresOf, FILE_COLUMNS } from "./file-contender.ts";

const usage = (each: number) => ({ cpuSeconds: each, peakBytes: each * 2 ** 20 });
const RUN = { wallMs: 2_000, sender: usage(1), receiver: usage(3) };

test("figuresOf() gives costs for each GiB, whatever the size", () => {
  const figures = figuresOf({ ...RUN, relay: usage(2), transferMs: 500 }, 2 ** 28);
  assert.deepEqual(figures, {
    wallS: 2,
    rate: 128,
    transferS: 0.5,
    transferRate: 512,
    cpuSender: 4,
    cpuRelay: 8,
    cpuReceiver: 12,
    cpu: 24,
    peakSender: 1,
    peakRelay: 2,
    peakReceiver: 3,
  });
  const keys = FILE_COLUMNS.map(({ key }) => key);
  assert.deepEqual(keys.toSorted(), Object.keys(figures).toSorted());
});

test("figuresOf() leaves out what a program has not", () => {
  const figures = figuresOf(RUN, 2 ** 30);
  assert.equal(figures["cpu"], 4);
  for (const key of ["cpuRelay", "peakRelay", "transferS", "transferRate"])
    assert.ok(!(key in figures), key);
});

test("figuresOf() has no memory of a program that was too short to be looked at", () => {
  const sender = { cpuSeconds: 1, peakBytes: 0 };
  const figures = figuresOf({ ...RUN, sender }, 2 ** 30);
  assert.ok(!("peakSender" in figures));
  assert.equal(figures["peakReceiver"], 3);
});
