/**
 * One transfer, seen by its receiver. docs/protocol.md 7 and 9.
 *
 * ```text
 *  key-down               offer                keys ready, header opened and checked
 *  ────────► expect-offer ─────► expect-keys ──────────────┬───────────► expect-consent
 *  (kept key: starts with the offer)                       │ kept key          │ accept
 *                                             expect-dropped ──► (consent)     ▼
 *   done ◄── closing ◄── records-done ── receiving ◄── ticket ── expect-pipe ◄─┤
 *     ▲                                    ▲ │ ▲                               │ short message
 *     └── next key kept, or too late       │ │ └───────────────────────────────┘
 *                                   ticket │ ▼ pipe-broken
 *                                     expect-new-pipe
 *
 *   failed ◄── any refusal, violation, deadline, loss, cancel
 * ```
 *
 * Rule 1: every transition is in {@link stepReceive}. Rule 2: no I/O, clock or chance. Rule 3:
 * bytes from the peer never throw. Content is asked for only after a person's `accept`, and the
 * person is asked only after every check passed. A ticket replaces the pipe also where this side
 * has seen no fault: in `receiving`, and in `closing`, when the sender has not heard `done`.
 *
 * @module
 */
import { PosternError, unreachable } from "../errors.ts";
import type { ExchangeInput } from "../exchange/steps.ts";
import {
  contentVerified,
  messageOf,
  receiveOffer,
  receiveRelayedKey,
  receiverPhase,
  stepReceiverExchange,
  wipeReceiverExchange,
  UNOFFERED,
  type ReceiverExchangeStep,
} from "../exchange/receiver-exchange.ts";
import {
  ANSWER_TIMEOUT_MS,
  CLOSING_TIMEOUT_MS,
  INLINE_TIMEOUT_MS,
  LOSS_REASON_MS,
} from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import type { TransferEnvelope } from "./envelope.ts";
import { closingOn, failWith, finish, giveUp, lost } from "./receive-end.ts";
import { answerEnvelope, NOTHING_HELD, receiptEnvelope, refusal } from "./receive-envelopes.ts";
import { answerNo, askConsent, checkOffer, ownFault, refuse, refusingOn } from "./receive-offer.ts";
import type {
  Admission,
  Checked,
  Closing,
  ExpectKeys,
  OfferEnvelope,
  ReceiveInput,
  ReceivePlan,
  ReceiveState,
  ReceiveStep,
} from "./receive-state.ts";
import {
  emit,
  heldCheckMs,
  holdAtOf,
  ridesInEnvelopes,
  type HeldPrefix,
  type Moment,
  type RecordsOutcome,
  type RecordsPath,
  type TransferEffect,
} from "./steps.ts";
import { withdrawnBySender } from "./withdrawal.ts";

/** States in which the driver's answers belong to the exchange. */
const EXCHANGING: ReadonlySet<ReceiveState["kind"]> = new Set<ReceiveState["kind"]>([
  "expect-offer",
  "expect-keys",
  "refusing",
  "closing",
]);

export function startReceive(now: Moment): ReceiveState {
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  return { kind: "expect-offer", exchange: UNOFFERED, deadline };
}

export function receiveDeadline(state: ReceiveState): InstantMs | undefined {
  return "deadline" in state ? state.deadline : undefined;
}

export function stepReceive(
  plan: ReceivePlan,
  state: ReceiveState,
  input: ReceiveInput,
  now: Moment,
): ReceiveStep {
  if (state.kind === "done" || state.kind === "failed") return { state, effects: [] };
  switch (input.kind) {
    case "key-down":
      return keyDown(plan, state, input);
    case "offer":
      return offerArrived(plan, state, input.offer, input.admission, now);
    case "decide":
      return state.kind === "expect-consent"
        ? decided(plan, state, input, now)
        : { state, effects: [] };
    case "pipe-ticket":
      return ticketArrived(state, input.ticket, now);
    case "pipe-broken":
      return state.kind === "receiving"
        ? pipeBroken(state, input.error, now)
        : { state, effects: [] };
    case "envelope":
      return envelopeArrived(plan, state, input.envelope);
    case "records-done":
      return state.kind === "receiving" || state.kind === "expect-new-pipe"
        ? contentDone(plan, state, input, now)
        : { state, effects: [] };
    case "records-failed":
      return recordsFailed(plan, state, input.error, now);
    case "cancel":
      return giveUp(plan, state, new PosternError("transfer/cancelled", "cancelled by the person"));
    case "link-lost":
      return lost(state, input.error);
    case "peer-gone":
      return lost(state, new PosternError("peer/gone", "the sender's connection ended"));
    case "woke":
      return woke(plan, state, now);
    case "frames-result":
      return input.status === "done" || state.kind !== "receiving"
        ? { state, effects: [] }
        : giveUp(plan, state, new PosternError("peer/gone", "the sender cannot be reached"));
    case "offer-result":
    case "pipe-result":
    case "held-checked":
      return { state, effects: [] };
    default:
      return exchangeInput(plan, state, input, now);
  }
}

