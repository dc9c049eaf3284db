import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allDifferent,
  assertWiped,
  flipped,
  otherLengths,
  RememberingSuite,
  secret,
} from "../../../test/exchange-lab.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { wrappingSink, wrappingSource, WRAPPED_KEY_BYTES } from "./wrapped-session-keys.ts";

const KEYS = { session: secret("wrap"), transcript: secret("th") };
const sink = wrappingSink(suite, KEYS);

test("wrappingSink() opens what wrappingSource() made, for every j", async () => {
  const source = wrappingSource(suite, KEYS);
  for (const j of [1, 2, 66, 65_537, 2 ** 32 - 1]) {
    const { key, body } = source.next(j);
    assert.equal(key.length, 32);
    assert.equal(body.length, WRAPPED_KEY_BYTES);
    assert.equal(sink.bodyBytes, WRAPPED_KEY_BYTES);
    assert.deepEqual(await sink.open(j, body), key);
  }
});

test("S-14 wrappingSource() makes another key each time and never repeats a body", () => {
  const source = wrappingSource(suite, KEYS);
  const made = Array.from({ length: 64 }, (_, i) => source.next(i + 1));
  assert.ok(allDifferent(made.map(({ key }) => key)));
  assert.ok(allDifferent(made.map(({ body }) => body)));
});

test("S-14 wrappingSource() wraps the same key differently for each j", () => {
  const same = { ...suite, random: () => secret("one key") };
  const source = wrappingSource(same, KEYS);
  assert.ok(allDifferent([1, 2, 256, 65_536, 2 ** 24].map((j) => source.next(j).body)));
});

test("C-02 wrappingSink() opens nothing under another j, transcript or key", async () => {
  const { body } = wrappingSource(suite, KEYS).next(5);
  for (const j of [1, 4, 6, 5 << 8, 2 ** 32 - 5])
    assert.equal(await sink.open(j, body), undefined, `${j}`);
  const others = [
    { ...KEYS, transcript: secret("another th") },
    { ...KEYS, session: secret("another wrap") },
  ];
  for (const keys of others) assert.equal(await wrappingSink(suite, keys).open(5, body), undefined);
});

test("C-01 P-01 wrappingSink() opens no altered body and no other length", async () => {
  const { body } = wrappingSource(suite, KEYS).next(1);
  for (let bit = 0; bit < body.length * 8; bit++)
    assert.equal(await sink.open(1, flipped(body, bit)), undefined, `bit ${bit}`);
  for (const other of otherLengths(body)) assert.equal(await sink.open(1, other), undefined);
});

test("wrappingSink() gives undefined for any bytes", async () => {
  const anything = fc.uint8Array({ maxLength: 64 });
  await fc.assert(
    fc.asyncProperty(anything, fc.nat(), async (body, j) => {
      assert.equal(await sink.open(j, body), undefined);
    }),
  );
});

test("C-20 wrappingSource() and wrappingSink() wipe the wrap key when told", () => {
  for (const make of [wrappingSource, wrappingSink]) {
    const keys = { session: secret("wrap"), transcript: secret("th") };
    make(suite, keys).wipe();
    assertWiped(keys.session);
    assert.deepEqual(keys.transcript, KEYS.transcript);
  }
});

test("wrappingSource() draws 32 bytes for each key and hands them to the caller", () => {
  const memory = new RememberingSuite();
  const { key } = wrappingSource(memory.suite, KEYS).next(1);
  assert.equal(memory.random.length, 1);
  assert.equal(key, memory.random[0]);
});
