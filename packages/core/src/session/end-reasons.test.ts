import assert from "node:assert/strict";
import { test } from "node:test";
import { endedByReceiver, endedBySender, receiverReason, senderReason } from "./end-reasons.ts";

test("senderReason() and endedBySender() carry a reason to the receiver", () => {
  const told = (code: Parameters<typeof senderReason>[0]) => endedBySender(senderReason(code)).code;
  assert.equal(told("transfer/cancelled"), "peer/cancelled");
  assert.equal(told("transfer/source-changed"), "transfer/source-changed");
  assert.equal(told("transfer/source-unreadable"), "transfer/source-unreadable");
  for (const code of ["link/closed", "link/timed-out", "peer/gone"] as const)
    assert.equal(told(code), "transfer/pipe-lost", code);
  assert.equal(told("transfer/damaged"), "transfer/damaged");
  assert.equal(told("transfer/framing"), "transfer/damaged");
  assert.equal(told("transfer/pipe-lost"), "transfer/pipe-lost");
  assert.equal(told("transfer/other-content"), "transfer/other-content");
  for (const reason of [0, 7, 255]) assert.equal(endedBySender(reason).code, "peer/malformed");
});

test("receiverReason() and endedByReceiver() carry a reason to the sender", () => {
  const told = (code: Parameters<typeof receiverReason>[0]) =>
    endedByReceiver(receiverReason(code)).code;
  assert.equal(told("transfer/cancelled"), "peer/cancelled");
  assert.equal(told("store/no-space"), "peer/no-space");
  assert.equal(told("store/target-exists"), "peer/store-failed");
  assert.equal(told("transfer/damaged"), "transfer/damaged");
  assert.equal(told("transfer/session-expired"), "transfer/session-expired");
  assert.equal(told("transfer/invalid"), "transfer/digest-mismatch");
  assert.equal(told("transfer/framing"), "transfer/framing");
  assert.equal(told("transfer/truncated"), "transfer/pipe-lost");
  for (const code of ["link/closed", "link/timed-out", "peer/gone"] as const)
    assert.equal(told(code), "transfer/pipe-lost", code);
  assert.equal(told("transfer/declined"), "peer/declined");
  assert.equal(told("transfer/other-content"), "transfer/other-content");
  for (const reason of [0, 11, 255]) assert.equal(endedByReceiver(reason).code, "peer/malformed");
});
