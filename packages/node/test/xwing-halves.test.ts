/** The two halves of native X-Wing against vectors that no X-Wing seed reaches. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { concat, utf8 } from "@postern/core/bytes";
import { exportPublic, importPrivate, ML_KEM_768, X25519 } from "../src/key-objects.ts";
import { decapsulateXWing, encapsulateXWing, type XWingKeys } from "../src/xwing.ts";
import { vectorsMissing as skip, wycheproof } from "./third-party-vectors.ts";

const ML_KEM_PUBLIC_BYTES = 1_184;

test("decapsulateXWing() agrees with Wycheproof's ML-KEM-768 (C-08)", { skip }, () => {
  const x25519 = firstValid("x25519_test");
  const cases = wycheproof("mlkem_768_test");
  assert.ok(cases.filter((c) => c.result === "valid").length > 100);
  for (const c of cases) {
    const decapsulated = () => {
      const keys = keysOf(c.bytes("seed"), x25519.bytes("private"));
      const ciphertext = concat(c.bytes("c"), x25519.bytes("public"));
      return { keys, secret: decapsulateXWing(keys, ciphertext) };
    };
    if (c.bytes("seed").length !== 64) {
      assert.throws(decapsulated, c.name);
      continue;
    }
    const { keys, secret } = decapsulated();
    if (c.result !== "valid") {
      assert.equal(secret, undefined, c.name);
      continue;
    }
    assert.deepEqual(keys.publicKey.subarray(0, ML_KEM_PUBLIC_BYTES), c.bytes("ek"), c.name);
    const halves = [c.bytes("K"), x25519.bytes("shared"), x25519.bytes("public")] as const;
    assert.deepEqual(secret, combined(...halves, keys), c.name);
  }
});

test("encapsulateXWing() takes every valid ML-KEM-768 key of Wycheproof's", { skip }, () => {
  const share = firstValid("x25519_test").bytes("public");
  for (const c of wycheproof("mlkem_768_test").filter((one) => one.result === "valid"))
    assert.ok(encapsulateXWing(concat(c.bytes("ek"), share)), c.name);
});

test("decapsulateXWing() agrees with Wycheproof's X25519 (C-07)", { skip }, () => {
  const mlKem = firstValid("mlkem_768_test");
  const cases = wycheproof("x25519_test");
  assert.ok(cases.length > 500);
  for (const c of cases) {
    const keys = keysOf(mlKem.bytes("seed"), c.bytes("private"));
    const secret = decapsulateXWing(keys, concat(mlKem.bytes("c"), c.bytes("public")));
    const shared = c.bytes("shared");
    const zero = shared.every((byte) => byte === 0);
    const wanted = combined(mlKem.bytes("K"), shared, c.bytes("public"), keys);
    assert.deepEqual(secret, zero ? undefined : wanted, c.name);
  }
});

function firstValid(file: string) {
  const found = wycheproof(file).find((c) => c.result === "valid");
  assert.ok(found);
  return found;
}

function keysOf(mlKemSeed: Uint8Array, x25519Secret: Uint8Array): XWingKeys {
  const mlKem = importPrivate(ML_KEM_768, mlKemSeed);
  const x25519 = importPrivate(X25519, x25519Secret);
  const publicKey = concat(exportPublic(ML_KEM_768, mlKem), exportPublic(X25519, x25519));
  return { mlKem, x25519, publicKey };
}

/** The draft's combiner, written once more. */
function combined(
  mlKemSecret: Uint8Array,
  x25519Secret: Uint8Array,
  share: Uint8Array,
  keys: XWingKeys,
): Uint8Array {
  const x25519Key = keys.publicKey.subarray(ML_KEM_PUBLIC_BYTES);
  const input = concat(mlKemSecret, x25519Secret, share, x25519Key, utf8("\\.//^\\"));
  return new Uint8Array(createHash("sha3-256").update(input).digest());
}
