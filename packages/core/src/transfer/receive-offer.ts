/**
 * From an offer's arrival to the person's decision: the verdicts. docs/protocol.md 9.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { ifWellFormed } from "../bytes/reader.ts";
import { PosternError } from "../errors.ts";
import {
  messageOf,
  receiverPhase,
  sealRefusal,
  type ReceiverExchange,
  type ReceiverExchangeStep,
} from "../exchange/receiver-exchange.ts";
import type { ExchangeInput } from "../exchange/steps.ts";
import { wipeTransferKeys, type ReceiverReady } from "../exchange/transfer-keys.ts";
import { ANSWER_TIMEOUT_MS, CONSENT_TIMEOUT_MS, MESSAGE_BYTES_MAX } from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { decodeHeader, isCurrent } from "./header.ts";
import { failWith } from "./receive-end.ts";
import { answerEnvelope, receiptEnvelope, refusal } from "./receive-envelopes.ts";
import type { Admission, Checked, ReceivePlan, ReceiveStep } from "./receive-state.ts";
import { emit, ridesInEnvelopes, type Moment, type TransferEffect } from "./steps.ts";
import type { ClearVerdict, Verdict } from "../exchange/verdict.ts";

/** Why an offer could not be opened, when that is this device's own store and not the offer. */
export function ownFault(
  { exchange }: ReceiverExchangeStep,
  input: ExchangeInput,
): PosternError | undefined {
  if (input.kind !== "job-failed" || input.error.fault !== "store") return undefined;
  return receiverPhase(exchange).kind === "invalid" ? input.error : undefined;
}

/** The checks of an offer whose keys are ready, in the order of section 9. */
export function checkOffer(
  plan: ReceivePlan,
  exchange: ReceiverExchange,
  ready: ReceiverReady,
  admission: Admission,
  now: Moment,
): ReceiveStep {
  const header = ifWellFormed(() => decodeHeader(plan.context.transfer, ready.header));
  if (header === undefined) {
    wipeTransferKeys(ready.keys);
    return refuse(plan, "invalid");
  }
  const { source, counter } = ready;
  const known = emit({ kind: "master-key", source, counter });
  const { content, sessionSeconds } = header;
  const checked = { exchange, ready, content, sessionSeconds };
  const verdict = reasonAgainst(checked, isCurrent(header, now.wall), admission);
  if (verdict !== undefined) return answerNo(plan, checked, verdict, now);
  if (source === "kept")
    return {
      state: {
        kind: "expect-dropped",
        ...checked,
        deadline: after(now.instant, ANSWER_TIMEOUT_MS),
      },
      effects: [known, { kind: "drop-pair-key" }],
    };
  const consent = askConsent(checked, now);
  return { state: consent.state, effects: [known, ...consent.effects] };
}

function reasonAgainst(
  { exchange, ready, content }: Checked,
  current: boolean,
  admission: Admission,
): Exclude<Verdict, "accept"> | undefined {
  if (!current) return "expired";
  if (admission.replayed || ready.isReplayed === true) return "replayed";
  const { hasRoom, placed } = admission;
  if (!hasRoom && !placed.some((id) => equalBytes(id, content.contentId))) return "busy";
  if (content.kind === "message" && (content.size ?? Infinity) > 2 * MESSAGE_BYTES_MAX)
    return "too-large";
  // End-to-end a short message rides in its offer, and nothing else does.
  const isInline = exchange.profile === "end-to-end" && ridesInEnvelopes(content);
  const message = messageOf(exchange)?.content;
  return message?.length === (isInline ? content.size : undefined) ? undefined : "invalid";
}

export function askConsent(checked: Checked, now: Moment): ReceiveStep {
  const { exchange, ready, content, sessionSeconds } = checked;
  const deadline = after(now.instant, CONSENT_TIMEOUT_MS);
  return {
    state: { kind: "expect-consent", exchange, ready, content, sessionSeconds, deadline },
    effects: [emit({ kind: "offer", profile: exchange.profile, content })],
  };
}

/**
 * A verdict under the answer key, or as the receipt; the transfer ends with it. In the RSA profiles
 * an answer key has one text, and a relay may hand out the same offer again: what an offer may be
 * told beside another answer is said in the clear.
 */
export function answerNo(
  plan: ReceivePlan,
  { exchange, ready }: Pick<Checked, "exchange" | "ready">,
  verdict: Exclude<Verdict, "accept">,
  now: Moment,
): ReceiveStep {
  const sealing = sealRefusal(exchange, verdict);
  if (sealing !== undefined) {
    wipeTransferKeys(ready.keys);
    const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
    return refusingOn(plan, sealing, verdict, deadline);
  }
  if (verdict === "busy" || verdict === "expired" || verdict === "replayed") {
    wipeTransferKeys(ready.keys);
    return refuse(plan, verdict);
  }
  const envelope = answerEnvelope(plan, ready, verdict);
  wipeTransferKeys(ready.keys);
  return refused(verdict, [{ kind: "send-envelope", envelope }]);
}

/** Goes on until the receipt that says no is stored, then sends it. */
export function refusingOn(
  plan: ReceivePlan,
  { exchange, effects }: ReceiverExchangeStep,
  verdict: Exclude<Verdict, "accept">,
  deadline: InstantMs,
): ReceiveStep {
  const phase = receiverPhase(exchange);
  if (phase.kind === "working")
    return { state: { kind: "refusing", exchange, verdict, deadline }, effects };
  if (phase.kind !== "receipt") return refused(verdict, []);
  return refused(verdict, [receiptEnvelope(plan, phase.receipt)]);
}

/** A verdict in the clear: no key is shared. */
export function refuse(plan: ReceivePlan, verdict: ClearVerdict): ReceiveStep {
  return refused(verdict, [refusal(plan, verdict)]);
}

function refused(verdict: Verdict, effects: readonly TransferEffect[]): ReceiveStep {
  const code = verdict === "decline" ? "peer/declined" : "transfer/invalid";
  return failWith(new PosternError(code, `refused: ${verdict}`, { verdict }), effects);
}
