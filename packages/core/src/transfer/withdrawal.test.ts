import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../errors.ts";
import type { TransferEnvelope } from "./envelope.ts";
import {
  withdrawalByReceiver,
  withdrawalBySender,
  withdrawnByReceiver,
  withdrawnBySender,
} from "./withdrawal.ts";

const TRANSFER = new Uint8Array(16);

function reasonOf(envelope: TransferEnvelope): number {
  assert.ok(envelope.kind === "withdraw");
  return envelope.reason;
}

test("withdrawalBySender() and withdrawnBySender() carry a reason to the receiver", () => {
  const told = (code: ErrorCode) =>
    withdrawnBySender(reasonOf(withdrawalBySender(TRANSFER, code))).code;
  assert.equal(told("transfer/source-changed"), "transfer/source-changed");
  assert.equal(told("transfer/cancelled"), "peer/cancelled");
  assert.equal(told("link/timed-out"), "transfer/pipe-lost");
  assert.equal(told("transfer/other-content"), "transfer/other-content");
});

test("withdrawalByReceiver() and withdrawnByReceiver() carry a reason to the sender", () => {
  const told = (code: ErrorCode) =>
    withdrawnByReceiver(reasonOf(withdrawalByReceiver(TRANSFER, code))).code;
  assert.equal(told("store/no-space"), "peer/no-space");
  assert.equal(told("transfer/damaged"), "transfer/damaged");
  assert.equal(told("transfer/cancelled"), "peer/cancelled");
  assert.equal(told("transfer/declined"), "peer/declined");
});

test("C-01 withdrawnBySender() and withdrawnByReceiver() say that no key confirms it", () => {
  for (const withdrawn of [withdrawnBySender, withdrawnByReceiver])
    assert.deepEqual(withdrawn(1).details, { reason: 1, confirmed: "no" });
});

test("P-03 withdrawnBySender() and withdrawnByReceiver() take every other reason as a cancel", () => {
  for (const reason of [0, 99, 255]) {
    assert.equal(withdrawnBySender(reason).code, "peer/cancelled");
    assert.equal(withdrawnByReceiver(reason).code, "peer/cancelled");
  }
});
