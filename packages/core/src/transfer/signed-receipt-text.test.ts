import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf, secret } from "../../test/exchange-lab.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { identityFromSeed } from "../identity.ts";
import { FILE_NAME_BYTES_MAX, SIGNED_RECEIPT_LENGTH_MAX } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { signContent, verifySignedReceipt, type SignedReceipt } from "./signed-receipt.ts";
import { decodeSignedReceipt, encodeSignedReceipt } from "./signed-receipt-text.ts";

const ALICE = identityFromSeed(suite, secret("alice"));
const BOB = identityFromSeed(suite, secret("bob"));
const RECEIPT = receiptOf("report.pdf");
const TEXT = encodeSignedReceipt(RECEIPT);
type Json = Record<string, unknown>;

function receiptOf(name: string): SignedReceipt {
  const at = 1_800_000_000_000 as WallMs;
  const ends = { sender: ALICE.id, receiver: BOB.id };
  const what = { kind: "file", name, size: 12, digest: secret("digest") } as const;
  const content = { profile: "symmetric", contentId: secret("id", 16), ...ends, ...what } as const;
  return {
    content,
    sent: signContent(suite, ALICE.signing, "sent", content, at),
    received: signContent(suite, BOB.signing, "received", content, at),
  };
}

/** The text with other fields, written as Postern writes it. */
function written(change: (json: Json) => unknown): string {
  const json = JSON.parse(TEXT) as Json;
  return `${JSON.stringify(change(json) ?? json, undefined, 2)}\n`;
}

test("decodeSignedReceipt() gives back what encodeSignedReceipt() took, whatever its name", () => {
  const names = ["", "a\nb", '"', "\\", "\0", "\u202e.exe", "é".repeat(FILE_NAME_BYTES_MAX / 2)];
  for (const name of [...names, "\u0001".repeat(FILE_NAME_BYTES_MAX), "📎", "__proto__"]) {
    const receipt = receiptOf(name);
    const text = encodeSignedReceipt(receipt);
    assert.ok(text.length <= SIGNED_RECEIPT_LENGTH_MAX);
    assert.deepEqual(decodeSignedReceipt(text), receipt);
    assert.ok(verifySignedReceipt(suite, decodeSignedReceipt(text)));
  }
});

test("a receipt that went by mail is the same: white space around it, the ends of its lines", () => {
  for (const text of [`\n ${TEXT}\n\n`, TEXT.trim(), TEXT.replaceAll("\n", "\r\n")])
    assert.deepEqual(decodeSignedReceipt(text), RECEIPT);
});

test("P-03 decodeSignedReceipt() takes one text of each receipt", () => {
  const twice = TEXT.replace('  "size"', '  "size": 7,\n  "size"');
  const moved = written(({ type, ...rest }) => ({ ...rest, type }));
  const others = [twice, moved, JSON.stringify(JSON.parse(TEXT)), TEXT.replace("12", "12.0")];
  for (const text of [...others, TEXT.replace("report", "\\u0072eport"), `${TEXT}{}`])
    assert.equal(
      codeOf(() => decodeSignedReceipt(text)),
      "transfer/receipt-invalid",
      text,
    );
});

const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  type: ["postern receipt", 1, null],
  version: [2, "1", 0, null],
  profile: ["plain", 1, null],
  content: ["", "AA", 5, null, "=".repeat(22)],
  sender: ["", "A".repeat(47), null],
  receiver: ["", "A".repeat(46), null],
  kind: ["folder", 2, null],
  name: [5, null, "\ud800", "n".repeat(FILE_NAME_BYTES_MAX + 1), "é".repeat(513)],
  size: [-1, 1.5, 2 ** 53, "12", null],
  digest: ["", "AAAA", null],
  sent: [null, "", [], {}, { at: 1 }, { at: -1, signature: "A".repeat(86) }],
  received: [null, { at: 1, signature: "A".repeat(85) }, { at: 1, signature: "" }],
};

for (const [field, values] of Object.entries(WRONG))
  test(`P-03 decodeSignedReceipt() refuses another ${field}, and none`, () => {
    for (const value of values)
      assert.equal(
        codeOf(() => decodeSignedReceipt(written((json) => ({ ...json, [field]: value })))),
        "transfer/receipt-invalid",
        JSON.stringify(value),
      );
    assert.equal(
      codeOf(() => decodeSignedReceipt(written((json) => void delete json[field]))),
      "transfer/receipt-invalid",
    );
  });

test("P-03 decodeSignedReceipt() refuses fields that it does not know, and what is no object", () => {
  const more = written((json) => ({ ...json, more: 1 }));
  const within = written((json) => ({ ...json, sent: { ...(json["sent"] as Json), more: 1 } }));
  for (const text of [more, within, "", "null", "[]", "5", '"x"', "{", "{}", `[${TEXT}]`])
    assert.equal(
      codeOf(() => decodeSignedReceipt(text)),
      "transfer/receipt-invalid",
      text,
    );
});

test("S-11 decodeSignedReceipt() looks at nothing longer than a receipt can be", () => {
  const long = `${TEXT}${" ".repeat(SIGNED_RECEIPT_LENGTH_MAX - TEXT.length)}`;
  assert.deepEqual(decodeSignedReceipt(long), RECEIPT);
  assert.equal(
    codeOf(() => decodeSignedReceipt(`${long} `)),
    "transfer/receipt-invalid",
  );
});

test("decodeSignedReceipt() throws nothing but transfer/receipt-invalid for any text", () => {
  const near = fc
    .tuple(fc.nat(TEXT.length - 1), fc.string({ minLength: 1, maxLength: 1 }))
    .map(([at, put]) => TEXT.slice(0, at) + put + TEXT.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), near), (text) => {
      const code = codeOf(() => decodeSignedReceipt(text));
      assert.ok(code === undefined || code === "transfer/receipt-invalid");
    }),
  );
});
