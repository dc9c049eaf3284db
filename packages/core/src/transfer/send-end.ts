/**
 * How a transfer ends at its sender: losses, refusals, giving up. docs/protocol.md 7, 9.
 *
 * @module
 */
import { wipe } from "../bytes/equal.ts";
import type { PosternError } from "../errors.ts";
import {
  senderPhase,
  wipeSenderExchange,
  type SenderExchangeStep,
} from "../exchange/sender-exchange.ts";
import { wipeTransferKeys } from "../exchange/transfer-keys.ts";
import type {
  Closing,
  Listening,
  Moving,
  Offered,
  SendPlan,
  SendState,
  SendStep,
} from "./send-state.ts";
import { emit, type TransferEffect } from "./steps.ts";
import { withdrawalBySender } from "./withdrawal.ts";

/** Goes on with the closing exchange. */
export function closingOn(
  step: SenderExchangeStep,
  { keys, outcome, deadline }: Pick<Closing, "keys" | "outcome" | "deadline">,
): SendStep {
  const { exchange, effects } = step;
  const phase = senderPhase(exchange);
  if (phase.kind !== "finished")
    return { state: { kind: "closing", exchange, keys, outcome, deadline }, effects };
  const delivered = finish({ exchange, keys, outcome }, phase.nextMasterKey);
  return { state: delivered.state, effects: [...effects, ...delivered.effects] };
}

export function isMoving(state: SendState): state is Moving {
  return state.kind === "streaming" || state.kind === "expect-new-pipe";
}

export function isListening(state: SendState): state is Listening {
  return isMoving(state) || state.kind === "expect-answer";
}

export function finish(
  { exchange, keys, outcome }: Pick<Closing, "exchange" | "keys" | "outcome">,
  nextMasterKey: boolean,
): SendStep {
  wipeSenderExchange(exchange);
  wipeTransferKeys(keys);
  return { state: { kind: "done" }, effects: [emit({ kind: "done", nextMasterKey, ...outcome })] };
}

/** The link, and with it every way to hear more. */
export function cutOff(plan: SendPlan, state: SendState, error: PosternError): SendStep {
  return state.kind === "closing" ? finish(state, false) : fail(plan, state, error);
}

/**
 * The receiver, or the transfer at its end, is gone. After a receipt that is no loss: the driver is
 * about to open it, or to tell that all was delivered.
 */
export function lost(plan: SendPlan, state: SendState, error: PosternError): SendStep {
  if (!isListening(state) || state.receipt === undefined) return cutOff(plan, state, error);
  const { receipt } = state;
  if (receipt.kind !== "opening") return { state, effects: [] };
  return { state: { ...state, receipt: { ...receipt, lost: receipt.lost ?? error } }, effects: [] };
}

/** The receiver said no. */
export function refused({ ready }: Offered, error: PosternError): SendStep {
  wipeTransferKeys(ready.keys);
  return failWith(error);
}

/** Ends the transfer and, where the receiver may be waiting, tells it. */
export function fail(plan: SendPlan, state: SendState, error: PosternError): SendStep {
  if (!("ready" in state)) {
    if ("exchange" in state) wipeSenderExchange(state.exchange);
    return failWith(error);
  }
  const envelope = withdrawalBySender(plan.context.transfer, error.code);
  const withdraw: TransferEffect = { kind: "send-envelope", envelope };
  if (isMoving(state)) {
    // The records wipe their own two keys when they have stopped.
    const { header, answer, receipt } = state.ready.keys;
    wipe(header, answer, receipt);
    return failWith(error, [{ kind: "stop-records", error }, withdraw]);
  }
  wipeTransferKeys(state.ready.keys);
  return failWith(error, [withdraw]);
}

export function failWith(error: PosternError, before: readonly TransferEffect[] = []): SendStep {
  return {
    state: { kind: "failed" },
    effects: [...before, emit({ kind: "failed", error })],
  };
}
