/**
 * From an offer's arrival to the person's decision: the verdicts. docs/protocol.md 9.
 *
 * @module
 */
import { ifWellFormed } from "../bytes/reader.ts";
import { HASH_BYTES } from "../crypto/suite.ts";
import { PosternError } from "../errors.ts";
import type { ReceiverExchange } from "../exchange/receiver-exchange.ts";
import { wipeTransferKeys, type ReceiverReady } from "../exchange/transfer-keys.ts";
import { ANSWER_TIMEOUT_MS, CONSENT_TIMEOUT_MS, MESSAGE_BYTES_MAX } from "../limits.ts";
import { after } from "../time.ts";
import { sealAnswer } from "./answer.ts";
import type { TransferEnvelope } from "./envelope.ts";
import { decodeHeader, isCurrent } from "./header.ts";
import { failWith } from "./receive-end.ts";
import type { Admission, Checked, ReceivePlan, ReceiveStep } from "./receive-state.ts";
import { emit, type Moment, type TransferEffect } from "./steps.ts";
import type { ClearVerdict, Verdict } from "./verdict.ts";

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
  if (!isCurrent(header, now.wall)) return answerNo(plan, checked, "expired");
  if (admission.replayed) return answerNo(plan, checked, "replayed");
  if (!admission.hasRoom) return answerNo(plan, checked, "busy");
  if (content.kind === "message" && (content.size ?? Infinity) > 2 * MESSAGE_BYTES_MAX)
    return answerNo(plan, checked, "too-large");
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

export function askConsent(checked: Checked, now: Moment): ReceiveStep {
  const { exchange, ready, content, sessionSeconds } = checked;
  const deadline = after(now.instant, CONSENT_TIMEOUT_MS);
  return {
    state: { kind: "expect-consent", exchange, ready, content, sessionSeconds, deadline },
    effects: [emit({ kind: "offer", profile: exchange.profile, content })],
  };
}

/** A verdict under the answer key; the transfer ends with it. */
export function answerNo(
  plan: ReceivePlan,
  { ready }: Pick<Checked, "ready">,
  verdict: Exclude<Verdict, "accept">,
): ReceiveStep {
  const envelope = answerEnvelope(plan, ready, verdict);
  wipeTransferKeys(ready.keys);
  return refused(verdict, [{ kind: "send-envelope", envelope }]);
}

/** A verdict in the clear: no key is shared. */
export function refuse(plan: ReceivePlan, verdict: ClearVerdict): ReceiveStep {
  return refused(verdict, [refusal(plan, verdict)]);
}

function refused(verdict: Verdict, effects: readonly TransferEffect[]): ReceiveStep {
  const code = verdict === "decline" ? "peer/declined" : "transfer/invalid";
  return failWith(new PosternError(code, `refused: ${verdict}`, { verdict }), effects);
}

export function refusal(plan: ReceivePlan, verdict: ClearVerdict): TransferEffect {
  const { transfer } = plan.context;
  return { kind: "send-envelope", envelope: { kind: "refusal", transfer, verdict } };
}

export function answerEnvelope(
  plan: ReceivePlan,
  ready: ReceiverReady,
  verdict: Verdict,
): TransferEnvelope {
  const { suite, transfer } = plan.context;
  const answer = { verdict, offset: 0, prefixDigest: new Uint8Array(HASH_BYTES) };
  return {
    kind: "answer",
    transfer,
    sealed: sealAnswer(suite, ready.keys.answer, transfer, answer),
  };
}