function keyDown(
  plan: ReceivePlan,
  state: ReceiveState,
  { use, ciphertext }: Extract<ReceiveInput, { kind: "key-down" }>,
): ReceiveStep {
  if (state.kind !== (use === "this" ? "expect-offer" : "closing")) return { state, effects: [] };
  const step = receiveRelayedKey(plan.context, state.exchange, use, ciphertext);
  if (state.kind === "closing") return closingOn(plan, step, state);
  return { state: { ...state, exchange: step.exchange }, effects: step.effects };
}

function offerArrived(
  plan: ReceivePlan,
  state: ReceiveState,
  offer: OfferEnvelope,
  admission: Admission,
  now: Moment,
): ReceiveStep {
  if (state.kind !== "expect-offer") return { state, effects: [] };
  if (admission.profile === undefined) {
    wipeReceiverExchange(state.exchange);
    return refuse(plan, "profile-refused");
  }
  const { profile } = admission;
  const step = receiveOffer(plan.context, state.exchange, profile, offer, offer.content);
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  return keysOn(plan, step, { admission, deadline }, now);
}

/** Goes on with the exchange until its keys are ready, then judges the header. */
function keysOn(
  plan: ReceivePlan,
  { exchange, effects }: ReceiverExchangeStep,
  { admission, deadline }: Pick<ExpectKeys, "admission" | "deadline">,
  now: Moment,
): ReceiveStep {
  const phase = receiverPhase(exchange);
  switch (phase.kind) {
    case "key-unknown":
      // Not the end: the sender comes back with a fresh key for the same transfer.
      return {
        state: { kind: "expect-offer", exchange: UNOFFERED, deadline },
        effects: [refusal(plan, "key-unknown")],
      };
    case "resync": {
      // Not the end either: the sender comes back with the gap, or with a new channel.
      const { transfer } = plan.context;
      const envelope = { kind: "resync", transfer, resync: phase.resync } as const;
      return {
        state: { kind: "expect-offer", exchange: UNOFFERED, deadline },
        effects: [{ kind: "send-envelope", envelope }],
      };
    }
    case "receipt": {
      const error = new PosternError("transfer/replayed", "this offer was answered before");
      return failWith(error, [receiptEnvelope(plan, phase.receipt)]);
    }
    case "wrong-receiver":
    case "invalid":
      return refuse(plan, phase.kind);
    case "ready": {
      const checked = checkOffer(plan, exchange, phase.ready, admission, now);
      return { state: checked.state, effects: [...effects, ...checked.effects] };
    }
    default:
      return { state: { kind: "expect-keys", exchange, admission, deadline }, effects };
  }
}

function exchangeInput(
  plan: ReceivePlan,
  state: ReceiveState,
  input: ExchangeInput,
  now: Moment,
): ReceiveStep {
  if (state.kind === "expect-dropped") {
    if (input.kind === "pair-key-dropped") return askConsent(state, now);
    return input.kind === "job-failed" ? giveUp(plan, state, input.error) : { state, effects: [] };
  }
  if (!("exchange" in state)) return { state, effects: [] };
  if (!EXCHANGING.has(state.kind)) return { state, effects: [] };
  const step = stepReceiverExchange(plan.context, state.exchange, input);
  if (state.kind === "refusing") return refusingOn(plan, step, state.verdict, state.deadline);
  if (state.kind === "closing") return closingOn(plan, step, state);
  if (state.kind === "expect-keys") {
    const error = ownFault(step, input);
    return error === undefined ? keysOn(plan, step, state, now) : giveUp(plan, state, error);
  }
  return { state: { ...state, exchange: step.exchange }, effects: step.effects };
}

function decided(
  plan: ReceivePlan,
  state: Checked & ReceiveState,
  { decision, held = NOTHING_HELD }: Extract<ReceiveInput, { kind: "decide" }>,
  now: Moment,
): ReceiveStep {
  if (decision !== "accept") return answerNo(plan, state, decision, now);
  const { exchange, ready, content, sessionSeconds } = state;
  const message = messageOf(exchange);
  if (message !== undefined) {
    const next = receiveOver(state, { kind: "inline", ...message }, 0, now);
    return { state: next.state, effects: [emit({ kind: "accepted", offset: 0 }), ...next.effects] };
  }
  if (ridesInEnvelopes(content)) {
    const next = receiveOver(state, { kind: "envelopes" }, 0, now);
    return {
      state: next.state,
      effects: [...accepted(plan, ready, NOTHING_HELD), ...next.effects],
    };
  }
  const fromOffset = held.offset;
  if (fromOffset > (content.size ?? fromOffset))
    return giveUp(
      plan,
      state,
      new PosternError("transfer/other-content", "more is held than the content is long"),
    );
  // The sender reads and compares all of that before it opens a pipe.
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS + heldCheckMs(fromOffset));
  return {
    state: { kind: "expect-pipe", exchange, ready, content, sessionSeconds, fromOffset, deadline },
    effects: accepted(plan, ready, held),
  };
}

