/**
 * How a transfer ends at its receiver: closing exchange, losses, giving up. docs/protocol.md 7, 9.
 *
 * @module
 */
import { wipe } from "../bytes/equal.ts";
import type { PosternError } from "../errors.ts";
import {
  receiverPhase,
  wipeReceiverExchange,
  type ReceiverExchangeStep,
} from "../exchange/receiver-exchange.ts";
import { wipeTransferKeys } from "../exchange/transfer-keys.ts";
import { sealReceipt } from "./answer.ts";
import { receiptEnvelope } from "./receive-envelopes.ts";
import type { Closing, ReceivePlan, ReceiveState, ReceiveStep } from "./receive-state.ts";
import { emit, type TransferEffect } from "./steps.ts";
import { withdrawalByReceiver } from "./withdrawal.ts";

/** Goes on with the closing exchange; the receipt says that the next master key is stored. */
export function closingOn(
  plan: ReceivePlan,
  { exchange, effects }: ReceiverExchangeStep,
  state: Closing,
): ReceiveStep {
  const phase = receiverPhase(exchange);
  if (phase.kind === "receipt") {
    const end = finish(state, true);
    return { state: end.state, effects: [receiptEnvelope(plan, phase.receipt), ...end.effects] };
  }
  if (phase.kind !== "finished") return { state: { ...state, exchange }, effects };
  const { suite, transfer } = plan.context;
  const { counter, check } = phase;
  const receipt = { ...state.outcome, counter, check };
  const sealed = sealReceipt(suite, state.keys.receipt, transfer, receipt);
  const end = finish(state, counter > 0);
  const send = { kind: "send-envelope", envelope: { kind: "receipt", transfer, sealed } } as const;
  return { state: end.state, effects: [...effects, send, ...end.effects] };
}

export function finish(state: Closing, nextMasterKey: boolean): ReceiveStep {
  wipeTransferKeys(state.keys);
  return {
    state: { kind: "done" },
    effects: [emit({ kind: "done", nextMasterKey, ...state.outcome })],
  };
}

/** The link, the sender, or the transfer itself is gone: nobody is left to tell. */
export function lost(state: ReceiveState, error: PosternError): ReceiveStep {
  if (state.kind === "closing") return finish(state, false);
  const isMoving = state.kind === "receiving" || state.kind === "expect-new-pipe";
  if (!isMoving) {
    if ("exchange" in state) wipeReceiverExchange(state.exchange);
    return failWith(error);
  }
  // The records wipe their own two keys when they have stopped.
  const { header, answer, receipt } = state.ready.keys;
  wipe(header, answer, receipt);
  return failWith(error, [{ kind: "stop-records", error }]);
}

/** This side ends it and tells the sender. */
export function giveUp(plan: ReceivePlan, state: ReceiveState, error: PosternError): ReceiveStep {
  if (state.kind === "closing") return finish(state, false);
  const envelope = withdrawalByReceiver(plan.context.transfer, error.code);
  const ended = lost(state, error);
  return { state: ended.state, effects: [{ kind: "send-envelope", envelope }, ...ended.effects] };
}

export function failWith(error: PosternError, before: readonly TransferEffect[] = []): ReceiveStep {
  return { state: { kind: "failed" }, effects: [...before, emit({ kind: "failed", error })] };
}
