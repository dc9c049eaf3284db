/**
 * A receiver's receipt, at its sender. docs/protocol.md 9, docs/protocol-end-to-end.md 7.3.4.
 *
 * In the RSA profiles it opens under a key of this transfer and carries the pair's next one. End to
 * end the channel opens it, also for a no, and for a message that rode in its offer it is the only
 * answer.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { ifWellFormed } from "../bytes/reader.ts";
import { PosternError, unreachable } from "../errors.ts";
import type { EndToEndReceipt } from "../exchange/end-to-end/receipt.ts";
import { acceptReceipt } from "../exchange/sender-exchange.ts";
import { verdictError } from "../exchange/verdict.ts";
import { openReceipt } from "./answer.ts";
import { closingOn, fail, finish, isListening, isMoving, refused } from "./send-end.ts";
import type {
  Closing,
  EarlyReceipt,
  Moving,
  Offered,
  SendPlan,
  SendState,
  SendStep,
} from "./send-state.ts";
import { emit, type RecordsOutcome } from "./steps.ts";

/** A receipt came, in whatever state. */
export function receiptArrived(plan: SendPlan, state: SendState, sealed: Uint8Array): SendStep {
  if (plan.profile === "end-to-end") return openFirst(state, sealed);
  if (state.kind === "closing") return closeWith(plan, state, sealed);
  return isMoving(state) ? early(plan, state, sealed) : { state, effects: [] };
}

function openFirst(state: SendState, sealed: Uint8Array): SendStep {
  if (state.kind === "exchanging") return { state, effects: [] };
  const effects = [{ kind: "open-receipt", receipt: sealed }] as const;
  if (!isListening(state) || state.receipt !== undefined) return { state, effects };
  return { state: { ...state, receipt: { kind: "opening", lost: undefined } }, effects };
}

/** The channel has opened an end-to-end receipt, or has not. */
export function receiptOpened(
  plan: SendPlan,
  state: SendState,
  receipt: EndToEndReceipt | undefined,
): SendStep {
  if (receipt === undefined) return notOpened(plan, state);
  if (state.kind === "closing") return finish(state, agrees(state.outcome, receipt));
  if (receipt.verdict !== "accept") {
    const error = verdictError(receipt.verdict);
    return state.kind === "expect-answer" ? refused(state, error) : fail(plan, state, error);
  }
  const { total, digest } = receipt;
  if (isMoving(state))
    return {
      state: { ...state, receipt: { kind: "opened", total, digest } },
      effects: [{ kind: "confirm-records", total, digest }],
    };
  if (state.kind === "expect-answer") return messageDelivered(plan, state, { total, digest });
  return { state, effects: [] };
}

/** A forgery must not end what the receiver has not ended; nor keep what was lost meanwhile. */
function notOpened(plan: SendPlan, state: SendState): SendStep {
  if (!isListening(state) || state.receipt?.kind !== "opening") return { state, effects: [] };
  const { lost } = state.receipt;
  const without = { ...state, receipt: undefined };
  return lost === undefined ? { state: without, effects: [] } : fail(plan, without, lost);
}

/** Everything was delivered; a receipt had come before that was known. */
export function heardEarly(plan: SendPlan, state: Closing, receipt: EarlyReceipt): SendStep {
  switch (receipt.kind) {
    case "sealed":
      return closeWith(plan, state, receipt.sealed);
    case "opened":
      return finish(state, agrees(state.outcome, receipt));
    case "opening":
      return { state, effects: [] };
    default:
      return unreachable(receipt);
  }
}

function messageDelivered(
  plan: SendPlan,
  state: Offered & SendState,
  outcome: RecordsOutcome,
): SendStep {
  const { exchange, ready } = state;
  const sent = ready.inChannel?.digest;
  const total = plan.context.message?.length;
  if (sent === undefined || total === undefined || !agrees({ total, digest: sent }, outcome)) {
    const text = "a receipt for content that was not sent";
    return fail(plan, state, new PosternError("peer/malformed", text));
  }
  const end = finish({ exchange, keys: ready.keys, outcome }, true);
  return { state: end.state, effects: [emit({ kind: "accepted", offset: 0 }), ...end.effects] };
}

/** A receipt before `done`, which may be slower, or lost with its pipe. */
function early(plan: SendPlan, state: Moving, sealed: Uint8Array): SendStep {
  const { suite, transfer } = plan.context;
  const { keys } = state.ready;
  const receipt = ifWellFormed(() => openReceipt(suite, keys.receipt, transfer, sealed));
  if (receipt === undefined) return { state, effects: [] };
  const { total, digest } = receipt;
  return {
    state: { ...state, receipt: { kind: "sealed", sealed } },
    effects: [{ kind: "confirm-records", total, digest }],
  };
}

function closeWith(plan: SendPlan, state: Closing, sealed: Uint8Array): SendStep {
  const { exchange, keys, outcome } = state;
  const { suite, transfer } = plan.context;
  const receipt = ifWellFormed(() => openReceipt(suite, keys.receipt, transfer, sealed));
  // `done` was verified already, so a receipt that says something else costs the next key only.
  if (receipt === undefined || !agrees(outcome, receipt)) return finish(state, false);
  const step = acceptReceipt(plan.context, exchange, receipt.counter, receipt.check);
  return closingOn(step, state);
}

function agrees(sent: RecordsOutcome, said: RecordsOutcome): boolean {
  return sent.total === said.total && equalBytes(sent.digest, said.digest);
}
