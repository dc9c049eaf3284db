import assert from "node:assert/strict";
import { test } from "node:test";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import { chooseSuite, selfTest } from "../src/choose-suite.ts";
import { nativeSuite } from "../src/native-suite.ts";

test("chooseSuite() gives the native suite, which passes", () => {
  assert.equal(chooseSuite(), nativeSuite);
});

test("selfTest() passes both implementations", () => {
  assert.equal(selfTest(nativeSuite), nativeSuite);
  assert.equal(selfTest(nobleSuite), nobleSuite);
});

const BROKEN: Readonly<Record<string, Partial<Suite>>> = {
  "a changed extract()": { extract: (salt, secret) => nativeSuite.extract(secret, salt) },
  "a changed kemFromSeed()": { kemFromSeed: () => nativeSuite.generateKem() },
  "a changed sign()": { sign: () => new Uint8Array(64) },
  "an open() that never checks": { open: (_key, _nonce, _aad, sealed) => sealed },
  "an open() that never opens": { open: () => undefined },
  "a verify() that accepts all": { verify: () => true },
  "an encapsulate() for another key": {
    encapsulate: () => nativeSuite.encapsulate(nativeSuite.generateKem().publicKey),
  },
  "an OpenSSL without ML-KEM": {
    kemFromSeed() {
      throw new Error("unsupported");
    },
  },
};

for (const [what, broken] of Object.entries(BROKEN))
  test(`selfTest() refuses ${what}`, () => {
    const suite = { ...nativeSuite, ...broken };
    assert.throws(() => selfTest(suite), { code: "platform/crypto-unusable" });
  });
