/** Both pumps of a signed transfer, with what each side signs and how it judges the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identityFromSeed } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { decodeSignedReceipt, verifySignedReceipt } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { TamperFrame } from "../test/memory-pipe.ts";
import { RecordsLab, type LabOptions } from "../test/records-lab.ts";
import { bytes } from "../test/stored-samples.ts";
import { TransferSigning, type SignedFacts } from "./transfer-signing.ts";

const CONTENT = bytes(200_000, 7);
const ANN = identityFromSeed(suite, bytes(32, 1));
const BOB = identityFromSeed(suite, bytes(32, 2));
const FACTS: SignedFacts = {
  profile: "end-to-end",
  contentId: bytes(16, 3),
  sender: ANN.id,
  receiver: BOB.id,
  kind: "file",
  name: "x",
};

interface Ends {
  readonly sender: TransferSigning;
  readonly receiver: TransferSigning;
}

function ends(fromOffset = 0, facts: Partial<SignedFacts> = {}): Ends {
  const hashed = suite.sha256Stream();
  hashed.update(CONTENT.subarray(0, fromOffset));
  const ports = { suite, wall: () => 5 as WallMs };
  return {
    sender: new TransferSigning(
      { ...ports, signing: ANN.signing },
      FACTS,
      "sent",
      hashed.copy(),
      fromOffset,
    ),
    receiver: new TransferSigning(
      { ...ports, signing: BOB.signing },
      { ...FACTS, ...facts },
      "received",
      hashed,
      fromOffset,
    ),
  };
}

function labOf({ sender, receiver }: Ends, fromOffset = 0, more: LabOptions = {}): RecordsLab {
  return new RecordsLab(CONTENT, {
    ...more,
    send: { signing: sender, fromOffset },
    receive: { signing: receiver, fromOffset },
  });
}

/** Both have the same receipt, which is of this content. */
function assertReceipt({ sender, receiver }: Ends): void {
  const text = sender.receipt ?? "";
  assert.equal(receiver.receipt, text);
  const receipt = decodeSignedReceipt(text);
  assert.ok(verifySignedReceipt(suite, receipt));
  const { digest, size } = receipt.content;
  assert.deepEqual(digest, suite.sha256(CONTENT));
  assert.equal(size, CONTENT.length);
}

test("a signed transfer leaves both sides with one receipt of the whole content", async () => {
  for (const fromOffset of [0, 1, 150_000, CONTENT.length]) {
    const both = ends(fromOffset);
    const [sent, received] = await labOf(both, fromOffset).run();
    assert.deepEqual([sent.code, received.code], [undefined, undefined]);
    assertReceipt(both);
  }
});

test("what is sent again after damage, or over another pipe, is hashed once", async () => {
  const damage: TamperFrame = (frame, index, pipe) => {
    if (index === 2 && pipe === 0) frame[40]! ^= 1;
    return [frame];
  };
  const cut: TamperFrame = (frame, index, pipe) => (index === 3 && pipe === 0 ? "cut" : [frame]);
  for (const forward of [damage, cut]) {
    const both = ends();
    const [sent] = await labOf(both, 0, { forward, renews: true }).run();
    assert.equal(sent.code, undefined);
    assertReceipt(both);
  }
});

test("a sender that signs something else is refused before anything is committed", async () => {
  const both = ends(0, { name: "y" });
  const lab = labOf(both);
  const [sent, received] = await lab.run();
  assert.deepEqual([sent.code, received.code], ["transfer/digest-mismatch", "transfer/invalid"]);
  assert.deepEqual([lab.sink.committed, lab.sink.abandoned], [undefined, 1]);
  assert.deepEqual([both.sender.receipt, both.receiver.receipt], [undefined, undefined]);
});

test("a receiver that signs something else is no receipt", async () => {
  const both = ends();
  const { receiver } = both;
  const say = receiver.say.bind(receiver);
  receiver.say = () => say().map((byte, at) => (at === 20 ? byte ^ 1 : byte));
  const [sent] = await labOf(both).run();
  assert.equal(sent.code, "transfer/invalid");
  assert.equal(both.sender.receipt, undefined);
});

test("a statement that was not agreed on ends the transfer", async () => {
  const { sender, receiver } = ends();
  const [, received] = await new RecordsLab(CONTENT, { receive: { signing: receiver } }).run();
  assert.equal(received.code, "transfer/framing");
  const [sent] = await new RecordsLab(CONTENT, { send: { signing: sender } }).run();
  assert.notEqual(sent.code, undefined);
});
