/**
 * One transfer, seen by its sender. docs/protocol.md 7 and 9.
 *
 * ```text
 *            keys ready        offer sent      accept            ticket          records-done
 *  exchanging ──────► (offer) ──────► expect-answer ──► expect-pipe ──► streaming ──────► closing
 *      ▲                                  │     │ short message            ▲   │             │
 *      └───────── key-unknown ────────────┘     └──────────────────────────┘   │ pipe lost   │
 *                                                                              ▼             ▼
 *   failed ◄── any refusal, violation, deadline, loss, cancel ◄──────── expect-reason      done
 * ```
 *
 * Rule 1: every transition is in {@link stepSend}. Rule 2: no I/O, clock or chance. Rule 3: bytes
 * from the peer never throw. `closing` never fails: the content was delivered, only the pair's
 * next master key may be missing.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { ifWellFormed } from "../bytes/reader.ts";
import { PosternError, unreachable, type ErrorCode } from "../errors.ts";
import type { ExchangeInput, RequestStatus } from "../exchange/steps.ts";
import type { ExchangeContext } from "../exchange/context.ts";
import {
  acceptReceipt,
  beginClosing,
  renewMasterKey,
  senderPhase,
  startSenderExchange,
  stepSenderExchange,
  type ImplementedProfile,
  type SenderExchangeStep,
} from "../exchange/sender-exchange.ts";
import { wipeTransferKeys } from "../exchange/transfer-keys.ts";
import {
  ANSWER_TIMEOUT_MS,
  CLOSING_TIMEOUT_MS,
  CONSENT_TIMEOUT_MS,
  HEADER_VALID_MS,
  LOSS_REASON_MS,
} from "../limits.ts";
import { after, type InstantMs, type WallMs } from "../time.ts";
import { openAnswer, openReceipt } from "./answer.ts";
import type { TransferEnvelope } from "./envelope.ts";
import { encodeHeader, type ContentDescription } from "./header.ts";
import type { Closing, Offered, SendPlan, SendState, SendStep } from "./send-state.ts";
import {
  emit,
  ridesInEnvelopes,
  WITHDRAWN_BY_PERSON,
  type Moment,
  type RecordsOutcome,
  type RecordsPath,
  type TransferEffect,
  type TransferInput,
} from "./steps.ts";
import { verdictError } from "./verdict.ts";

/** What a person asked to be sent. */
export interface SendRequest {
  readonly profile: ImplementedProfile;
  readonly content: ContentDescription;
  /** Life of a session key, 1 to 60 s. */
  readonly sessionSeconds: number;
}

/** The header is made once: a fresh key for the same offer changes nothing in it. */
export function planSend(context: ExchangeContext, request: SendRequest, now: Moment): SendPlan {
  const { profile, content, sessionSeconds } = request;
  const until = (now.wall + HEADER_VALID_MS) as WallMs;
  const fields = { content, created: now.wall, until, sessionSeconds };
  const header = encodeHeader(context.transfer, fields);
  return { context: { ...context, header }, profile, content, sessionSeconds };
}

export function startSend(plan: SendPlan, now: Moment): SendStep {
  const step = startSenderExchange(plan.context, plan.profile);
  return exchangeOn(plan, step, after(now.instant, ANSWER_TIMEOUT_MS), now);
}

export function sendDeadline(state: SendState): InstantMs | undefined {
  return "deadline" in state ? state.deadline : undefined;
}

export function stepSend(
  plan: SendPlan,
  state: SendState,
  input: TransferInput,
  now: Moment,
): SendStep {
  if (state.kind === "done" || state.kind === "failed") return { state, effects: [] };
  switch (input.kind) {
    case "cancel":
      return cancel(plan, state);
    case "link-lost":
      return lost(plan, state, input.error);
    case "peer-gone":
      return lost(plan, state, new PosternError("peer/gone", "the receiver's connection ended"));
    case "woke":
      return woke(plan, state, now);
    case "envelope":
      return envelopeArrived(plan, state, input.envelope, now);
    case "offer-result":
      return input.status === "done" || state.kind !== "expect-answer"
        ? { state, effects: [] }
        : fail(plan, state, requestError(input.status));
    case "pipe-result":
      return input.status === "done" || state.kind !== "expect-pipe"
        ? { state, effects: [] }
        : fail(plan, state, requestError(input.status));
    case "pipe-ticket":
      return state.kind === "expect-pipe"
        ? stream(plan, state, { kind: "pipe", ticket: input.ticket }, state.offset)
        : { state, effects: [] };
    case "records-done":
      return state.kind === "streaming" ? close(plan, state, input, now) : { state, effects: [] };
    case "records-failed":
      return recordsFailed(plan, state, input.error, now);
    default:
      return exchangeInput(plan, state, input, now);
  }
}

