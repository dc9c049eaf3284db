/** Third-party vectors against an implementation of the `Suite` port. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { vectorsMissing, wycheproof, xwingVectors } from "./third-party-vectors.ts";

const skip = vectorsMissing;

export function testSuiteVectors(name: string, suite: Suite): void {
  test(`${name} seal() and open() agree with Wycheproof's AES-256-GCM`, { skip }, () => {
    const cases = wycheproof("aes_gcm_test", { keySize: 256, ivSize: 96, tagSize: 128 });
    assert.ok(cases.length > 50);
    for (const c of cases) {
      const inputs = [c.bytes("key"), c.bytes("iv"), c.bytes("aad")] as const;
      const sealed = concat(c.bytes("ct"), c.bytes("tag"));
      const opened = suite.open(...inputs, sealed);
      assert.deepEqual(opened, c.result === "valid" ? c.bytes("msg") : undefined, c.name);
      if (c.result === "valid")
        assert.deepEqual(suite.seal(...inputs, c.bytes("msg")), sealed, c.name);
    }
  });

  test(`${name} extract() and expand() agree with Wycheproof's HKDF`, { skip }, () => {
    for (const c of wycheproof("hkdf_sha256_test")) {
      const key = suite.extract(c.bytes("salt"), c.bytes("ikm"));
      const expand = () => suite.expand(key, c.bytes("info"), c.number("size"));
      if (c.result === "valid") assert.deepEqual(expand(), c.bytes("okm"), c.name);
      else assert.throws(expand, { code: "usage/invalid-argument" }, c.name);
    }
  });

  test(`${name} verify() agrees with Wycheproof's Ed25519 (C-07)`, { skip }, () => {
    const cases = wycheproof("ed25519_test");
    assert.ok(cases.length > 100);
    for (const c of cases) {
      const { pk } = c.group["publicKey"] as { readonly pk: string };
      const publicKey = new Uint8Array(Buffer.from(pk, "hex"));
      const verified = suite.verify(publicKey, c.bytes("msg"), c.bytes("sig"));
      assert.equal(verified, c.result === "valid", c.name);
    }
  });

  test(`${name} kemFromSeed() and decapsulate() agree with the X-Wing draft`, { skip }, () => {
    const cases = xwingVectors();
    assert.ok(cases.length > 0);
    for (const c of cases) {
      const kem = suite.kemFromSeed(c.bytes("seed"));
      assert.deepEqual(kem.publicKey, c.bytes("pk"), c.name);
      assert.deepEqual(suite.decapsulate(kem, c.bytes("ct")), c.bytes("ss"), c.name);
    }
  });

  test(`${name} refuses Wycheproof's X25519 keys with a zero result (C-07)`, { skip }, () => {
    const kem = suite.generateKem();
    const sent = suite.encapsulate(kem.publicKey);
    assert.ok(sent);
    const cases = wycheproof("x25519_test").filter((c) => c.flags.includes("ZeroSharedSecret"));
    assert.ok(cases.length > 20);
    for (const c of cases) {
      const key = concat(kem.publicKey.subarray(0, 1_184), c.bytes("public"));
      assert.equal(suite.encapsulate(key), undefined, c.name);
      const ciphertext = concat(sent.ciphertext.subarray(0, 1_088), c.bytes("public"));
      assert.equal(suite.decapsulate(kem, ciphertext), undefined, c.name);
    }
  });
}
