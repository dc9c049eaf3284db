import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  codeOf,
  CONTEXT,
  otherLengths,
  OTHER_TRANSFER,
  put,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { concat, hex } from "../../bytes.ts";
import { RSA_CERTIFICATE_BYTES_MAX } from "../../limits.ts";
import { decodeAsymmetricOuter, encodeAsymmetricOuter } from "./outer.ts";

const CERTIFICATE = secret("certificate", 500);
const CIPHERTEXT = secret("ciphertext", 384);
const OUTER = encodeAsymmetricOuter(CONTEXT, { certificate: CERTIFICATE, ciphertext: CIPHERTEXT });
const decode = (bytes: Uint8Array) => decodeAsymmetricOuter(CONTEXT, bytes);

test("encodeAsymmetricOuter() lays out what docs/protocol.md 7.2 says", () => {
  const ends = [CONTEXT.transfer, CONTEXT.sender.fingerprint, CONTEXT.receiver.fingerprint];
  const fields = ["01", "0001", "02", ...ends.map(hex)];
  fields.push("000001f4", hex(CERTIFICATE), hex(CIPHERTEXT));
  assert.equal(hex(OUTER), fields.join(""));
});

test("decodeAsymmetricOuter() gives back what encodeAsymmetricOuter() took", () => {
  for (const length of [0, 1, 500, RSA_CERTIFICATE_BYTES_MAX]) {
    const certificate = secret("certificate", length);
    const bytes = encodeAsymmetricOuter(CONTEXT, { certificate, ciphertext: CIPHERTEXT });
    const receiver = CONTEXT.receiver.fingerprint;
    assert.deepEqual(decode(bytes), { receiver, certificate, ciphertext: CIPHERTEXT });
  }
});

test("decodeAsymmetricOuter() copies what it keeps", () => {
  const bytes = OUTER.slice();
  const decoded = decode(bytes);
  bytes.fill(0);
  const receiver = CONTEXT.receiver.fingerprint;
  assert.deepEqual(decoded, { receiver, certificate: CERTIFICATE, ciphertext: CIPHERTEXT });
});

test("P-01 S-12 decodeAsymmetricOuter() refuses every other length", () => {
  for (const bytes of otherLengths(OUTER))
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
      `${bytes.length}`,
    );
  const transfer = concat(CONTEXT.transfer, Uint8Array.of(0));
  const given = { certificate: CERTIFICATE, ciphertext: CIPHERTEXT };
  const longId = encodeAsymmetricOuter({ ...CONTEXT, transfer }, given);
  assert.equal(
    codeOf(() => decode(longId)),
    "peer/malformed",
  );
});

test("P-01 decodeAsymmetricOuter() refuses a certificate over its bound, and a false length", () => {
  const certificate = secret("certificate", RSA_CERTIFICATE_BYTES_MAX + 1);
  const tooLong = encodeAsymmetricOuter(CONTEXT, { certificate, ciphertext: CIPHERTEXT });
  assert.equal(
    codeOf(() => decode(tooLong)),
    "peer/malformed",
  );
  for (const length of [0, 499, 501, 0x7fff_ffff, 0xffff_ffff]) {
    const claim = new Uint8Array(4);
    new DataView(claim.buffer).setUint32(0, length);
    assert.equal(
      codeOf(() => decode(put(OUTER, 84, claim))),
      "peer/malformed",
      `${length}`,
    );
  }
});

test("P-03 C-09 decodeAsymmetricOuter() refuses another version, suite and profile", () => {
  const changes: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [0, [2]],
    [1, [0, 2]],
    [1, [1, 1]],
    [3, [0]],
    [3, [1]],
    [3, [3]],
  ];
  for (const [at, value] of changes)
    assert.equal(
      codeOf(() => decode(put(OUTER, at, value))),
      "peer/malformed",
      `${at}`,
    );
});

test("C-02 C-13 decodeAsymmetricOuter() refuses another transfer and another sender", () => {
  assert.equal(
    codeOf(() => decode(put(OUTER, 4, OTHER_TRANSFER))),
    "peer/malformed",
  );
  assert.equal(
    codeOf(() => decode(put(OUTER, 20, STRANGER.fingerprint))),
    "peer/malformed",
  );
});

test("decodeAsymmetricOuter() leaves another receiver to the verdict", () => {
  const { receiver } = decode(put(OUTER, 52, STRANGER.fingerprint));
  assert.deepEqual(receiver, STRANGER.fingerprint);
});

test("decodeAsymmetricOuter() throws nothing but peer/malformed for any bytes", () => {
  const near = fc.tuple(fc.nat(OUTER.length - 1), fc.nat(255));
  const changed = near.map(([at, value]) => put(OUTER, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1_200 }), changed), (bytes) => {
      const code = codeOf(() => decode(bytes));
      assert.ok(code === undefined || code === "peer/malformed");
    }),
  );
});