function accepted(
  plan: ReceivePlan,
  ready: Checked["ready"],
  held: HeldPrefix,
): readonly TransferEffect[] {
  return [
    { kind: "send-envelope", envelope: answerEnvelope(plan, ready, "accept", held) },
    emit({ kind: "accepted", offset: held.offset }),
  ];
}

function receiveOver(
  checked: Checked,
  path: RecordsPath,
  fromOffset: number,
  now: Moment,
): ReceiveStep {
  const { exchange, ready, content, sessionSeconds } = checked;
  const deadline = path.kind === "pipe" ? undefined : after(now.instant, INLINE_TIMEOUT_MS);
  const holdAt = holdAtOf(content, fromOffset);
  return {
    state: { kind: "receiving", exchange, ready, content, sessionSeconds, deadline },
    effects: [{ kind: "run-records", keys: ready.keys, path, fromOffset, holdAt, sessionSeconds }],
  };
}

function pipeBroken(checked: Checked, error: PosternError, now: Moment): ReceiveStep {
  const { exchange, ready, content, sessionSeconds } = checked;
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  const state = { exchange, ready, content, sessionSeconds, error, deadline };
  return { state: { kind: "expect-new-pipe", ...state }, effects: [] };
}

function ticketArrived(state: ReceiveState, ticket: Uint8Array, now: Moment): ReceiveStep {
  const effects: TransferEffect[] = [{ kind: "replace-pipe", ticket }];
  switch (state.kind) {
    case "expect-pipe":
      return receiveOver(state, { kind: "pipe", ticket }, state.fromOffset, now);
    case "expect-new-pipe": {
      const { exchange, ready, content, sessionSeconds } = state;
      const checked = { exchange, ready, content, sessionSeconds };
      return { state: { kind: "receiving", ...checked, deadline: undefined }, effects };
    }
    case "receiving":
    case "closing":
      return { state, effects };
    default:
      return { state, effects: [] };
  }
}

function contentDone(
  plan: ReceivePlan,
  { exchange, ready }: Checked,
  outcome: RecordsOutcome,
  now: Moment,
): ReceiveStep {
  const closing: Closing = {
    kind: "closing",
    exchange,
    keys: ready.keys,
    outcome: { total: outcome.total, digest: outcome.digest },
    deadline: after(now.instant, CLOSING_TIMEOUT_MS),
  };
  return closingOn(plan, contentVerified(exchange, outcome), closing);
}

function envelopeArrived(
  plan: ReceivePlan,
  state: ReceiveState,
  envelope: TransferEnvelope,
): ReceiveStep {
  switch (envelope.kind) {
    case "content":
      return state.kind === "receiving"
        ? { state, effects: [{ kind: "feed-records", frames: envelope.frames }] }
        : { state, effects: [] };
    case "withdraw":
      return lost(state, withdrawnBySender(envelope.reason));
    case "offer":
      return { state, effects: [] };
    case "answer":
    case "refusal":
    case "reverse":
    case "receipt":
    case "close":
    case "resync":
      return giveUp(
        plan,
        state,
        new PosternError("peer/unexpected-frame", `${envelope.kind} for a receiver`),
      );
    default:
      return unreachable(envelope);
  }
}

function recordsFailed(
  plan: ReceivePlan,
  state: ReceiveState,
  error: PosternError,
  now: Moment,
): ReceiveStep {
  if (state.kind !== "receiving" && state.kind !== "expect-new-pipe") return { state, effects: [] };
  // A pipe ends in the middle of a frame or between two: a matter of chance when a sender dies.
  const isCut = error.code === "transfer/pipe-lost" || error.code === "transfer/truncated";
  if (!isCut) return giveUp(plan, state, error);
  wipeReceiverExchange(state.exchange);
  const deadline = after(now.instant, LOSS_REASON_MS);
  return { state: { kind: "expect-reason", error, deadline }, effects: [] };
}

function woke(plan: ReceivePlan, state: ReceiveState, now: Moment): ReceiveStep {
  const deadline = receiveDeadline(state);
  if (deadline === undefined || now.instant < deadline) return { state, effects: [] };
  switch (state.kind) {
    case "closing":
      return finish(state, false);
    case "expect-consent":
      return answerNo(plan, state, "timed-out", now);
    case "refusing":
      return failWith(new PosternError("transfer/invalid", "the receipt could not be stored"));
    case "expect-new-pipe":
      return giveUp(plan, state, state.error);
    case "expect-reason":
      // Nobody is gone: a sender that ended the pipe early by itself is told what came of it.
      return state.error.code === "transfer/truncated"
        ? giveUp(plan, state, state.error)
        : failWith(state.error);
    default:
      return giveUp(plan, state, new PosternError("peer/timed-out", `nothing while ${state.kind}`));
  }
}
