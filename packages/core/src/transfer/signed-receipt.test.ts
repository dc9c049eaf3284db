import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { flipped, otherLengths, secret } from "../../test/exchange-lab.ts";
import { concat, label } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { identityFromSeed } from "../identity.ts";
import type { WallMs } from "../time.ts";
import {
  openReceivedStatement,
  openSentStatement,
  RECEIVED_STATEMENT_BYTES,
  receivedStatement,
  SENT_STATEMENT_BYTES,
  sentStatement,
  signContent,
  verifySignedReceipt,
  type SignedContent,
} from "./signed-receipt.ts";

const ALICE = identityFromSeed(suite, secret("alice"));
const BOB = identityFromSeed(suite, secret("bob"));
const CAROL = identityFromSeed(suite, secret("carol"));
const AT = 1_800_000_000_000 as WallMs;
const CONTENT: SignedContent = {
  profile: "end-to-end",
  contentId: secret("content", 16),
  sender: ALICE.id,
  receiver: BOB.id,
  kind: "file",
  name: "report.pdf",
  size: 1_234_567,
  digest: secret("digest"),
};
const SENT = signContent(suite, ALICE.signing, "sent", CONTENT, AT);
const RECEIVED = signContent(suite, BOB.signing, "received", CONTENT, (AT + 5) as WallMs);
const SENT_STATEMENT = sentStatement(CONTENT, SENT);
const RECEIVED_STATEMENT = receivedStatement(RECEIVED);

/** The same content in all but one thing, for each thing that is signed. */
const OTHERS: Readonly<Record<keyof SignedContent, readonly SignedContent[]>> = {
  profile: [
    { ...CONTENT, profile: "symmetric" },
    { ...CONTENT, profile: "asymmetric" },
  ],
  contentId: [{ ...CONTENT, contentId: secret("another", 16) }],
  sender: [
    { ...CONTENT, sender: CAROL.id },
    { ...CONTENT, sender: BOB.id },
  ],
  receiver: [
    { ...CONTENT, receiver: CAROL.id },
    { ...CONTENT, receiver: ALICE.id },
  ],
  kind: [
    { ...CONTENT, kind: "stream" },
    { ...CONTENT, kind: "directory" },
  ],
  name: [
    { ...CONTENT, name: "report.pdf " },
    { ...CONTENT, name: "" },
  ],
  size: [
    { ...CONTENT, size: 0 },
    { ...CONTENT, size: CONTENT.size + 1 },
  ],
  digest: [{ ...CONTENT, digest: secret("another digest") }],
};

test("both sides' statements open at the other one, and make a receipt", () => {
  assert.equal(SENT_STATEMENT.length, SENT_STATEMENT_BYTES);
  assert.equal(RECEIVED_STATEMENT.length, RECEIVED_STATEMENT_BYTES);
  assert.deepEqual(openSentStatement(suite, CONTENT, SENT_STATEMENT), SENT);
  assert.deepEqual(openReceivedStatement(suite, CONTENT, RECEIVED_STATEMENT), RECEIVED);
  assert.ok(verifySignedReceipt(suite, { content: CONTENT, sent: SENT, received: RECEIVED }));
});

test("C-18 a statement covers profile, content, both ends, kind, name, size, digest and time", () => {
  for (const [field, others] of Object.entries(OTHERS))
    for (const content of others) {
      assert.equal(openSentStatement(suite, content, SENT_STATEMENT), undefined, field);
      assert.equal(openReceivedStatement(suite, content, RECEIVED_STATEMENT), undefined, field);
      assert.ok(!verifySignedReceipt(suite, { content, sent: SENT, received: RECEIVED }), field);
    }
  const receipt = { content: CONTENT, sent: SENT, received: RECEIVED };
  const later = { ...SENT, at: (AT + 1) as WallMs };
  assert.ok(!verifySignedReceipt(suite, { ...receipt, sent: later }));
  assert.ok(!verifySignedReceipt(suite, { ...receipt, received: { ...RECEIVED, at: AT } }));
});

test("C-18 a sender that signs another digest than it sends is seen by the receiver", () => {
  const lie = { ...CONTENT, digest: secret("another digest") };
  const signed = signContent(suite, ALICE.signing, "sent", lie, AT);
  assert.equal(openSentStatement(suite, CONTENT, sentStatement(lie, signed)), undefined);
  assert.equal(openSentStatement(suite, CONTENT, sentStatement(CONTENT, signed)), undefined);
});

test("C-12 what one side signed does not stand for the other's word", () => {
  const asReceived = receivedStatement(SENT);
  const toHerself = { ...CONTENT, receiver: ALICE.id };
  const signed = signContent(suite, ALICE.signing, "sent", toHerself, AT);
  assert.equal(openReceivedStatement(suite, CONTENT, asReceived), undefined);
  assert.equal(openReceivedStatement(suite, toHerself, receivedStatement(signed)), undefined);
  assert.ok(!verifySignedReceipt(suite, { content: CONTENT, sent: SENT, received: SENT }));
  assert.ok(!verifySignedReceipt(suite, { content: CONTENT, sent: RECEIVED, received: RECEIVED }));
});

test("C-19 a statement is no other signature of an identity, and none of them is a statement", () => {
  const others = ["hdr", "ack", "asym header", "rsa", "pkg", "resync", "login", "session"];
  const messages: Uint8Array[] = [];
  const listening: typeof suite = {
    ...suite,
    sign(key, message) {
      messages.push(message);
      return suite.sign(key, message);
    },
  };
  signContent(listening, ALICE.signing, "sent", CONTENT, AT);
  const [message] = messages;
  const start = label("signed transfer");
  assert.deepEqual(message!.subarray(0, start.length), start);
  for (const use of others) {
    const rest = message!.subarray(start.length);
    const signature = suite.sign(ALICE.signing, concat(label(use), rest));
    const forged = sentStatement(CONTENT, { at: AT, signature });
    assert.equal(openSentStatement(suite, CONTENT, forged), undefined, use);
    assert.ok(!suite.verify(ALICE.signing.publicKey, concat(label(use), rest), SENT.signature));
  }
});

test("P-01 a statement with a bit turned, a byte less or a byte more is none", () => {
  for (let bit = 0; bit < 8 * SENT_STATEMENT_BYTES; bit += 7)
    assert.equal(openSentStatement(suite, CONTENT, flipped(SENT_STATEMENT, bit)), undefined);
  for (const bytes of otherLengths(SENT_STATEMENT))
    assert.equal(openSentStatement(suite, CONTENT, bytes), undefined);
  for (const bytes of otherLengths(RECEIVED_STATEMENT))
    assert.equal(openReceivedStatement(suite, CONTENT, bytes), undefined);
});

test("no bytes of a peer make a statement throw, nor an ID that is none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), (bytes) => {
      assert.equal(openSentStatement(suite, CONTENT, bytes), undefined);
      assert.equal(openReceivedStatement(suite, CONTENT, bytes), undefined);
      const nobody = { ...CONTENT, sender: bytes, receiver: bytes };
      assert.equal(openSentStatement(suite, nobody, SENT_STATEMENT), undefined);
    }),
    { numRuns: 50 },
  );
});
