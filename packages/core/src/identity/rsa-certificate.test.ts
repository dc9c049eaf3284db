import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { RSA_KEY_VALID_MS } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { createIdentity } from "./identity.ts";
import { decodeRsaCertificate, encodeRsaCertificate } from "./rsa-certificate.ts";

const NOW = 1_800_000_000_000 as WallMs;
const NOT_AFTER = later(RSA_KEY_VALID_MS);
const SPKI = new Uint8Array(422).fill(0x30);
const alice = createIdentity(suite);
const certificate = encodeRsaCertificate(suite, alice, SPKI, NOT_AFTER);

test("decodeRsaCertificate() gives the key that encodeRsaCertificate() certified", () => {
  assert.equal(certificate.length, 4 + 422 + 8 + 64);
  const received = certificate.slice();
  const certified = decodeRsaCertificate(suite, alice.id, received, NOW);
  received.fill(0);
  assert.deepEqual(certified, { spki: SPKI, notAfter: NOT_AFTER });
});

test("decodeRsaCertificate() refuses another identity's certificate (C-13)", () => {
  const mallory = createIdentity(suite);
  assert.equal(decodeRsaCertificate(suite, mallory.id, certificate, NOW), undefined);
  assert.equal(decodeRsaCertificate(suite, alice.fingerprint, certificate, NOW), undefined);
});

test("decodeRsaCertificate() refuses any change (C-01)", () => {
  for (let at = 0; at < certificate.length; at += 13) {
    const changed = certificate.slice();
    changed[at]! ^= 0x10;
    assert.equal(decodeRsaCertificate(suite, alice.id, changed, NOW), undefined, `byte ${at}`);
  }
});

test("decodeRsaCertificate() refuses cuts, additions and lengths that lie (P-01)", () => {
  for (let length = 0; length < certificate.length; length += 7)
    assert.equal(refusal(certificate.subarray(0, length)), undefined);
  assert.equal(refusal(concat(certificate, Uint8Array.of(0))), undefined);
  for (const length of [0, 1, 421, 423, 513, 0x7fff_ffff, 0xffff_ffff]) {
    const lying = certificate.slice();
    new DataView(lying.buffer).setUint32(0, length);
    assert.equal(refusal(lying), undefined);
  }
});

test("decodeRsaCertificate() accepts until notAfter, and at most two key lives ahead", () => {
  const at = (now: WallMs) => decodeRsaCertificate(suite, alice.id, certificate, now);
  assert.ok(at(NOT_AFTER));
  assert.equal(at((NOT_AFTER + 1) as WallMs), undefined);
  assert.ok(at((NOT_AFTER - 2 * RSA_KEY_VALID_MS) as WallMs));
  assert.equal(at((NOT_AFTER - 2 * RSA_KEY_VALID_MS - 1) as WallMs), undefined);
});

test("decodeRsaCertificate() refuses a signature without its label (C-12)", () => {
  const body = certificate.subarray(0, -64);
  const forged = concat(body, suite.sign(alice.signing, body));
  assert.equal(refusal(forged), undefined);
});

test("decodeRsaCertificate() never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      assert.equal(refusal(bytes), undefined);
    }),
  );
});

test("encodeRsaCertificate() refuses an SPKI that nobody would read", () => {
  for (const length of [0, 513])
    assert.throws(() => encodeRsaCertificate(suite, alice, new Uint8Array(length), NOT_AFTER), {
      code: "usage/invalid-argument",
    });
});

function refusal(bytes: Uint8Array) {
  return decodeRsaCertificate(suite, alice.id, bytes, NOW);
}

function later(delayMs: number): WallMs {
  return (NOW + delayMs) as WallMs;
}
