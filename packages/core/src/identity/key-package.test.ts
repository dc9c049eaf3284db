import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf, flipped, otherLengths, put, secret } from "../../test/exchange-lab.ts";
import { concat, hex, label } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { HEADER_AHEAD_MS, KEY_PACKAGE_BYTES } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { identityFromSeed } from "./identity.ts";
import { decodeKeyPackage, encodeKeyPackage, keyPackageFacts } from "./key-package.ts";

const NOW = 1_800_000_000_000 as WallMs;
const OWNER = identityFromSeed(suite, secret("owner"));
const STRANGER = identityFromSeed(suite, secret("stranger"));
const FIELDS = {
  type: "one-time",
  kid: secret("kid", 16),
  publicKey: secret("key", 1_216),
  notBefore: NOW,
  notAfter: (NOW + 1_000_000) as WallMs,
  profiles: 4,
} as const;
const PACKAGE = encodeKeyPackage(suite, OWNER, FIELDS);
const BODY = PACKAGE.subarray(0, -64);
const decode = (bytes: Uint8Array, now: number = NOW, id = OWNER.id) =>
  decodeKeyPackage(suite, id, bytes, now as WallMs);

function signed(body: Uint8Array, use = "pkg", { signing } = OWNER): Uint8Array {
  return concat(body, suite.sign(signing, concat(label(use), body)));
}

test("encodeKeyPackage() lays out what docs/protocol-end-to-end.md 7.3.2 says", () => {
  const times = ["000001a3185c5000", "000001a3186b9240"];
  const fields = ["01", "0001", "00", hex(FIELDS.kid), hex(FIELDS.publicKey), ...times, "04"];
  assert.equal(hex(BODY), [...fields, hex(OWNER.id)].join(""));
  assert.equal(PACKAGE.length, KEY_PACKAGE_BYTES);
  assert.deepEqual(signed(BODY), PACKAGE);
});

test("decodeKeyPackage() gives back what encodeKeyPackage() took", () => {
  for (const type of ["one-time", "last-resort", "reply"] as const)
    for (const profiles of [4, 5, 6, 7]) {
      const fields = { ...FIELDS, type, profiles };
      assert.deepEqual(decode(encodeKeyPackage(suite, OWNER, fields)), fields);
    }
});

test("decodeKeyPackage() copies what it keeps", () => {
  const bytes = PACKAGE.slice();
  const decoded = decode(bytes);
  bytes.fill(0);
  assert.deepEqual(decoded, FIELDS);
});

test("encodeKeyPackage() refuses fields of another length", () => {
  const wrong = [
    { ...FIELDS, kid: secret("kid", 15) },
    { ...FIELDS, publicKey: secret("key", 1_217) },
  ];
  for (const fields of wrong)
    assert.equal(
      codeOf(() => encodeKeyPackage(suite, OWNER, fields)),
      "usage/invalid-argument",
    );
});

test("C-18 decodeKeyPackage() takes it from shortly before nbf to naf, at the borders too", () => {
  const { notBefore, notAfter } = FIELDS;
  for (const now of [notBefore - HEADER_AHEAD_MS, notBefore, notAfter])
    assert.ok(decode(PACKAGE, now));
  for (const now of [notBefore - HEADER_AHEAD_MS - 1, notAfter + 1, 0])
    assert.equal(decode(PACKAGE, now), undefined, `${now}`);
});

test("C-01 P-01 decodeKeyPackage() takes nothing altered, cut or longer", () => {
  for (let at = 0; at < PACKAGE.length; at += at > 20 && at < 1_230 ? 31 : 1)
    assert.equal(decode(flipped(PACKAGE, 8 * at + (at % 8))), undefined, `${at}`);
  for (const other of otherLengths(PACKAGE)) assert.equal(decode(other), undefined);
});

test("C-10 C-13 decodeKeyPackage() takes it from its owner alone, whoever is named in it", () => {
  const cases = {
    "another is asked for": decode(PACKAGE, NOW, STRANGER.id),
    "no identity": decode(PACKAGE, NOW, secret("id", 35)),
    "a fingerprint": decode(PACKAGE, NOW, OWNER.fingerprint),
    "signed by another": decode(signed(BODY, "pkg", STRANGER)),
    "another's name in it": decode(signed(put(BODY, 1_253, STRANGER.id))),
    "another's, as it says": decode(signed(put(BODY, 1_253, STRANGER.id), "pkg", STRANGER)),
  };
  for (const [name, decoded] of Object.entries(cases)) assert.equal(decoded, undefined, name);
});

test("C-19 decodeKeyPackage() takes no signature of another use", () => {
  for (const use of ["hdr", "ack", "resync", "rsa", "link-auth"])
    assert.equal(decode(signed(BODY, use)), undefined, use);
});

test("P-03 C-09 decodeKeyPackage() refuses another version, suite, type and profiles", () => {
  const changes: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [0, [2]],
    [1, [0, 0]],
    [1, [0, 2]],
    [3, [3]],
    [3, [255]],
    [1_236, [0, 0x20, 0, 0, 0, 0, 0, 0]],
    [1_244, [0, 0x20, 0, 0, 0, 0, 0, 0]],
    [1_252, [0]],
    [1_252, [3]],
    [1_252, [8]],
    [1_252, [12]],
    [1_253, [2]],
  ];
  for (const [at, value] of changes)
    assert.equal(decode(signed(put(BODY, at, value))), undefined, `${at}: ${value.join()}`);
});

test("keyPackageFacts() reads layout alone: for who keeps packages, not for who uses them", () => {
  const { type, kid, notAfter } = FIELDS;
  const facts = { type, kid, notAfter, id: OWNER.id };
  assert.deepEqual(keyPackageFacts(PACKAGE), facts);
  assert.deepEqual(
    keyPackageFacts(flipped(PACKAGE, 8 * 1_300)),
    facts,
    "no signature is looked at",
  );
  for (const [at, value] of [
    [0, 2],
    [3, 3],
    [1_252, 8],
    [1_253, 2],
  ] as const)
    assert.equal(keyPackageFacts(put(PACKAGE, at, [value])), undefined, `${at}`);
  for (const length of [0, 1, 1_351])
    assert.equal(keyPackageFacts(PACKAGE.subarray(0, length)), undefined);
});

test("decodeKeyPackage() and keyPackageFacts() throw for no bytes", () => {
  const near = fc.tuple(fc.nat(1_351), fc.nat(255)).map(([at, value]) => put(PACKAGE, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1_400 }), near), (bytes) => {
      keyPackageFacts(bytes);
      const isSame = hex(bytes) === hex(PACKAGE);
      assert.equal(decode(bytes) !== undefined, isSame);
    }),
    { numRuns: 60 },
  );
});
