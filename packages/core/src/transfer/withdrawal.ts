/**
 * `withdraw` (docs/protocol.md 9): one side gives the transfer up, where the other may be waiting.
 * The pipe says the same, but may be slower than the link, or gone. Nobody seals a `withdraw`: the
 * relay can say it, too, and the errors say that ({@link UNCONFIRMED}).
 *
 * @module
 */
import { PosternError, type ErrorCode } from "../errors.ts";
import { UNCONFIRMED } from "../exchange/verdict.ts";
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
  return unconfirmed(endedBySender(reason));
}

/** What the sender reports. */
export function withdrawnByReceiver(reason: number): PosternError {
  return unconfirmed(endedByReceiver(reason));
}

/** A reason of later versions says no less that the transfer has ended. */
function unconfirmed({ code, details }: PosternError): PosternError {
  const known = code === "peer/malformed" ? "peer/cancelled" : code;
  const text = "the other side, or the relay for it, gave the transfer up";
  return new PosternError(known, text, { ...details, ...UNCONFIRMED });
}
