/**
 * `vectors/signed-receipts.json`: docs/protocol-transfers.md 9.3. Each value three times: as the
 * file has it, as the code makes it, and as `node:crypto` makes it from the text.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { nobleSuite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import { identityFromSeed } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import {
  openReceivedStatement,
  openSentStatement,
  receivedStatement,
  sentStatement,
  signContent,
  verifySignedReceipt,
  type SignedContent,
} from "../src/transfer/signed-receipt.ts";
import { decodeSignedReceipt, encodeSignedReceipt } from "../src/transfer/signed-receipt-text.ts";
import { bytes, readVectors } from "./exchange-vectors.ts";
import { plainSignedTransfer, type SignedExpected, type SignedInputs } from "./plain-signed.ts";

interface Vectors {
  readonly receipts: readonly {
    readonly name: string;
    readonly inputs: SignedInputs;
    readonly expected: SignedExpected;
  }[];
  readonly refused: {
    readonly statements: readonly {
      readonly name: string;
      readonly role: "sent" | "received";
      readonly bytes: string;
    }[];
    readonly receipts: readonly {
      readonly name: string;
      readonly text: string;
      readonly outcome: string;
    }[];
  };
}

const { receipts, refused } = readVectors("signed-receipts.json") as Vectors;

function contentOf({ inputs, expected }: Vectors["receipts"][number]): SignedContent {
  const { profile, kind, name } = inputs;
  const end = (seed: string): Uint8Array => identityFromSeed(nobleSuite, bytes(seed)).id;
  return {
    profile,
    contentId: bytes(inputs.contentId),
    sender: end(inputs.sender),
    receiver: end(inputs.receiver),
    kind,
    name,
    size: inputs.content.length / 2,
    digest: bytes(expected.digest),
  };
}

for (const vector of receipts) {
  const { name, inputs, expected } = vector;

  test(`signed-receipts.json: plain node:crypto makes the bytes of ${name}`, () => {
    assert.deepEqual(plainSignedTransfer(inputs), expected);
  });

  test(`signed-receipts.json: the code makes the bytes of ${name}, and takes them`, () => {
    const content = contentOf(vector);
    const messages: string[] = [];
    const suite: typeof nobleSuite = {
      ...nobleSuite,
      sign(key, message) {
        messages.push(hex(message));
        return nobleSuite.sign(key, message);
      },
    };
    const keyOf = (seed: string) => identityFromSeed(nobleSuite, bytes(seed)).signing;
    const sentAt = inputs.sentAt as WallMs;
    const sent = signContent(suite, keyOf(inputs.sender), "sent", content, sentAt);
    const receivedAt = inputs.receivedAt as WallMs;
    const received = signContent(suite, keyOf(inputs.receiver), "received", content, receivedAt);
    const receipt = { content, sent, received };
    assert.deepEqual(
      {
        digest: hex(nobleSuite.sha256(bytes(inputs.content))),
        sentMessage: messages[0],
        sentStatement: hex(sentStatement(content, sent)),
        receivedMessage: messages[1],
        receivedStatement: hex(receivedStatement(received)),
        receipt: encodeSignedReceipt(receipt),
      },
      expected,
    );
    assert.deepEqual(openSentStatement(suite, content, bytes(expected.sentStatement)), sent);
    const heard = openReceivedStatement(suite, content, bytes(expected.receivedStatement));
    assert.deepEqual(heard, received);
    assert.deepEqual(decodeSignedReceipt(expected.receipt), receipt);
    assert.ok(verifySignedReceipt(suite, receipt));
  });
}

test("signed-receipts.json: refused statements are not taken (C-12, C-18, C-19)", () => {
  const content = contentOf(receipts[0]!);
  for (const { name, role, bytes: statement } of refused.statements) {
    const open = role === "sent" ? openSentStatement : openReceivedStatement;
    assert.equal(open(nobleSuite, content, bytes(statement)), undefined, `${role}: ${name}`);
  }
});

test("signed-receipts.json: refused receipts do not verify, or are none (C-12, C-18, P-03)", () => {
  for (const { name, text, outcome } of refused.receipts)
    assert.equal(outcomeOf(text), outcome, name);
});

function outcomeOf(text: string): string {
  try {
    const receipt = decodeSignedReceipt(text);
    return verifySignedReceipt(nobleSuite, receipt) ? "verifies" : "does not verify";
  } catch (error) {
    assert.ok(error instanceof PosternError);
    return error.code;
  }
}
