/** The native and the noble suite against each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import fc from "fast-check";
import { nativeSuite } from "../src/native-suite.ts";

const PAIRS: readonly (readonly [string, Suite, Suite])[] = [
  ["nativeSuite to nobleSuite", nativeSuite, nobleSuite],
  ["nobleSuite to nativeSuite", nobleSuite, nativeSuite],
];
const bytes = (options?: fc.IntArrayConstraints) => fc.uint8Array(options);
const exactly = (length: number) => bytes({ minLength: length, maxLength: length });

for (const [name, from, to] of PAIRS) {
  test(`${name}: seal() is opened by open()`, () => {
    const inputs = [exactly(32), exactly(12), bytes(), bytes({ maxLength: 200 })] as const;
    fc.assert(
      fc.property(...inputs, (key, nonce, aad, text) => {
        const sealed = from.seal(key, nonce, aad, text);
        assert.deepEqual(to.open(key, nonce, aad, sealed), plain(text));
      }),
    );
  });

  test(`${name}: encapsulate() is understood by decapsulate() of one seed`, () => {
    const kem = from.generateKem();
    const restored = to.kemFromSeed(kem.seed);
    assert.deepEqual(restored.publicKey, kem.publicKey);
    const sent = from.encapsulate(restored.publicKey);
    assert.ok(sent);
    assert.deepEqual(to.decapsulate(restored, sent.ciphertext), sent.secret);
  });

  test(`${name}: sign() is verified by verify()`, () => {
    const signing = from.generateSigning();
    const message = from.random(100);
    const signature = from.sign(signing, message);
    assert.ok(to.verify(signing.publicKey, message, signature));
    assert.deepEqual(to.sign(to.signingFromSeed(signing.seed), message), signature);
  });
}

test("both suites give the same implicit rejection for a forged ciphertext (C-08)", () => {
  const kem = nativeSuite.generateKem();
  for (let i = 0; i < 5; i++) {
    const forged = nativeSuite.random(1_120);
    const secret = nativeSuite.decapsulate(kem, forged);
    assert.equal(secret?.length, 32);
    assert.deepEqual(nobleSuite.decapsulate(kem, forged), secret);
  }
});

test("both suites give the same hashes and keys", () => {
  fc.assert(
    fc.property(exactly(32), bytes(), bytes(), fc.nat(200), (key, a, b, length) => {
      assert.deepEqual(nobleSuite.sha256(a, b), nativeSuite.sha256(a, b));
      assert.deepEqual(nobleSuite.hmacSha256(a, b, key), nativeSuite.hmacSha256(a, b, key));
      assert.deepEqual(nobleSuite.extract(a, b), nativeSuite.extract(a, b));
      assert.deepEqual(nobleSuite.expand(key, a, length), nativeSuite.expand(key, a, length));
    }),
  );
});

test("both suites refuse or accept the same random public keys and signatures", () => {
  const point = exactly(32);
  fc.assert(
    fc.property(point, exactly(64), (publicKey, signature) => {
      const verified = nativeSuite.verify(publicKey, publicKey, signature);
      assert.equal(nobleSuite.verify(publicKey, publicKey, signature), verified);
    }),
    { numRuns: 50 },
  );
});

/** fast-check's arrays have a prototype of their own realm's making. */
function plain(array: Uint8Array): Uint8Array {
  return new Uint8Array(array);
}
