import assert from "node:assert/strict";
import { test } from "node:test";
import { SMALL_ORDER_POINTS } from "../test/forged-signatures.ts";
import {
  expandEd25519,
  isStrictPoint,
  signEd25519,
  VERIFIERS_MAX,
  verifyEd25519,
} from "./ed25519.ts";

test("isStrictPoint() refuses points of small order in every encoding (C-07)", () => {
  assert.ok(SMALL_ORDER_POINTS.length >= 14);
  for (const point of SMALL_ORDER_POINTS) assert.equal(isStrictPoint(point), false);
});

test("isStrictPoint() refuses y from p on and accepts p - 2 (C-07)", () => {
  for (let low = 0xeb; low <= 0xff; low++)
    for (const high of [0x7f, 0xff]) {
      const point = new Uint8Array(32).fill(0xff);
      point[0] = low;
      point[31] = high;
      // p - 2 ends in eb; p - 1 is of order 2.
      assert.equal(isStrictPoint(point), low === 0xeb);
    }
});

test("isStrictPoint() accepts the keys that seeds make", () => {
  for (let i = 0; i < 50; i++)
    assert.ok(isStrictPoint(expandEd25519(new Uint8Array(32).fill(i)).publicKey));
});

test("verifyEd25519() judges signers it remembers, and those it has forgotten", () => {
  const message = Uint8Array.of(1, 2, 3);
  const signed = Array.from({ length: VERIFIERS_MAX + 2 }, (_, i) => {
    const { privateKey, publicKey } = expandEd25519(new Uint8Array(32).fill(i));
    return { publicKey, signature: signEd25519(privateKey, message) };
  });
  for (let turn = 0; turn < 2; turn++)
    for (const [i, { publicKey, signature }] of signed.entries()) {
      assert.ok(verifyEd25519(publicKey, message, signature), `${i}`);
      const another = signed[(i + 1) % signed.length]!.signature;
      assert.ok(!verifyEd25519(publicKey, message, another), `${i}`);
    }
  for (const point of SMALL_ORDER_POINTS)
    assert.ok(!verifyEd25519(point, message, signed[0]!.signature));
});
