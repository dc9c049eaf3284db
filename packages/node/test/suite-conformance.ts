/** What every implementation of the `Suite` port must do, run as tests against the given one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, utf8 } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import {
  mixedOrderKey,
  SMALL_ORDER_POINTS,
  smallOrderKey,
  smallOrderR,
  unreducedS,
} from "./forged-signatures.ts";

const INVALID = { name: "PosternError", code: "usage/invalid-argument" };
const MESSAGE = utf8("a message");
const NOTHING = new Uint8Array(0);
/** Where the X25519 halves begin. */
const SHARE_AT = 1_088;
const X25519_KEY_AT = 1_184;

/** `name` tells the implementation in the tests' names. */
export function testSuite(name: string, suite: Suite): void {
  testPlainBytes(name, suite);
  testHashes(name, suite);
  testAead(name, suite);
  testKem(name, suite);
  testHostileKem(name, suite);
  testSignatures(name, suite);
  testHostileSignatures(name, suite);
}

function testPlainBytes(name: string, suite: Suite): void {
  test(`${name} returns plain bytes of the stated lengths`, () => {
    const kem = suite.generateKem();
    const sent = suite.encapsulate(kem.publicKey);
    const signing = suite.generateSigning();
    const key = suite.random(32);
    const sealed = suite.seal(key, suite.random(12), NOTHING, MESSAGE);
    const stated: readonly [Uint8Array | undefined, number][] = [
      [suite.random(0), 0],
      [suite.random(200_000), 200_000],
      [suite.sha256(MESSAGE), 32],
      [suite.sha256(), 32],
      [suite.sha256Stream().digest(), 32],
      [suite.hmacSha256(key, MESSAGE), 32],
      [suite.extract(NOTHING, key), 32],
      [suite.expand(key, MESSAGE, 70), 70],
      [suite.expand(key, MESSAGE, 0), 0],
      [sealed, MESSAGE.length + 16],
      [kem.seed, 32],
      [kem.publicKey, 1_216],
      [sent?.ciphertext, 1_120],
      [sent?.secret, 32],
      [signing.seed, 32],
      [signing.publicKey, 32],
      [suite.sign(signing, MESSAGE), 64],
    ];
    for (const [bytes, length] of stated) {
      assert.equal(bytes?.length, length);
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    }
  });

  test(`${name} random() fills every part of long requests and never repeats`, () => {
    const bytes = suite.random(70_000);
    assert.ok(bytes.subarray(-32).some((byte) => byte !== 0));
    assert.notDeepEqual(suite.random(32), suite.random(32));
  });
}

function testHashes(name: string, suite: Suite): void {
  test(`${name} sha256() and hmacSha256() join their parts`, () => {
    const [head, tail] = [MESSAGE.subarray(0, 3), MESSAGE.subarray(3)];
    assert.deepEqual(suite.sha256(head, tail), suite.sha256(MESSAGE));
    assert.deepEqual(suite.hmacSha256(head, head, tail), suite.hmacSha256(head, MESSAGE));
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(Buffer.from(suite.sha256(utf8("abc"))).toString("hex"), abc);
  });

  test(`${name} sha256Stream() digests its parts, and copy() goes on by itself`, () => {
    const stream = suite.sha256Stream();
    stream.update(MESSAGE);
    const copy = stream.copy();
    copy.update(NOTHING);
    stream.update(utf8("more"));
    assert.deepEqual(copy.copy().digest(), suite.sha256(MESSAGE));
    assert.deepEqual(copy.digest(), suite.sha256(MESSAGE));
    for (let i = 0; i < 2; i++)
      assert.deepEqual(stream.digest(), suite.sha256(MESSAGE, utf8("more")));
  });

  test(`${name} expand() refuses short keys and lengths that HKDF cannot give`, () => {
    const key = suite.sha256(MESSAGE);
    assert.equal(suite.expand(key, NOTHING, 8_160).length, 8_160);
    for (const length of [8_161, -1, 1.5, Number.NaN])
      assert.throws(() => suite.expand(key, NOTHING, length), INVALID);
    assert.throws(() => suite.expand(key.subarray(1), NOTHING, 32), INVALID);
  });
}

