import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allDifferent,
  assertWiped,
  CONTEXT,
  flipped,
  otherLengths,
  put,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { ByteWriter, concat, hex, label } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { identityFromSeed } from "../../identity.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { saltedKey } from "./keys.ts";
import {
  openEndToEndReceipt,
  receiptPlace,
  sealEndToEndReceipt,
  type EndToEndReceipt,
} from "./receipt.ts";

const RECEIVER = identityFromSeed(suite, secret("receiver"));
const KEYS = { transcript: secret("th"), receiptKey: secret("receipt key") };
const PLACE = { n: 0x01020304, epoch: 0x05060708090a, channel: secret("channel") };
const RECEIPT: EndToEndReceipt = {
  verdict: "accept",
  total: 77,
  digest: secret("digest"),
  keyNumber: 9,
  kid: secret("kid", 16),
  publicKey: secret("key", 1_216),
};
const SEALED = seal();

function seal(receipt = RECEIPT, place = PLACE, keys = KEYS): Uint8Array {
  return sealEndToEndReceipt(suite, RECEIVER.signing, keys, place, receipt);
}

function open(sealed: Uint8Array, keys = KEYS, id = CONTEXT.receiver.id) {
  return openEndToEndReceipt(suite, id, keys, sealed);
}

function body(receipt: EndToEndReceipt): Uint8Array {
  const { total, digest, keyNumber, kid, publicKey } = receipt;
  return new ByteWriter()
    .u8(0)
    .u64(total)
    .raw(digest)
    .u32(keyNumber)
    .raw(kid)
    .raw(publicKey)
    .bytes();
}

/** A receipt with this body, signed and sealed as it should be. */
function crafted(content: Uint8Array, use = "ack", end = new Uint8Array(0)): Uint8Array {
  const message = concat(label(use), KEYS.transcript, suite.sha256(content));
  const signature = suite.sign(RECEIVER.signing, message);
  const text = new ByteWriter().lv(content).raw(signature).raw(end).bytes();
  const start = SEALED.subarray(0, 80);
  const key = saltedKey(suite, KEYS.receiptKey, "receipt", start.subarray(48));
  const aad = concat(start.subarray(0, 48), KEYS.transcript);
  return concat(start, suite.seal(key, SINGLE_USE_NONCE, aad, text));
}

test("openEndToEndReceipt() gives back what sealEndToEndReceipt() took, for every verdict", () => {
  for (const verdict of ["accept", "decline", "busy", "expired", "interrupted"] as const)
    assert.deepEqual(open(seal({ ...RECEIPT, verdict })), { ...RECEIPT, verdict });
  assert.deepEqual(open(crafted(body(RECEIPT))), RECEIPT, "crafted() changes nothing by itself");
});

test("sealEndToEndReceipt() lays out what docs/protocol-end-to-end.md 7.3.4 says", () => {
  const prefix = ["01", "0001", "03", "01020304", "000005060708090a", hex(PLACE.channel)].join("");
  assert.equal(hex(SEALED.subarray(0, 48)), prefix);
  assert.equal(SEALED.length, 48 + 32 + (4 + 1_277 + 64) + 16);
});

test("C-04 sealEndToEndReceipt() seals the same words under another key each time", () => {
  const sealed = Array.from({ length: 4 }, () => seal());
  assert.ok(allDifferent(sealed.map((each) => each.subarray(48, 80))));
  assert.ok(allDifferent(sealed.map((each) => each.subarray(80))));
});

test("C-01 P-01 openEndToEndReceipt() opens nothing altered, cut or longer", () => {
  for (let at = 0; at < SEALED.length; at++)
    assert.equal(open(flipped(SEALED, 8 * at + (at % 8))), undefined, `${at}`);
  for (const [i, other] of otherLengths(SEALED).entries())
    if (i % 7 === 0 || i >= SEALED.length - 2) assert.equal(open(other), undefined);
});

test("C-02 openEndToEndReceipt() opens it under no other key or transcript", () => {
  assert.equal(open(SEALED, { ...KEYS, receiptKey: secret("another") }), undefined);
  assert.equal(open(SEALED, { ...KEYS, transcript: secret("another") }), undefined);
});

test("C-13 openEndToEndReceipt() takes the receiver's signature alone", () => {
  for (const id of [STRANGER.id, CONTEXT.sender.id, secret("no id", 35)])
    assert.equal(open(SEALED, KEYS, id), undefined);
});

test("C-02 C-19 openEndToEndReceipt() takes no signature of another use or transfer", () => {
  for (const use of ["hdr", "pkg", "resync", "rsa"])
    assert.equal(open(crafted(body(RECEIPT), use)), undefined, use);
  const text = new ByteWriter().lv(body(RECEIPT)).bytes();
  const other = concat(label("ack"), secret("another th"), suite.sha256(body(RECEIPT)));
  const start = SEALED.subarray(0, 80);
  const key = saltedKey(suite, KEYS.receiptKey, "receipt", start.subarray(48));
  const aad = concat(start.subarray(0, 48), KEYS.transcript);
  const moved = concat(text, suite.sign(RECEIVER.signing, other));
  assert.equal(open(concat(start, suite.seal(key, SINGLE_USE_NONCE, aad, moved))), undefined);
});

test("P-03 openEndToEndReceipt() refuses what the receiver itself wrote wrongly", () => {
  const good = body(RECEIPT);
  const wrong = [
    put(good, 0, [13]),
    put(good, 0, [255]),
    put(good, 1, [0, 0x20, 0, 0, 0, 0, 0, 0]),
    good.subarray(0, -1),
    concat(good, Uint8Array.of(0)),
    new Uint8Array(0),
  ];
  for (const [i, each] of wrong.entries()) assert.equal(open(crafted(each)), undefined, `${i}`);
  assert.equal(open(crafted(good, "ack", Uint8Array.of(0))), undefined, "a byte after it");
});

test("receiptPlace() reads where a receipt claims to belong, and nothing of another profile", () => {
  assert.deepEqual(receiptPlace(SEALED), PLACE);
  assert.deepEqual(receiptPlace(SEALED.subarray(0, 48)), PLACE);
  const changes: readonly (readonly [number, readonly number[]])[] = [
    [0, [2]],
    [1, [0, 2]],
    [3, [1]],
    [3, [2]],
    [8, [0, 0x20, 0, 0, 0, 0, 0, 0]],
  ];
  for (const [at, value] of changes)
    assert.equal(receiptPlace(put(SEALED, at, value)), undefined, `${at}`);
  for (let length = 0; length < 48; length++)
    assert.equal(receiptPlace(SEALED.subarray(0, length)), undefined);
});

test("openEndToEndReceipt() and receiptPlace() throw for no bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(open(bytes), undefined);
      receiptPlace(bytes);
    }),
    { numRuns: 60 },
  );
});

test("C-20 sealing and opening a receipt wipe its key, and keep what belongs to the caller", () => {
  const memory = new RememberingSuite();
  const keys = { ...KEYS, receiptKey: KEYS.receiptKey.slice() };
  const sealed = sealEndToEndReceipt(memory.suite, RECEIVER.signing, keys, PLACE, RECEIPT);
  assert.ok(openEndToEndReceipt(memory.suite, CONTEXT.receiver.id, keys, sealed));
  assert.equal(memory.expanded.length, 2);
  assertWiped(...memory.expanded);
  assert.deepEqual(keys, KEYS);
});
