/** Door of the `session` room. @module */
export { receiverReason, senderReason } from "./session/end-reasons.ts";
export { ProgressPlan } from "./session/progress-plan.ts";
export { FRAME_HEADER_BYTES, decodeFrameHeader } from "./session/record-header.ts";
export {
  RecordReceiver,
  type Incoming,
  type Outcome,
  type RecordReceiverOptions,
  type Resend,
} from "./session/record-receiver.ts";
export type { RecordSuite } from "./session/record-seal.ts";
export { RecordSender } from "./session/record-sender.ts";
export type { RecordPlan, RecordSenderOptions } from "./session/record-sender-options.ts";
export type { ReverseOutcome } from "./session/reverse-outcome.ts";
export type { SessionKeySink, SessionKeySource } from "./session/session-keys.ts";