function exchangeInput(
  plan: SendPlan,
  state: SendState,
  input: ExchangeInput,
  now: Moment,
): SendStep {
  if (state.kind !== "exchanging" && state.kind !== "closing") return { state, effects: [] };
  const step = stepSenderExchange(plan.context, state.exchange, input);
  return state.kind === "exchanging"
    ? exchangeOn(plan, step, state.deadline, now)
    : closingOn(step, state);
}

/** Goes on with the exchange until its keys are ready, then makes the offer. */
function exchangeOn(
  plan: SendPlan,
  { exchange, effects }: SenderExchangeStep,
  deadline: InstantMs,
  now: Moment,
): SendStep {
  const phase = senderPhase(exchange);
  if (phase.kind === "failed") return failWith(phase.error, effects);
  if (phase.kind !== "ready") return { state: { kind: "exchanging", exchange, deadline }, effects };
  const { ready } = phase;
  const { source, counter, outer, sealedHeader } = ready;
  const { transfer } = plan.context;
  const consent = after(now.instant, CONSENT_TIMEOUT_MS + ANSWER_TIMEOUT_MS);
  return {
    state: { kind: "expect-answer", exchange, ready, deadline: consent },
    effects: [
      ...effects,
      emit({ kind: "master-key", source, counter }),
      { kind: "send-envelope", envelope: { kind: "offer", transfer, outer, sealedHeader } },
      emit({ kind: "offered" }),
    ],
  };
}

function envelopeArrived(
  plan: SendPlan,
  state: SendState,
  envelope: TransferEnvelope,
  now: Moment,
): SendStep {
  switch (envelope.kind) {
    case "refusal":
      if (state.kind !== "expect-answer") return { state, effects: [] };
      return envelope.verdict === "key-unknown"
        ? renew(plan, state, now)
        : failWith(verdictError(envelope.verdict));
    case "answer":
      return state.kind === "expect-answer"
        ? answered(plan, state, envelope.sealed, now)
        : { state, effects: [] };
    case "reverse":
      return state.kind === "streaming"
        ? { state, effects: [{ kind: "feed-records", frames: envelope.frames }] }
        : { state, effects: [] };
    case "receipt":
      return state.kind === "closing"
        ? receiptArrived(plan, state, envelope.sealed)
        : { state, effects: [] };
    case "withdraw":
      return lost(
        plan,
        state,
        new PosternError("peer/cancelled", "the receiver gave the transfer up"),
      );
    case "offer":
    case "content":
      return fail(
        plan,
        state,
        new PosternError("peer/unexpected-frame", `${envelope.kind} for a sender`),
      );
    default:
      return unreachable(envelope);
  }
}

function renew(plan: SendPlan, { exchange, ready }: Offered, now: Moment): SendStep {
  const step = renewMasterKey(plan.context, exchange);
  wipeTransferKeys(ready.keys);
  const next = exchangeOn(plan, step, after(now.instant, ANSWER_TIMEOUT_MS), now);
  if (next.state.kind === "failed") return next;
  return { state: next.state, effects: [emit({ kind: "key-renewed" }), ...next.effects] };
}

function answered(
  plan: SendPlan,
  state: Extract<SendState, { kind: "expect-answer" }>,
  sealed: Uint8Array,
  now: Moment,
): SendStep {
  const { exchange, ready } = state;
  const { suite, transfer } = plan.context;
  const answer = ifWellFormed(() => openAnswer(suite, ready.keys.answer, transfer, sealed));
  if (answer === undefined)
    return fail(
      plan,
      state,
      new PosternError("transfer/invalid", "the receiver's answer does not open"),
    );
  if (answer.verdict !== "accept") return failWith(verdictError(answer.verdict));
  if (answer.offset !== 0)
    return fail(plan, state, new PosternError("peer/malformed", "an offset that was never sent"));
  const accepted = emit({ kind: "accepted", offset: answer.offset });
  if (ridesInEnvelopes(plan.content)) {
    const next = stream(plan, state, { kind: "envelopes" }, answer.offset);
    return { state: next.state, effects: [accepted, ...next.effects] };
  }
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  return {
    state: { kind: "expect-pipe", exchange, ready, offset: answer.offset, deadline },
    effects: [accepted, { kind: "open-pipe" }],
  };
}

function stream(
  plan: SendPlan,
  { exchange, ready }: Offered,
  path: RecordsPath,
  fromOffset: number,
): SendStep {
  const { sessionSeconds } = plan;
  return {
    state: { kind: "streaming", exchange, ready },
    effects: [{ kind: "run-records", keys: ready.keys, path, fromOffset, sessionSeconds }],
  };
}