function testAead(name: string, suite: Suite): void {
  const key = suite.random(32);
  const nonce = suite.random(12);

  test(`${name} open() gives back what seal() took, empty texts too`, () => {
    for (const text of [NOTHING, MESSAGE]) {
      const sealed = suite.seal(key, nonce, MESSAGE, text);
      assert.deepEqual(suite.open(key, nonce, MESSAGE, sealed), text);
    }
  });

  test(`${name} open() refuses any changed bit, cut or other input (C-01)`, () => {
    const sealed = suite.seal(key, nonce, MESSAGE, MESSAGE);
    for (let bit = 0; bit < sealed.length * 8; bit++)
      assert.equal(suite.open(key, nonce, MESSAGE, flipped(sealed, bit)), undefined);
    for (let length = 0; length < sealed.length; length++)
      assert.equal(suite.open(key, nonce, MESSAGE, sealed.subarray(0, length)), undefined);
    assert.equal(suite.open(flipped(key, 0), nonce, MESSAGE, sealed), undefined);
    assert.equal(suite.open(key, flipped(nonce, 95), MESSAGE, sealed), undefined);
    assert.equal(suite.open(key, nonce, NOTHING, sealed), undefined);
  });

  test(`${name} seal() and open() refuse keys and nonces of other lengths`, () => {
    for (const length of [0, 16, 31, 33]) {
      assert.throws(() => suite.seal(new Uint8Array(length), nonce, NOTHING, MESSAGE), INVALID);
      assert.throws(() => suite.open(new Uint8Array(length), nonce, NOTHING, MESSAGE), INVALID);
    }
    for (const length of [0, 11, 13, 16]) {
      assert.throws(() => suite.seal(key, new Uint8Array(length), NOTHING, MESSAGE), INVALID);
      assert.throws(() => suite.open(key, new Uint8Array(length), NOTHING, MESSAGE), INVALID);
    }
  });
}

function testKem(name: string, suite: Suite): void {
  test(`${name} decapsulate() finds the secret of encapsulate(), from a stored seed too`, () => {
    const kem = suite.generateKem();
    const sent = suite.encapsulate(kem.publicKey);
    assert.ok(sent);
    assert.deepEqual(suite.decapsulate(kem, sent.ciphertext), sent.secret);
    const restored = suite.kemFromSeed(kem.seed);
    assert.deepEqual(restored.publicKey, kem.publicKey);
    assert.deepEqual(suite.decapsulate(restored, sent.ciphertext), sent.secret);
    assert.deepEqual(suite.decapsulate({ ...kem }, sent.ciphertext), sent.secret);
    assert.notDeepEqual(suite.encapsulate(kem.publicKey)?.ciphertext, sent.ciphertext);
  });

  test(`${name} kemFromSeed() and signingFromSeed() copy the seed and refuse other lengths`, () => {
    const seed = suite.random(32);
    const kept = seed.slice();
    const pairs = [suite.kemFromSeed(seed), suite.signingFromSeed(seed)];
    seed.fill(0);
    for (const pair of pairs) assert.deepEqual(pair.seed, kept);
    for (const length of [0, 31, 33, 64]) {
      assert.throws(() => suite.kemFromSeed(new Uint8Array(length)), INVALID);
      assert.throws(() => suite.signingFromSeed(new Uint8Array(length)), INVALID);
    }
  });
}

