/**
 * One transfer, seen by its sender. docs/protocol.md 7 and 9.
 *
 * ```text
 *            keys ready        offer sent      accept            ticket          records-done
 *  exchanging ──────► (offer) ──────► expect-answer ──► expect-pipe ──► streaming ──────► closing
 *      ▲                                  │     │ short message            ▲  ▲ │           │
 *      └───────── key-unknown ────────────┘     └──────────────────────────┘  │ │ pipe-     │
 *                                                                      ticket │ ▼ broken    ▼
 *                 held-checked                                  expect-new-pipe           done
 *   accept, and a part is held ──► expect-check ──► expect-pipe
 *
 *   failed ◄── any refusal, violation, deadline, loss, cancel
 *     ▲
 *     └─────── expect-reason ◄── the last pipe is lost
 * ```
 *
 * Rule 1: every transition is in {@link stepSend}. Rule 2: no I/O, clock or chance. Rule 3: bytes
 * from the peer never throw. A receiver that is gone breaks the pipe too: the relay says
 * `peer-gone` or refuses the new pipe, and either is what the person reads. A receipt serves for
 * the `done` that was lost with a pipe, and who has sent one may go. `closing` never fails: the
 * content was delivered, only the pair's next master key may be missing.
 *
 * @module
 */
import { PosternError, unreachable, type ErrorCode } from "../errors.ts";
import { requestError } from "../exchange/request-error.ts";
import type { ExchangeInput, RequestStatus } from "../exchange/steps.ts";
import type { ExchangeContext } from "../exchange/context.ts";
import type { Profile } from "../exchange/profile.ts";
import {
  beginClosing,
  judgeResync,
  renewMasterKey,
  senderPhase,
  startSenderExchange,
  stepSenderExchange,
  waitsForReceiver,
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
import type { TransferEnvelope } from "./envelope.ts";
import { encodeHeader, type ContentDescription } from "./header.ts";
import { answered, heldChecked, stream } from "./send-answer.ts";
import { closingOn, cutOff, fail, failWith, finish, isMoving, lost, refused } from "./send-end.ts";
import { heardEarly, receiptArrived, receiptOpened } from "./send-receipt.ts";
import type { Moving, Offered, SendPlan, SendState, SendStep } from "./send-state.ts";
import { emit, type Moment, type RecordsOutcome, type TransferInput } from "./steps.ts";
import { clearVerdictError } from "../exchange/verdict.ts";
import { withdrawnByReceiver } from "./withdrawal.ts";

/** What a person asked to be sent. */
export interface SendRequest {
  readonly profile: Profile;
  readonly content: ContentDescription;
  /** Life of a session key, 1 to 60 s. */
  readonly sessionSeconds: number;
  /** The padded content of a message that rides in its offer: end-to-end only. */
  readonly message?: Uint8Array;
}

/** The header is made once: a fresh key for the same offer changes nothing in it. */
export function planSend(context: ExchangeContext, request: SendRequest, now: Moment): SendPlan {
  const { profile, content, sessionSeconds } = request;
  const until = (now.wall + HEADER_VALID_MS) as WallMs;
  const fields = { content, created: now.wall, until, sessionSeconds };
  const header = encodeHeader(context.transfer, fields);
  const { message } = request;
  return { context: { ...context, header, message }, profile, content, sessionSeconds };
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
      return cutOff(plan, state, input.error);
    case "peer-gone":
      return lost(plan, state, gone());
    case "woke":
      return woke(plan, state, now);
    case "envelope":
      return envelopeArrived(plan, state, input.envelope, now);
    case "offer-result":
      return input.status === "done" || state.kind !== "expect-answer"
        ? { state, effects: [] }
        : fail(plan, state, requestError(input.status));
    case "pipe-result":
      return input.status === "done"
        ? { state, effects: [] }
        : pipeRefused(plan, state, input.status);
    case "frames-result":
      return input.status === "done" || state.kind !== "streaming"
        ? { state, effects: [] }
        : fail(plan, state, requestError(input.status));
    case "pipe-ticket":
      return ticketArrived(plan, state, input.ticket, now);
    case "pipe-broken":
      return state.kind === "streaming"
        ? pipeBroken(state, input.error, now)
        : { state, effects: [] };
    case "held-checked":
      return state.kind === "expect-check"
        ? heldChecked(plan, state, input.same, now)
        : { state, effects: [] };
    case "records-done":
      return isMoving(state) ? close(plan, state, input, now) : { state, effects: [] };
    case "records-failed":
      return recordsFailed(plan, state, input.error, now);
    case "receipt-opened":
      return receiptOpened(plan, state, input.receipt);
    case "resync-heeded":
      return state.kind === "expect-answer"
        ? resynced(plan, state, input, now)
        : { state, effects: [] };
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
  if (state.kind !== "exchanging" && state.kind !== "closing")
    // What failed may have been the opening of a receipt.
    return input.kind === "job-failed"
      ? receiptOpened(plan, state, undefined)
      : { state, effects: [] };
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
  const content = ready.inChannel?.content ?? NOTHING;
  const { transfer } = plan.context;
  const consent = after(now.instant, CONSENT_TIMEOUT_MS + ANSWER_TIMEOUT_MS);
  return {
    state: { kind: "expect-answer", exchange, ready, deadline: consent, receipt: undefined },
    effects: [
      ...effects,
      emit({ kind: "master-key", source, counter }),
      {
        kind: "send-envelope",
        envelope: { kind: "offer", transfer, outer, sealedHeader, content },
      },
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
      return envelope.verdict === "key-unknown" && plan.profile !== "end-to-end"
        ? renew(plan, state, now)
        : refused(state, clearVerdictError(envelope.verdict));
    case "answer":
      return state.kind === "expect-answer"
        ? answered(plan, state, envelope.sealed, now)
        : { state, effects: [] };
    case "reverse":
      return state.kind === "streaming"
        ? { state, effects: [{ kind: "feed-records", frames: envelope.frames }] }
        : { state, effects: [] };
    case "receipt":
      return receiptArrived(plan, state, envelope.sealed);
    case "resync":
      return state.kind === "expect-answer"
        ? { state, effects: judgeResync(state.exchange, envelope.resync) }
        : { state, effects: [] };
    case "withdraw":
      return lost(plan, state, withdrawnByReceiver(envelope.reason));
    case "offer":
    case "content":
    case "close":
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

function resynced(
  plan: SendPlan,
  state: Extract<SendState, { kind: "expect-answer" }>,
  input: Extract<ExchangeInput, { kind: "resync-heeded" }>,
  now: Moment,
): SendStep {
  const step = stepSenderExchange(plan.context, state.exchange, input);
  if (input.outcome.kind !== "anew")
    return senderPhase(step.exchange).kind === "ready"
      ? { state: { ...state, exchange: step.exchange }, effects: step.effects }
      : exchangeOn(plan, step, state.deadline, now);
  const next = exchangeOn(plan, step, after(now.instant, ANSWER_TIMEOUT_MS), now);
  if (next.state.kind === "failed") return next;
  return { state: next.state, effects: [emit({ kind: "key-renewed" }), ...next.effects] };
}

function ticketArrived(
  plan: SendPlan,
  state: SendState,
  ticket: Uint8Array,
  now: Moment,
): SendStep {
  if (state.kind === "expect-pipe")
    return stream(plan, state, { kind: "pipe", ticket }, state.offset, now);
  if (state.kind !== "expect-new-pipe") return { state, effects: [] };
  const { exchange, ready, receipt } = state;
  return {
    state: { kind: "streaming", exchange, ready, receipt, deadline: undefined },
    effects: [{ kind: "replace-pipe", ticket }],
  };
}

function pipeBroken(
  { exchange, ready, receipt }: Moving,
  error: PosternError,
  now: Moment,
): SendStep {
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  return {
    state: { kind: "expect-new-pipe", exchange, ready, error, deadline, receipt },
    effects: [{ kind: "open-pipe" }],
  };
}

function pipeRefused(plan: SendPlan, state: SendState, status: RequestStatus): SendStep {
  if (state.kind === "expect-new-pipe")
    return lost(plan, state, status === "absent" ? gone() : requestError(status));
  return state.kind === "expect-pipe"
    ? fail(plan, state, requestError(status))
    : { state, effects: [] };
}

function close(
  plan: SendPlan,
  { exchange, ready, receipt }: Moving,
  outcome: RecordsOutcome,
  now: Moment,
): SendStep {
  const step = beginClosing(plan.context, exchange);
  const { total, digest } = outcome;
  const deadline = after(now.instant, CLOSING_TIMEOUT_MS);
  const closing = closingOn(step, { keys: ready.keys, outcome: { total, digest }, deadline });
  if (receipt === undefined || closing.state.kind !== "closing") return closing;
  const closed = heardEarly(plan, closing.state, receipt);
  return { state: closed.state, effects: [...closing.effects, ...closed.effects] };
}

function recordsFailed(
  plan: SendPlan,
  state: SendState,
  error: PosternError,
  now: Moment,
): SendStep {
  if (state.kind === "expect-check") return fail(plan, state, error);
  if (!isMoving(state)) return { state, effects: [] };
  if (error.code !== "transfer/pipe-lost") return fail(plan, state, error);
  const deadline = after(now.instant, LOSS_REASON_MS);
  const { exchange, ready } = state;
  return { state: { kind: "expect-reason", exchange, ready, error, deadline }, effects: [] };
}

function woke(plan: SendPlan, state: SendState, now: Moment): SendStep {
  const deadline = sendDeadline(state);
  if (deadline === undefined || now.instant < deadline) return { state, effects: [] };
  if (state.kind === "closing") return finish(state, false);
  if (state.kind === "expect-reason" || state.kind === "expect-new-pipe")
    return fail(plan, state, state.error);
  return fail(plan, state, new PosternError(lateCode(state), `no answer while ${state.kind}`));
}

/** Who has not answered. */
function lateCode(state: SendState): ErrorCode {
  if (state.kind === "exchanging" && !waitsForReceiver(state.exchange)) return "link/timed-out";
  return state.kind === "expect-check" ? "transfer/source-unreadable" : "peer/timed-out";
}

function cancel(plan: SendPlan, state: SendState): SendStep {
  if (state.kind === "closing") return finish(state, false);
  return fail(plan, state, new PosternError("transfer/cancelled", "cancelled by the person"));
}

function gone(): PosternError {
  return new PosternError("peer/gone", "the receiver's connection ended");
}

const NOTHING = new Uint8Array(0);
