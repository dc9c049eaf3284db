/**
 * Why a side ends a transfer: the reasons of cancelled records (docs/protocol.md 8), of `cancel`
 * frames (8.2) and of `withdraw` (9), and the codes they come from and turn into at the other end.
 *
 * @module
 */
import { PosternError, type ErrorCode } from "../errors.ts";

const SENDER_REASONS: Readonly<Record<number, ErrorCode>> = {
  1: "peer/cancelled",
  2: "transfer/source-changed",
  3: "transfer/source-unreadable",
  4: "transfer/damaged",
  5: "transfer/pipe-lost",
  6: "transfer/other-content",
};

const RECEIVER_REASONS: Readonly<Record<number, ErrorCode>> = {
  1: "peer/cancelled",
  2: "peer/no-space",
  3: "peer/store-failed",
  4: "transfer/damaged",
  5: "transfer/session-expired",
  6: "transfer/digest-mismatch",
  7: "transfer/framing",
  8: "transfer/pipe-lost",
  9: "peer/declined",
  10: "transfer/other-content",
};

/** The reason in a sender's cancelled record. */
export function senderReason(code: ErrorCode): number {
  switch (code) {
    case "transfer/source-changed":
      return 2;
    case "transfer/source-unreadable":
      return 3;
    case "transfer/damaged":
    case "transfer/framing":
      return 4;
    case "transfer/pipe-lost":
    // Nobody has stopped it: a computer slept, a link broke, and the pipe is there still.
    case "link/closed":
    case "link/timed-out":
    case "peer/gone":
      return 5;
    case "transfer/other-content":
      return 6;
    default:
      return 1;
  }
}

/** The reason in a receiver's `cancel`. */
export function receiverReason(code: ErrorCode): number {
  switch (code) {
    case "store/no-space":
      return 2;
    case "store/failed":
    case "store/in-use":
    case "store/target-exists":
    case "store/unsafe-name":
      return 3;
    case "transfer/damaged":
      return 4;
    case "transfer/session-expired":
      return 5;
    case "transfer/digest-mismatch":
    case "transfer/invalid":
      return 6;
    case "transfer/framing":
      return 7;
    case "transfer/truncated":
    case "transfer/pipe-lost":
    // The sender brings nothing over it: it may go on over another, later.
    case "peer/timed-out":
    // Nor has anybody stopped it here: a computer slept, a link broke.
    case "link/closed":
    case "link/timed-out":
    case "peer/gone":
      return 8;
    case "transfer/declined":
      return 9;
    case "transfer/other-content":
      return 10;
    default:
      return 1;
  }
}

/** What the receiver reports; an unlisted reason is malformed. */
export function endedBySender(reason: number): PosternError {
  return ended(SENDER_REASONS, reason, "the sender ended the transfer");
}

/** What the sender reports; an unlisted reason is malformed. */
export function endedByReceiver(reason: number): PosternError {
  return ended(RECEIVER_REASONS, reason, "the receiver ended the transfer");
}

function ended(
  reasons: Readonly<Record<number, ErrorCode>>,
  reason: number,
  message: string,
): PosternError {
  return new PosternError(reasons[reason] ?? "peer/malformed", message, { reason });
}