function close(
  plan: SendPlan,
  { exchange, ready }: Offered,
  outcome: RecordsOutcome,
  now: Moment,
): SendStep {
  const step = beginClosing(plan.context, exchange);
  const { total, digest } = outcome;
  const deadline = after(now.instant, CLOSING_TIMEOUT_MS);
  return closingOn(step, { keys: ready.keys, outcome: { total, digest }, deadline });
}

type Outcome = Pick<Closing, "keys" | "outcome" | "deadline">;

function closingOn(step: SenderExchangeStep, { keys, outcome, deadline }: Outcome): SendStep {
  const { exchange, effects } = step;
  const phase = senderPhase(exchange);
  if (phase.kind !== "finished")
    return { state: { kind: "closing", exchange, keys, outcome, deadline }, effects };
  const delivered = finish({ keys, outcome }, phase.nextMasterKey);
  return { state: delivered.state, effects: [...effects, ...delivered.effects] };
}

function receiptArrived(plan: SendPlan, state: Closing, sealed: Uint8Array): SendStep {
  const { exchange, keys, outcome } = state;
  const { suite, transfer } = plan.context;
  const receipt = ifWellFormed(() => openReceipt(suite, keys.receipt, transfer, sealed));
  // `done` was verified already, so a receipt that says something else costs the next key only.
  if (receipt?.total !== outcome.total || !equalBytes(receipt.digest, outcome.digest))
    return finish(state, false);
  const step = acceptReceipt(plan.context, exchange, receipt.counter, receipt.check);
  return closingOn(step, state);
}

function finish(
  { keys, outcome }: Pick<Closing, "keys" | "outcome">,
  nextMasterKey: boolean,
): SendStep {
  wipeTransferKeys(keys);
  return { state: { kind: "done" }, effects: [emit({ kind: "done", nextMasterKey, ...outcome })] };
}

function recordsFailed(
  plan: SendPlan,
  state: SendState,
  error: PosternError,
  now: Moment,
): SendStep {
  if (state.kind === "expect-reason") return { state, effects: [] };
  if (state.kind !== "streaming") return { state, effects: [] };
  if (error.code !== "transfer/pipe-lost") return fail(plan, state, error);
  const deadline = after(now.instant, LOSS_REASON_MS);
  return {
    state: { ...state, kind: "expect-reason", error, deadline },
    effects: [],
  };
}

/** The link, the receiver, or the transfer itself is gone. */
function lost(plan: SendPlan, state: SendState, error: PosternError): SendStep {
  if (state.kind === "closing") return finish(state, false);
  return fail(plan, state, error);
}

function woke(plan: SendPlan, state: SendState, now: Moment): SendStep {
  const deadline = sendDeadline(state);
  if (deadline === undefined || now.instant < deadline) return { state, effects: [] };
  if (state.kind === "closing") return finish(state, false);
  if (state.kind === "expect-reason") return fail(plan, state, state.error);
  const code: ErrorCode = state.kind === "exchanging" ? "link/timed-out" : "peer/timed-out";
  return fail(plan, state, new PosternError(code, `no answer while ${state.kind}`));
}

function cancel(plan: SendPlan, state: SendState): SendStep {
  if (state.kind === "closing") return finish(state, false);
  return fail(plan, state, new PosternError("transfer/cancelled", "cancelled by the person"));
}

/** Ends the transfer and, where the receiver may be waiting, tells it. */
function fail(plan: SendPlan, state: SendState, error: PosternError): SendStep {
  if (!("ready" in state)) return failWith(error);
  const withdraw = { kind: "send-envelope", envelope: withdrawal(plan.context.transfer) } as const;
  if (state.kind === "streaming")
    return failWith(error, [{ kind: "stop-records", error }, withdraw]);
  wipeTransferKeys(state.ready.keys);
  return failWith(error, [withdraw]);
}

function failWith(error: PosternError, before: readonly TransferEffect[] = []): SendStep {
  return {
    state: { kind: "failed" },
    effects: [...before, emit({ kind: "failed", error })],
  };
}

function withdrawal(transfer: Uint8Array): TransferEnvelope {
  return { kind: "withdraw", transfer, reason: WITHDRAWN_BY_PERSON };
}

function requestError(status: RequestStatus): PosternError {
  switch (status) {
    case "absent":
      return new PosternError("peer/absent", "the receiver is not connected");
    case "unknown":
      return new PosternError("peer/unknown", "the relay does not know the receiver");
    case "overloaded":
      return new PosternError("relay/overloaded", "the relay takes no more now");
    default:
      return new PosternError("relay/refused", "the relay refused the request");
  }
}
