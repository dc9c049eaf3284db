import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { groupBase32 } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import {
  fingerprintOf,
  formatFingerprint,
  parseFingerprint,
  relayFingerprint,
} from "./fingerprint.ts";
import { decodeId, encodeId } from "./id.ts";
import { createIdentity, identityFromSeed } from "./identity.ts";
import { isName } from "./name.ts";

const INVALID = { name: "PosternError", code: "usage/invalid-argument" };
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

test("identityFromSeed() restores what createIdentity() made, whatever becomes of the seed", () => {
  const identity = createIdentity(suite);
  const seed = identity.signing.seed.slice();
  const restored = identityFromSeed(suite, seed);
  seed.fill(0);
  assert.deepEqual(restored, identity);
  assert.notDeepEqual(createIdentity(suite).id, identity.id);
});

test("encodeId() lays out version, suite and key", () => {
  const id = encodeId(KEY);
  assert.deepEqual(id, Uint8Array.of(1, 0, 1, ...KEY));
  assert.deepEqual(decodeId(id), KEY);
  for (const length of [0, 31, 33]) assert.throws(() => encodeId(new Uint8Array(length)), INVALID);
});

test("decodeId() refuses another version, suite or length (C-11)", () => {
  const id = encodeId(KEY);
  for (const [at, value] of [
    [0, 0],
    [0, 2],
    [1, 1],
    [2, 0],
    [2, 2],
  ] as const) {
    const other = id.slice();
    other[at] = value;
    assert.equal(decodeId(other), undefined);
  }
  for (const length of [0, 3, 32, 34]) assert.equal(decodeId(id.subarray(0, length)), undefined);
  assert.equal(decodeId(Uint8Array.of(...id, 0)), undefined);
});

test("decodeId() gives a copy", () => {
  const id = Buffer.from(encodeId(KEY));
  const key = decodeId(id);
  id.fill(0);
  assert.deepEqual(key, KEY);
});

test("fingerprintOf() hashes the labelled ID, relayFingerprint() the labelled key", () => {
  const id = encodeId(KEY);
  assert.deepEqual(fingerprintOf(suite, id), sha256("postern identity/1\0", id));
  const kemKey = new Uint8Array(1_216).fill(9);
  assert.deepEqual(relayFingerprint(suite, kemKey), sha256("postern relay/1\0", kemKey));
  assert.throws(() => fingerprintOf(suite, KEY), INVALID);
  assert.throws(() => relayFingerprint(suite, KEY), INVALID);
});

test("parseFingerprint() reads formatFingerprint(), in groups and capitals too", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const text = formatFingerprint(bytes);
      assert.match(text, /^[a-z2-7]{52}$/);
      for (const typed of [text, groupBase32(text), text.toUpperCase()])
        assert.deepEqual(parseFingerprint(typed), new Uint8Array(bytes));
    }),
  );
  assert.throws(() => formatFingerprint(KEY.subarray(1)), INVALID);
});

test("parseFingerprint() refuses everything but a whole fingerprint", () => {
  const text = formatFingerprint(KEY);
  const hostile = ["", text.slice(1), `${text}a`, text.repeat(2), ` ${text}`, `${text}=`];
  hostile.push("-".repeat(1_000_000), "a".repeat(1_000_000), text.replace(/.$/, "b"));
  for (const one of hostile) assert.equal(parseFingerprint(one), undefined);
});

test("isName() accepts 1 to 32 of the listed characters", () => {
  for (const name of ["a", "alice", "0", "a.b_c-d", "-", ".", "a".repeat(32)])
    assert.ok(isName(name), name);
});

test("isName() refuses all else (S-12, T-01)", () => {
  const hostile = ["", "A", "a b", " a", "a;b", "a\n", "\u001b[2J", "a\u202eb", "ä", "a/b", "ａ"];
  hostile.push("a".repeat(33), "a\0");
  for (const name of hostile) assert.equal(isName(name), false, JSON.stringify(name));
});

function sha256(label: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(label).update(bytes).digest());
}
