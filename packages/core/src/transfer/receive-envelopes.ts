/** What a receiver answers with, as envelopes. docs/protocol.md 9. @module */
import { concat } from "../bytes/writer.ts";
import { HASH_BYTES } from "../crypto/suite.ts";
import type { ReceiverReady } from "../exchange/transfer-keys.ts";
import type { ClearVerdict, Verdict } from "../exchange/verdict.ts";
import { sealAnswer } from "./answer.ts";
import type { TransferEnvelope } from "./envelope.ts";
import type { ReceivePlan } from "./receive-state.ts";
import type { HeldPrefix, TransferEffect } from "./steps.ts";

export const NOTHING_HELD: HeldPrefix = { offset: 0, digest: new Uint8Array(HASH_BYTES) };

/** A verdict under the answer key, and what is there already. */
export function answerEnvelope(
  plan: ReceivePlan,
  ready: ReceiverReady,
  verdict: Verdict,
  { offset, digest }: HeldPrefix = NOTHING_HELD,
): TransferEnvelope {
  const { suite, transfer } = plan.context;
  const answer = { verdict, offset, prefixDigest: digest };
  const sealed = sealAnswer(suite, ready.keys.answer, transfer, answer);
  return { kind: "answer", transfer, sealed: ready.salt ? concat(ready.salt, sealed) : sealed };
}

/** An end-to-end receipt. */
export function receiptEnvelope(plan: ReceivePlan, sealed: Uint8Array): TransferEffect {
  const { transfer } = plan.context;
  return { kind: "send-envelope", envelope: { kind: "receipt", transfer, sealed } };
}

/** A verdict in the clear: no key is shared. */
export function refusal(plan: ReceivePlan, verdict: ClearVerdict): TransferEffect {
  const { transfer } = plan.context;
  return { kind: "send-envelope", envelope: { kind: "refusal", transfer, verdict } };
}
