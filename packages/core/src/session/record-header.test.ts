import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  RECORD_BYTES_MAX,
  REVERSE_BODY_BYTES_MAX,
  SESSION_BODY_BYTES_MAX,
  STATEMENT_BYTES_MAX,
} from "../limits.ts";
import {
  AAD_BYTES,
  associatedData,
  decodeFrameHeader,
  encodeFrameHeader,
  frameNonce,
  type FrameHeader,
} from "./record-header.ts";

const HEADER = { type: 2, flags: 0, length: 17, j: 1, seq: 2, offset: 3, elapsedMs: 4 };

function encode(header: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(32);
  encodeFrameHeader(header, bytes);
  return bytes;
}

test("encodeFrameHeader() puts every field where the table says", () => {
  const place = { seq: 0x1_0506_0708, offset: 0x11_090a_0b0c, elapsedMs: 0x0d0e0f10 };
  const header = { type: 2, flags: 3, length: 17, j: 0x01020304, ...place };
  const first = [2, 3, 0, 0, 0, 0, 0, 17, 1, 2, 3, 4];
  const rest = [0, 0, 0, 1, 5, 6, 7, 8, 0, 0, 0, 0x11, 9, 10, 11, 12, 13, 14, 15, 16];
  assert.deepEqual([...encode(header)], [...first, ...rest]);
});

test("decodeFrameHeader() gives back what encodeFrameHeader() took", () => {
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const u53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(u32, u53, u53, u32, (j, seq, offset, elapsedMs) => {
      const header = { type: 2, flags: 0, length: 1_000, j, seq, offset, elapsedMs };
      assert.deepEqual(decodeFrameHeader(encode(header)), header);
    }),
  );
});

test("P-01 decodeFrameHeader() takes only the lengths of each type", () => {
  const bounds: readonly [number, number, number, number][] = [
    [1, 0x80, 0, SESSION_BODY_BYTES_MAX],
    [2, 0, 1, RECORD_BYTES_MAX],
    [2, 1, 40, 40 + STATEMENT_BYTES_MAX],
    [2, 3, 1, 1],
    [3, 0, 1, REVERSE_BODY_BYTES_MAX],
  ];
  for (const [type, flags, min, max] of bounds) {
    const taken = (length: number) => decodeFrameHeader(encode({ ...HEADER, type, flags, length }));
    assert.ok(taken(min + 16));
    assert.ok(taken(max + 16));
    for (const length of [0, min + 15, max + 17, 2 ** 31, 2 ** 32 - 1])
      assert.equal(taken(length), undefined);
  }
});

test("P-03 decodeFrameHeader() refuses every type and every flag that is not listed", () => {
  const listed = new Set(["1/128", "2/0", "2/1", "2/3", "3/0"]);
  for (let type = 0; type < 256; type++)
    for (let flags = 0; flags < 256; flags++) {
      const length = flags === 1 ? 56 : 17;
      const decoded = decodeFrameHeader(encode({ ...HEADER, type, flags, length }));
      assert.equal(decoded !== undefined, listed.has(`${type}/${flags}`));
    }
});

test("P-01 decodeFrameHeader() refuses a header cut anywhere and bytes that must be zero", () => {
  const bytes = encode(HEADER);
  for (let length = 0; length < 32; length++)
    assert.equal(decodeFrameHeader(bytes.subarray(0, length)), undefined);
  for (const at of [2, 3]) {
    const altered = bytes.slice();
    altered[at] = 1;
    assert.equal(decodeFrameHeader(altered), undefined);
  }
});

test("decodeFrameHeader() keeps a u64 beyond 2^53 beyond every number that is expected", () => {
  const bytes = encode(HEADER);
  bytes[12] = 0x80;
  bytes[20] = 0xff;
  const decoded = decodeFrameHeader(bytes);
  assert.ok(decoded !== undefined && decoded.seq > Number.MAX_SAFE_INTEGER);
  assert.ok(decoded.offset > Number.MAX_SAFE_INTEGER);
});

test("decodeFrameHeader() never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeFrameHeader(bytes)),
  );
});

test("frameNonce() is flags, three zero bytes, seq", () => {
  assert.deepEqual([...frameNonce(0x80, 0x1_0000_0002)], [0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
});

test("associatedData() is header, transcript, direction", () => {
  const th = new Uint8Array(32).fill(9);
  const aad = associatedData(HEADER, th, 1);
  assert.equal(aad.length, AAD_BYTES);
  assert.deepEqual(aad.subarray(0, 32), encode(HEADER));
  assert.deepEqual(aad.subarray(32, 64), th);
  assert.equal(aad[64], 1);
});
