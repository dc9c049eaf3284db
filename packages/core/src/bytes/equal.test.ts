import assert from "node:assert/strict";
import { test } from "node:test";
import { areZeros, equalBytes } from "./equal.ts";

/** Bytes that count how often one of them is looked at. */
function watched(bytes: Uint8Array): { readonly bytes: Uint8Array; reads(): number } {
  let count = 0;
  const get = (target: Uint8Array, key: string | symbol): unknown => {
    if (typeof key === "string" && /^\d+$/.test(key)) count++;
    return Reflect.get(target, key, target);
  };
  return { bytes: new Proxy(bytes, { get }), reads: () => count };
}

test("equalBytes() tells what differs in any bit, and in length", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 7);
  assert.ok(equalBytes(bytes, bytes.slice()));
  for (let bit = 0; bit < 128; bit++) {
    const other = bytes.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!equalBytes(bytes, other), `bit ${bit}`);
  }
  assert.ok(!equalBytes(bytes, bytes.subarray(1)));
  assert.ok(equalBytes(new Uint8Array(0), new Uint8Array(0)));
});

test("C-16 equalBytes() looks at every byte, wherever the first difference is", () => {
  for (const at of [0, 1, 16, 31, undefined]) {
    const one = watched(new Uint8Array(32));
    const other = watched(new Uint8Array(32).map((_, i) => (i === at ? 1 : 0)));
    assert.equal(equalBytes(one.bytes, other.bytes), at === undefined);
    assert.deepEqual([one.reads(), other.reads()], [32, 32], `${at}`);
  }
});

test("areZeros() sees every bit, wherever its bytes begin and end", () => {
  const buffer = new Uint8Array(24);
  for (let start = 0; start < 5; start++)
    for (let end = start; end < 22; end++) {
      const bytes = buffer.subarray(start, end);
      assert.ok(areZeros(bytes), `${start} to ${end}`);
      for (let at = 0; at < buffer.length; at++) {
        buffer[at] = 1 << (at & 7);
        assert.equal(areZeros(bytes), at < start || at >= end, `${at} of ${start} to ${end}`);
        buffer[at] = 0;
      }
    }
});