function testHostileKem(name: string, suite: Suite): void {
  const kem = suite.generateKem();

  test(`${name} encapsulate() refuses other lengths and ML-KEM coefficients above q (C-08)`, () => {
    for (const length of [0, 32, 1_184, 1_215, 1_217])
      assert.equal(suite.encapsulate(new Uint8Array(length)), undefined);
    const outOfRange = kem.publicKey.slice();
    outOfRange.set([0xff, 0xff, 0xff]);
    assert.equal(suite.encapsulate(outOfRange), undefined);
  });

  test(`${name} decapsulate() gives another secret for a changed ciphertext or key (C-08)`, () => {
    const sent = suite.encapsulate(kem.publicKey);
    assert.ok(sent);
    const nonce = new Uint8Array(12);
    const sealed = suite.seal(sent.secret, nonce, NOTHING, MESSAGE);
    for (const bit of [0, 8 * SHARE_AT - 1, 8 * SHARE_AT, 8 * 1_120 - 1]) {
      const secret = suite.decapsulate(kem, flipped(sent.ciphertext, bit));
      assert.ok(secret);
      assert.equal(suite.open(secret, nonce, NOTHING, sealed), undefined);
    }
    assert.notDeepEqual(suite.decapsulate(suite.generateKem(), sent.ciphertext), sent.secret);
    for (const length of [0, SHARE_AT, 1_119, 1_121])
      assert.equal(suite.decapsulate(kem, new Uint8Array(length)), undefined);
  });

  test(`${name} another encoding of the same X25519 share gives another secret (C-07)`, () => {
    const sent = suite.encapsulate(kem.publicKey);
    assert.ok(sent);
    // The top bit is ignored by X25519 itself (RFC 7748, 5), but hashed by X-Wing.
    const secret = suite.decapsulate(kem, flipped(sent.ciphertext, 8 * 1_120 - 1));
    assert.equal(secret?.length, 32);
    assert.notDeepEqual(secret, sent.secret);
  });

  test(`${name} refuses X25519 shares of low order, canonical or not (C-07)`, () => {
    const sent = suite.encapsulate(kem.publicKey);
    assert.ok(sent);
    for (const point of LOW_ORDER_SHARES) {
      const key = concat(kem.publicKey.subarray(0, X25519_KEY_AT), point);
      assert.equal(suite.encapsulate(key), undefined);
      const ciphertext = concat(sent.ciphertext.subarray(0, SHARE_AT), point);
      assert.equal(suite.decapsulate(kem, ciphertext), undefined);
    }
  });
}

function testSignatures(name: string, suite: Suite): void {
  const signing = suite.generateSigning();

  test(`${name} verify() accepts what sign() made, and sign() repeats itself`, () => {
    for (const text of [NOTHING, MESSAGE]) {
      const signature = suite.sign(signing, text);
      assert.ok(suite.verify(signing.publicKey, text, signature));
      assert.deepEqual(suite.sign(suite.signingFromSeed(signing.seed), text), signature);
    }
  });

  test(`${name} sign() never uses a public key that is not the seed's`, () => {
    const mixed = { seed: signing.seed, publicKey: suite.generateSigning().publicKey };
    assert.deepEqual(suite.sign(mixed, MESSAGE), suite.sign(signing, MESSAGE));
  });

  test(`${name} verify() refuses any changed bit, another length, text or key (C-01)`, () => {
    const signature = suite.sign(signing, MESSAGE);
    for (let bit = 0; bit < 512; bit += 7)
      assert.equal(suite.verify(signing.publicKey, MESSAGE, flipped(signature, bit)), false);
    for (const length of [0, 32, 63, 65]) {
      const other = new Uint8Array(length);
      other.set(signature.subarray(0, length));
      assert.equal(suite.verify(signing.publicKey, MESSAGE, other), false);
      assert.equal(suite.verify(other, MESSAGE, signature), false);
    }
    assert.equal(suite.verify(signing.publicKey, NOTHING, signature), false);
    assert.equal(suite.verify(suite.generateSigning().publicKey, MESSAGE, signature), false);
  });
}

function testHostileSignatures(name: string, suite: Suite): void {
  const seed = new Uint8Array(32).fill(7);
  const refuses = ({ publicKey, message, signature }: ReturnType<typeof unreducedS>) =>
    assert.equal(suite.verify(publicKey, message, signature), false);

  test(`${name} verify() refuses keys of small order in every encoding (C-07)`, () => {
    for (const point of SMALL_ORDER_POINTS)
      for (const text of ["a", "b", "c"]) refuses(smallOrderKey(point, utf8(text)));
  });

  test(`${name} verify() refuses R of small order (C-07)`, () => {
    refuses(smallOrderR(seed, MESSAGE));
  });

  test(`${name} verify() refuses s at or above L (C-07)`, () => {
    refuses(unreducedS(seed, MESSAGE));
  });

  test(`${name} verify() checks the equation without the cofactor`, () => {
    for (let i = 0; i < 8; i++) {
      const forged = mixedOrderKey(seed, Uint8Array.of(i));
      const verified = suite.verify(forged.publicKey, forged.message, forged.signature);
      assert.equal(verified, forged.evenChallenge);
    }
  });
}

/** u of order 1, 2, 4 and 8; 0 and 1 unreduced; 0 unreduced with the ignored top bit. */
const LOW_ORDER_SHARES: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
].map((text) => new Uint8Array(Buffer.from(text, "hex")));

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
