import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allDifferent,
  assertWiped,
  CONTEXT,
  flipped,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { ByteReader, ByteWriter, concat, label } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { identityFromSeed } from "../../identity.ts";
import { SINGLE_USE_NONCE, type TransferKeys } from "../transfer-keys.ts";
import {
  messageDigest,
  openEndToEndHeader,
  openMessage,
  sealEndToEndHeader,
  sealMessage,
} from "./sealed-header.ts";
import { firstSessionKey } from "./session-chain.ts";

const SENDER = identityFromSeed(suite, secret("sender"));
const RECEIVER = identityFromSeed(suite, secret("receiver"));
const KEYS: TransferKeys = {
  transcript: secret("th"),
  header: secret("header"),
  answer: secret("answer"),
  receipt: secret("receipt"),
  reverse: secret("reverse"),
  session: secret("chain"),
};
const OUTER = secret("outer", 1_233);
const HEADER = secret("a header", 60);
const PACKAGE = secret("a package", 1_352);
const SEALED = seal(HEADER, PACKAGE);

function seal(header: Uint8Array, replyPackage?: Uint8Array): Uint8Array {
  return sealEndToEndHeader(CONTEXT, SENDER.signing, KEYS, OUTER, { header, replyPackage });
}

function open(sealed: Uint8Array, context = CONTEXT, keys = KEYS, outer = OUTER) {
  return openEndToEndHeader(context, keys, outer, sealed);
}

function textOf(sealed: Uint8Array): Uint8Array {
  return suite.open(KEYS.header, SINGLE_USE_NONCE, OUTER, sealed)!;
}

/** A header right in all but what `change` does to its parts, signed by `signing`. */
function crafted(
  change: (parts: { signed: Uint8Array; header: Uint8Array; use: string; end: Uint8Array }) => void,
  signing = SENDER.signing,
): Uint8Array {
  const reader = new ByteReader(textOf(SEALED));
  const parts = {
    signed: reader.lv("signed", 4_096),
    header: HEADER,
    use: "hdr",
    end: new Uint8Array(0),
  };
  change(parts);
  const message = concat(label(parts.use), KEYS.transcript, suite.sha256(parts.signed));
  const signature = suite.sign(signing, message);
  const text = new ByteWriter()
    .lv(parts.signed)
    .raw(signature)
    .lv(parts.header)
    .raw(parts.end)
    .bytes();
  const padded = new Uint8Array(Math.ceil(text.length / 256) * 256);
  padded.set(text);
  return suite.seal(KEYS.header, SINGLE_USE_NONCE, OUTER, padded);
}

test("openEndToEndHeader() gives back what sealEndToEndHeader() took, with and without a package", () => {
  assert.deepEqual(open(SEALED), { header: HEADER, replyPackage: PACKAGE });
  assert.deepEqual(open(seal(HEADER)), { header: HEADER, replyPackage: undefined });
  assert.ok(open(crafted(() => undefined)), "crafted() changes nothing by itself");
});

test("sealEndToEndHeader() hides the length of a name: every size is a multiple of 256", () => {
  const lengths = [40, 60, 80, 81, 82, 83, 84, 300].map(
    (length) => seal(secret("h", length)).length,
  );
  for (const length of lengths) assert.equal(length % 256, 16);
  assert.equal(lengths[0], lengths[2]);
  for (const length of [80, 81, 82, 83, 84, 85]) {
    const header = secret("h", length);
    assert.deepEqual(open(seal(header))?.header, header);
  }
});

