import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  codeOf,
  flipped,
  otherLengths,
  OTHER_TRANSFER,
  put,
  secret,
  TRANSFER,
} from "../../test/exchange-lab.ts";
import { concat, hex } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { SINGLE_USE_NONCE } from "../exchange/transfer-keys.ts";
import { openAnswer, openReceipt, sealAnswer, sealReceipt } from "./answer.ts";
import { receiptPrefix, sealedAnswerPrefix } from "./envelope.ts";
import { decodeVerdict } from "../exchange/verdict.ts";

const KEY = secret("key");
const DIGEST = secret("digest");
const ANSWER = { verdict: "accept", offset: 2 ** 40, prefixDigest: DIGEST } as const;
const RECEIPT = { total: 2 ** 40, digest: DIGEST, counter: 7, check: secret("check") };

/** Both sealed units, for what holds for both. */
const UNITS = [
  {
    name: "answer",
    value: ANSWER,
    sealed: sealAnswer(suite, KEY, TRANSFER, ANSWER),
    prefix: sealedAnswerPrefix(TRANSFER),
    plaintextBytes: 41,
    open: (key: Uint8Array, transfer: Uint8Array, sealed: Uint8Array) =>
      openAnswer(suite, key, transfer, sealed),
  },
  {
    name: "receipt",
    value: RECEIPT,
    sealed: sealReceipt(suite, KEY, TRANSFER, RECEIPT),
    prefix: receiptPrefix(TRANSFER),
    plaintextBytes: 80,
    open: (key: Uint8Array, transfer: Uint8Array, sealed: Uint8Array) =>
      openReceipt(suite, key, transfer, sealed),
  },
];

test("sealAnswer() and sealReceipt() lay out what docs/protocol.md 9 says", () => {
  const plaintexts = UNITS.map(({ prefix, sealed }) =>
    suite.open(KEY, SINGLE_USE_NONCE, prefix, sealed),
  );
  const number = "0000010000000000";
  assert.deepEqual(
    plaintexts.map((each) => each && hex(each)),
    [`00${number}${hex(DIGEST)}`, `${number}${hex(DIGEST)}0000000000000007${hex(RECEIPT.check)}`],
  );
});

test("openAnswer() and openReceipt() give back what was sealed", () => {
  for (const { value, sealed, open } of UNITS) assert.deepEqual(open(KEY, TRANSFER, sealed), value);
});

test("openAnswer() gives back every verdict and offset", () => {
  const offsets = fc.maxSafeNat();
  fc.assert(
    fc.property(fc.nat(11), offsets, (number, offset) => {
      const answer = { verdict: decodeVerdict(number), offset, prefixDigest: DIGEST };
      const sealed = sealAnswer(suite, KEY, TRANSFER, answer);
      assert.deepEqual(openAnswer(suite, KEY, TRANSFER, sealed), answer);
    }),
  );
});

test("C-01 P-01 an altered answer or receipt, and every other length, does not open", () => {
  for (const { name, sealed, open } of UNITS) {
    for (let bit = 0; bit < sealed.length * 8; bit++)
      assert.equal(open(KEY, TRANSFER, flipped(sealed, bit)), undefined, `${name} ${bit}`);
    for (const other of otherLengths(sealed))
      assert.equal(open(KEY, TRANSFER, other), undefined, `${name} ${other.length}`);
  }
});

test("C-02 S-12 an answer or receipt opens for its own transfer and key alone", () => {
  const ids = [OTHER_TRANSFER, TRANSFER.subarray(1), concat(TRANSFER, Uint8Array.of(0))];
  for (const { name, sealed, open } of UNITS) {
    for (const id of ids) assert.equal(open(KEY, id, sealed), undefined, name);
    assert.equal(open(secret("another key"), TRANSFER, sealed), undefined, name);
  }
});

test("C-12 an answer is no receipt and a receipt no answer, even under one key", () => {
  const [answer, receipt] = UNITS;
  assert.equal(receipt?.open(KEY, TRANSFER, answer!.sealed), undefined);
  assert.equal(answer?.open(KEY, TRANSFER, receipt!.sealed), undefined);
});

test("P-03 what opens but is not well-formed is malformed", () => {
  for (const { name, sealed, prefix, plaintextBytes, open } of UNITS) {
    const plaintext = suite.open(KEY, SINGLE_USE_NONCE, prefix, sealed)!;
    assert.equal(plaintext.length, plaintextBytes);
    for (const body of otherLengths(plaintext)) {
      const resealed = suite.seal(KEY, SINGLE_USE_NONCE, prefix, body);
      assert.equal(
        codeOf(() => open(KEY, TRANSFER, resealed)),
        "peer/malformed",
        name,
      );
    }
  }
});

test("P-03 numbers that are none are malformed: verdicts from 13 on, 2^53 and more", () => {
  const beyond = [0, 0x20, 0, 0, 0, 0, 0, 0];
  const changes = [
    [0, 0, [13]],
    [0, 0, [255]],
    [0, 1, beyond],
    [1, 0, beyond],
    [1, 40, beyond],
  ] as const;
  for (const [index, at, value] of changes) {
    const { prefix, sealed, open } = UNITS[index]!;
    const plaintext = suite.open(KEY, SINGLE_USE_NONCE, prefix, sealed)!;
    const resealed = suite.seal(KEY, SINGLE_USE_NONCE, prefix, put(plaintext, at, value));
    assert.equal(
      codeOf(() => open(KEY, TRANSFER, resealed)),
      "peer/malformed",
      `${index} ${at}`,
    );
  }
});

test("openAnswer() and openReceipt() never throw for bytes that were not sealed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      for (const { open } of UNITS) assert.equal(open(KEY, TRANSFER, bytes), undefined);
    }),
  );
});
