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
import { hex } from "../../bytes.ts";
import { decodeEndToEndOuter, encodeEndToEndOuter, withoutCiphertext } from "./outer.ts";

const KID = secret("kid", 16);
const CIPHERTEXT = secret("ciphertext", 1_120);
const FIELDS = { type: "open", n: 0x01020304, epoch: 0x05060708090a, kid: KID } as const;
const OUTER = encodeEndToEndOuter(CONTEXT, { ...FIELDS, ciphertext: CIPHERTEXT });
const decode = (bytes: Uint8Array) => decodeEndToEndOuter(CONTEXT, bytes);

function assertMalformed(bytes: Uint8Array, why: string): void {
  assert.equal(
    codeOf(() => decode(bytes)),
    "peer/malformed",
    why,
  );
}

test("encodeEndToEndOuter() lays out what docs/protocol-end-to-end.md 7.3.3 says", () => {
  const ends = [CONTEXT.transfer, CONTEXT.sender.fingerprint, CONTEXT.receiver.fingerprint];
  const start = ["01", "0001", "03", "01", "01020304", "000005060708090a", hex(KID)];
  const parts = [...start, ...ends.map(hex), hex(CIPHERTEXT)];
  assert.equal(hex(OUTER), parts.join(""));
  assert.equal(OUTER.length, 1_233);
  assert.equal(hex(withoutCiphertext(OUTER)), parts.slice(0, -1).join(""));
});

test("decodeEndToEndOuter() gives back what encodeEndToEndOuter() took", () => {
  for (const type of ["init", "open", "paired-init"] as const)
    for (const epoch of [0, 1, Number.MAX_SAFE_INTEGER]) {
      const n = type === "open" ? 2 ** 32 - 1 : 0;
      const fields = { type, n, epoch, kid: KID, ciphertext: CIPHERTEXT };
      const receiver = CONTEXT.receiver.fingerprint;
      assert.deepEqual(decode(encodeEndToEndOuter(CONTEXT, fields)), { ...fields, receiver });
    }
});

test("decodeEndToEndOuter() copies what it keeps", () => {
  const bytes = OUTER.slice();
  const { kid, ciphertext, receiver } = decode(bytes);
  bytes.fill(0);
  assert.deepEqual([kid, ciphertext, receiver], [KID, CIPHERTEXT, CONTEXT.receiver.fingerprint]);
});

test("P-01 decodeEndToEndOuter() refuses every other length", () => {
  for (const bytes of otherLengths(OUTER)) assertMalformed(bytes, `${bytes.length}`);
});

test("P-03 C-09 decodeEndToEndOuter() refuses another version, suite, profile, type and number", () => {
  const changes: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [0, [2]],
    [1, [0, 0]],
    [1, [0, 2]],
    [1, [1, 1]],
    [3, [0]],
    [3, [1]],
    [3, [2]],
    [3, [4]],
    [4, [0]],
    [4, [2]],
    [4, [3]],
    [4, [255]],
    [5, [0, 0, 0, 0]],
    [9, [0, 0x20, 0, 0, 0, 0, 0, 0]],
  ];
  for (const [at, value] of changes)
    assertMalformed(put(OUTER, at, value), `${at}: ${value.join()}`);
});

test("C-02 C-13 decodeEndToEndOuter() refuses another transfer and another sender", () => {
  assertMalformed(put(OUTER, 33, OTHER_TRANSFER), "transfer");
  assertMalformed(put(OUTER, 49, STRANGER.fingerprint), "sender");
});

test("decodeEndToEndOuter() leaves another receiver to the verdict", () => {
  const { receiver } = decode(put(OUTER, 81, STRANGER.fingerprint));
  assert.deepEqual(receiver, STRANGER.fingerprint);
});

test("decodeEndToEndOuter() throws nothing but peer/malformed for any bytes", () => {
  const near = fc.tuple(fc.nat(112), fc.nat(255)).map(([at, value]) => put(OUTER, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1_300 }), near), (bytes) => {
      const code = codeOf(() => decode(bytes));
      assert.ok(code === undefined || code === "peer/malformed");
    }),
  );
});