test("C-13 C-18 openEndToEndHeader() opens it for no other ends", () => {
  const others = [
    { ...CONTEXT, sender: STRANGER },
    { ...CONTEXT, receiver: STRANGER },
    { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
    { ...CONTEXT, sender: { ...CONTEXT.sender, fingerprint: STRANGER.fingerprint } },
    { ...CONTEXT, sender: { ...CONTEXT.sender, id: secret("no id", 35) } },
  ];
  for (const context of others) assert.equal(open(SEALED, context), undefined);
});

test("C-01 C-02 openEndToEndHeader() opens it under no other key, transcript or outer header", () => {
  assert.equal(open(SEALED, CONTEXT, { ...KEYS, header: secret("another") }), undefined);
  assert.equal(open(SEALED, CONTEXT, { ...KEYS, transcript: secret("another") }), undefined);
  assert.equal(open(SEALED, CONTEXT, KEYS, secret("another outer", 1_233)), undefined);
  for (let at = 0; at < SEALED.length; at += 11)
    assert.equal(open(flipped(SEALED, 8 * at)), undefined, `${at}`);
});

test("C-13 C-19 openEndToEndHeader() takes no signature of another identity or use", () => {
  const stranger = identityFromSeed(suite, secret("stranger"));
  for (const { signing } of [stranger, RECEIVER])
    assert.equal(open(crafted(() => undefined, signing)), undefined);
  for (const use of ["ack", "pkg", "resync", "rsa", "link-auth"])
    assert.equal(open(crafted((parts) => (parts.use = use))), undefined, use);
});

test("C-18 openEndToEndHeader() holds the header to what is signed, and that to its layout", () => {
  const changes: Readonly<Record<string, Parameters<typeof crafted>[0]>> = {
    kind: (parts) => (parts.header = flipped(HEADER, 0)),
    transfer: (parts) => (parts.header = flipped(HEADER, 8)),
    created: (parts) => (parts.header = flipped(HEADER, 8 * 17)),
    until: (parts) => (parts.header = flipped(HEADER, 8 * 32)),
    sender: (parts) => (parts.signed = flipped(parts.signed, 8 * 33)),
    receiver: (parts) => (parts.signed = flipped(parts.signed, 8 * 65)),
    "one byte more": (parts) => (parts.signed = concat(parts.signed, Uint8Array.of(0))),
    "one byte less": (parts) => (parts.signed = parts.signed.subarray(0, -1)),
    "a long package": (parts) =>
      (parts.signed = new ByteWriter()
        .raw(parts.signed.subarray(0, 97))
        .lv(secret("p", 1_353))
        .bytes()),
    "a short header": (parts) => (parts.header = HEADER.subarray(0, 32)),
  };
  for (const [name, change] of Object.entries(changes))
    assert.equal(open(crafted(change)), undefined, name);
});

test("C-19 openEndToEndHeader() leaves what is not signed to the header's own decoder", () => {
  const other = concat(HEADER.subarray(0, 33), secret("another end", 20));
  assert.deepEqual(open(crafted((parts) => (parts.header = other)))?.header, other);
});

test("P-03 openEndToEndHeader() refuses any padding but the shortest, of zeros", () => {
  const text = textOf(SEALED);
  const used = text.findLastIndex((byte) => byte !== 0) + 1;
  const sealed = (padded: Uint8Array) => suite.seal(KEYS.header, SINGLE_USE_NONCE, OUTER, padded);
  assert.ok(open(sealed(text)));
  const others = [
    text.subarray(0, used),
    text.subarray(0, -1),
    concat(text, Uint8Array.of(0)),
    concat(text, new Uint8Array(256)),
    flipped(text, 8 * (text.length - 1)),
    new Uint8Array(0),
    new Uint8Array(256),
  ];
  for (const [i, padded] of others.entries()) assert.equal(open(sealed(padded)), undefined, `${i}`);
});

test("openEndToEndHeader() gives undefined for any bytes, sealed or not", () => {
  const random = fc.uint8Array({ maxLength: 600 });
  fc.assert(
    fc.property(random, (bytes) => {
      assert.equal(open(bytes), undefined);
      assert.equal(open(suite.seal(KEYS.header, SINGLE_USE_NONCE, OUTER, bytes)), undefined);
    }),
    { numRuns: 50 },
  );
});

test("openMessage() opens what sealMessage() made, with the first session key", () => {
  const box = sealMessage(suite, KEYS, HEADER);
  assert.deepEqual(openMessage(suite, KEYS, box), HEADER);
  const key = firstSessionKey(suite, KEYS);
  const aad = concat(KEYS.transcript, new TextEncoder().encode("message"));
  assert.deepEqual(suite.open(key, SINGLE_USE_NONCE, aad, box), HEADER);
});

test("C-01 C-02 openMessage() opens nothing altered, of another transfer or chain", () => {
  const box = sealMessage(suite, KEYS, HEADER);
  for (let bit = 0; bit < 8 * box.length; bit += 5)
    assert.equal(openMessage(suite, KEYS, flipped(box, bit)), undefined);
  assert.equal(openMessage(suite, { ...KEYS, transcript: secret("another") }, box), undefined);
  assert.equal(openMessage(suite, { ...KEYS, session: secret("another") }, box), undefined);
  for (const length of [0, 15, 16, box.length - 1])
    assert.equal(openMessage(suite, KEYS, box.subarray(0, length)), undefined);
});

test("messageDigest() is that of the tag: another message has another", () => {
  const boxes = ["one", "two"].map((text) => sealMessage(suite, KEYS, secret(text)));
  assert.ok(allDifferent(boxes.map((box) => messageDigest(suite, box))));
  assert.deepEqual(messageDigest(suite, boxes[0]!), suite.sha256(boxes[0]!.subarray(-16)));
});

test("C-20 sealMessage() and openMessage() wipe the session key", () => {
  const memory = new RememberingSuite();
  openMessage(memory.suite, KEYS, sealMessage(memory.suite, KEYS, HEADER));
  assert.equal(memory.expanded.length, 2);
  assertWiped(...memory.expanded);
});
