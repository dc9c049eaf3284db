/**
 * `withdraw` (docs/protocol.md 9): one side gives the transfer up, where the other may be waiting.
 * The pipe says the same, but may be slower than the link, or gone.
 *
 * @module
 */
import { PosternError, type ErrorCode } from "../errors.ts";
import {
  endedByReceiver,
  endedBySender,
  receiverReason,
  senderReason,
} from "../session/end-reasons.ts";
import type { TransferEnvelope } from "./envelope.ts";

export function withdrawalBySender(transfer: Uint8Array, code: ErrorCode): TransferEnvelope {
  return { kind: "withdraw", transfer, reason: senderReason(code) };
}

export function withdrawalByReceiver(transfer: Uint8Array, code: ErrorCode): TransferEnvelope {
  return { kind: "withdraw", transfer, reason: receiverReason(code) };
}

/** What the receiver reports. */
export function withdrawnBySender(reason: number): PosternError {
  return orCancelled(endedBySender(reason));
}

/** What the sender reports. */
export function withdrawnByReceiver(reason: number): PosternError {
  return orCancelled(endedByReceiver(reason));
}

/** A reason of later versions says no less that the transfer has ended. */
function orCancelled(error: PosternError): PosternError {
  if (error.code !== "peer/malformed") return error;
  return new PosternError("peer/cancelled", "the other side gave the transfer up", error.details);
}
