import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  codeOf,
  CONTEXT,
  otherLengths,
  OTHER_TRANSFER,
  put,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { hex } from "../../bytes.ts";
import { decodeSymmetricOuter, encodeSymmetricOuter, OUTER_BYTES } from "./outer.ts";

const OUTER = encodeSymmetricOuter(CONTEXT, { source: "kept", counter: 0x0102030405 });
const decode = (bytes: Uint8Array) => decodeSymmetricOuter(CONTEXT, bytes);

test("encodeSymmetricOuter() lays out what docs/protocol.md 7.1 says", () => {
  assert.equal(OUTER.length, OUTER_BYTES);
  const ends = [CONTEXT.transfer, CONTEXT.sender.fingerprint, CONTEXT.receiver.fingerprint];
  const start = ["01", "0001", "01", "01", "0000000102030405"];
  assert.equal(hex(OUTER), [...start, ...ends.map(hex)].join(""));
});

test("decodeSymmetricOuter() gives back what encodeSymmetricOuter() took", () => {
  for (const source of ["fresh-rsa", "kept"] as const)
    for (const counter of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const bytes = encodeSymmetricOuter(CONTEXT, { source, counter });
      const receiver = CONTEXT.receiver.fingerprint;
      assert.deepEqual(decode(bytes), { source, counter, receiver });
    }
});

test("decodeSymmetricOuter() copies what it keeps", () => {
  const bytes = OUTER.slice();
  const { receiver } = decode(bytes);
  bytes.fill(0);
  assert.deepEqual(receiver, CONTEXT.receiver.fingerprint);
});

test("P-01 decodeSymmetricOuter() refuses every other length", () => {
  for (const bytes of otherLengths(OUTER))
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
      `${bytes.length}`,
    );
});

test("P-03 C-09 decodeSymmetricOuter() refuses another version, suite, profile and key", () => {
  const changes: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [0, [2]],
    [1, [0, 0]],
    [1, [0, 2]],
    [1, [1, 1]],
    [3, [0]],
    [3, [2]],
    [3, [3]],
    [4, [2]],
    [4, [255]],
    [5, [0, 0x20, 0, 0, 0, 0, 0, 0]],
  ];
  for (const [at, value] of changes)
    assert.equal(
      codeOf(() => decode(put(OUTER, at, value))),
      "peer/malformed",
      `${at}`,
    );
});

test("C-02 C-13 decodeSymmetricOuter() refuses another transfer and another sender", () => {
  assert.equal(
    codeOf(() => decode(put(OUTER, 13, OTHER_TRANSFER))),
    "peer/malformed",
  );
  assert.equal(
    codeOf(() => decode(put(OUTER, 29, STRANGER.fingerprint))),
    "peer/malformed",
  );
});

test("decodeSymmetricOuter() leaves another receiver to the verdict", () => {
  const { receiver } = decode(put(OUTER, 61, STRANGER.fingerprint));
  assert.deepEqual(receiver, STRANGER.fingerprint);
});

test("decodeSymmetricOuter() throws nothing but peer/malformed for any bytes", () => {
  const near = fc.tuple(fc.nat(OUTER_BYTES - 1), fc.nat(255)).map(([at, v]) => put(OUTER, at, [v]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), near), (bytes) => {
      const code = codeOf(() => decode(bytes));
      assert.ok(code === undefined || code === "peer/malformed");
    }),
  );
});
