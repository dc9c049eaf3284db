import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeSuite as suite } from "@postern/node";
import { nodeRecordCipher as cipher } from "./record-cipher.ts";

const KEY = new Uint8Array(32).fill(1);
const NONCE = new Uint8Array(12).fill(2);
const AAD = new Uint8Array(65).fill(3);

function seal(plaintext: Uint8Array): Uint8Array {
  const { parts, tag } = cipher.seal(KEY, NONCE, AAD, plaintext);
  return Buffer.concat([...parts, tag]);
}

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
  const sealed = (): Uint8Array => cipher.seal(KEY, NONCE, AAD, new Uint8Array(100_000)).parts[0]!;
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
