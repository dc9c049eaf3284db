import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeSuite as suite } from "@postern/node";
import { nodeRecordCipher as cipher } from "./record-cipher.ts";

const KEY = new Uint8Array(32).fill(1);
const NONCE = new Uint8Array(12).fill(2);
const AAD = new Uint8Array(65).fill(3);

const HEADER = AAD.subarray(0, 32);
const PLAN = { header: HEADER, key: KEY, nonce: NONCE, aad: AAD };

/** Ciphertext and tag. */
function seal(plaintext: Uint8Array): Uint8Array {
  return cipher.seal(PLAN, plaintext).frame.slice(HEADER.length);
}

test("nodeRecordCipher.seal() gives header, ciphertext and tag in one piece", () => {
  const { frame, tag } = cipher.seal(PLAN, new Uint8Array(1_048_576));
  assert.equal(frame.length, 32 + 1_048_576 + 16);
  assert.deepEqual(frame.slice(0, 32), HEADER);
  assert.deepEqual(frame.slice(-16), new Uint8Array(tag));
  cipher.release(frame);
  cipher.seal(PLAN, new Uint8Array(1_048_576).fill(1));
  assert.notDeepEqual(frame.slice(-16), new Uint8Array(tag), "the memory is used again");
});

test("nodeRecordCipher.seal() gives what the suite's seal() gives", () => {
  for (const length of [0, 1, 16, 1_000, 100_000]) {
    const plaintext = new Uint8Array(length).fill(9);
    assert.ok(Buffer.from(suite.seal(KEY, NONCE, AAD, plaintext)).equals(seal(plaintext)));
    assert.deepEqual(new Uint8Array(cipher.open(KEY, NONCE, AAD, seal(plaintext))!), plaintext);
  }
});

test("C-01 nodeRecordCipher.open() opens nothing that was altered or cut", () => {
  const sealed = seal(new Uint8Array(20));
  for (let at = 0; at < sealed.length; at++) {
    const altered = Uint8Array.from(sealed);
    altered[at]! ^= 1;
    assert.equal(cipher.open(KEY, NONCE, AAD, altered), undefined);
    assert.equal(cipher.open(KEY, NONCE, AAD, sealed.subarray(0, at)), undefined);
  }
  for (const [key, nonce, aad] of [
    [AAD.subarray(0, 32), NONCE, AAD],
    [KEY, NONCE.map(() => 0), AAD],
    [KEY, NONCE, AAD.subarray(1)],
  ] as const)
    assert.equal(cipher.open(key, nonce, aad, sealed), undefined);
});

test("nodeRecordCipher.release() hands a block out again once, and never memory of others", () => {
  const sealed = (): Uint8Array => cipher.seal(PLAN, new Uint8Array(100_000)).frame;
  const first = sealed();
  cipher.release(first);
  cipher.release(first);
  const [second, third] = [sealed(), sealed()];
  assert.equal(second.buffer, first.buffer, "reused");
  assert.notEqual(third.buffer, second.buffer, "given twice");
  const foreign = new Uint8Array(1_048_576);
  cipher.release(foreign);
  assert.notEqual(sealed().buffer, foreign.buffer);
});
