/**
 * The sender's exchange of whichever profile a transfer has: the one place where they are told
 * apart on this side. docs/protocol.md 7.
 *
 * @module
 */
import { wipe } from "../bytes/equal.ts";
import { PosternError, unreachable } from "../errors.ts";
import {
  startAsymmetricSender,
  stepAsymmetricSender,
  type AsymmetricSenderState,
  type AsymmetricSenderStep,
} from "./asymmetric/sender.ts";
import type { SenderContext } from "./context.ts";
import {
  startEndToEndSender,
  stepEndToEndSender,
  type EndToEndSenderState,
  type EndToEndSenderStep,
} from "./end-to-end/sender.ts";
import { SALT_BYTES, saltKeys } from "./end-to-end/keys.ts";
import type { Profile } from "./profile.ts";
import type { ExchangeEffect, ExchangeInput } from "./steps.ts";
import {
  acceptNextSymmetricKey,
  renewSymmetricKey,
  sendNextSymmetricKey,
  startSymmetricSender,
  stepSymmetricSender,
  type SymmetricSenderState,
  type SymmetricSenderStep,
} from "./symmetric/sender.ts";
import { wipeTransferKeys, type SenderReady, type TransferKeys } from "./transfer-keys.ts";

export type SenderExchange =
  | { readonly profile: "symmetric"; readonly state: SymmetricSenderState }
  | { readonly profile: "asymmetric"; readonly state: AsymmetricSenderState }
  | { readonly profile: "end-to-end"; readonly state: EndToEndSenderState };

export interface SenderExchangeStep {
  readonly exchange: SenderExchange;
  readonly effects: readonly ExchangeEffect[];
}

/** What a transfer needs to know of its exchange. */
export type SenderPhase =
  | { readonly kind: "working" }
  | { readonly kind: "ready"; readonly ready: SenderReady }
  | { readonly kind: "finished"; readonly nextMasterKey: boolean }
  | { readonly kind: "failed"; readonly error: PosternError };

export function startSenderExchange(context: SenderContext, profile: Profile): SenderExchangeStep {
  switch (profile) {
    case "symmetric":
      return symmetric(startSymmetricSender());
    case "asymmetric":
      return asymmetric(startAsymmetricSender(context));
    case "end-to-end":
      return endToEnd(startEndToEndSender(context));
    default:
      return unreachable(profile);
  }
}

export function stepSenderExchange(
  context: SenderContext,
  exchange: SenderExchange,
  input: ExchangeInput,
): SenderExchangeStep {
  switch (exchange.profile) {
    case "symmetric":
      return symmetric(stepSymmetricSender(context, exchange.state, input));
    case "asymmetric":
      return asymmetric(stepAsymmetricSender(context, exchange.state, input));
    case "end-to-end":
      return endToEnd(stepEndToEndSender(context, exchange.state, input));
    default:
      return unreachable(exchange);
  }
}

export function senderPhase({ state }: SenderExchange): SenderPhase {
  switch (state.kind) {
    case "ready":
      return { kind: "ready", ready: state };
    case "finished":
      return { kind: "finished", nextMasterKey: state.nextMasterKey };
    case "failed":
      return { kind: "failed", error: state.error };
    default:
      return { kind: "working" };
  }
}

/** The receiver was out of step: an answer to the offer of before may still be under way. */
export function hasOfferedAgain({ profile, state }: SenderExchange): boolean {
  return profile === "end-to-end" && state.kind === "ready" && state.resyncs > 0;
}

/** It waits for what the receiver says of earlier offers; else for this device or the relay. */
export function waitsForReceiver({ state }: SenderExchange): boolean {
  return state.kind === "full";
}

/** Wipes what an exchange that nobody goes on with still holds. */
export function wipeSenderExchange({ state }: SenderExchange): void {
  if ("masterKey" in state) wipe(state.masterKey);
  if ("nextKey" in state) wipe(state.nextKey);
  if ("keys" in state) wipeTransferKeys(state.keys);
}

/** The receiver says that the offer does not fit its channel: the driver judges that. */
export function judgeResync(
  { profile, state }: SenderExchange,
  resync: Uint8Array,
): readonly ExchangeEffect[] {
  if (profile !== "end-to-end" || state.kind !== "ready") return [];
  const { outer, sealedHeader, inChannel, repeatedFrom } = state;
  if (inChannel === undefined) return [];
  const { epoch } = inChannel;
  return [{ kind: "heed-resync", resync, epoch, outer, sealedHeader, repeatedFrom }];
}

/** An answer in two parts: end-to-end the receiver's salt comes first, and new keys come of it. */
export function openAnswerKeys(
  { suite }: Pick<SenderContext, "suite">,
  { keys, inChannel }: SenderReady,
  answer: Uint8Array,
): { readonly keys: TransferKeys; readonly sealed: Uint8Array } {
  if (inChannel === undefined) return { keys, sealed: answer };
  const salted = saltKeys(suite, keys, answer.subarray(0, SALT_BYTES));
  return { keys: salted, sealed: answer.subarray(SALT_BYTES) };
}

/** The receiver does not hold the key the offer was made under. */
export function renewMasterKey(
  context: SenderContext,
  exchange: SenderExchange,
): SenderExchangeStep {
  if (exchange.profile === "symmetric")
    return symmetric(renewSymmetricKey(context, exchange.state));
  // No offer of this profile is made under a kept key, so nothing can be unknown.
  return asymmetric({
    state: {
      kind: "failed",
      error: new PosternError("peer/unexpected-frame", "key-unknown without a kept key"),
    },
    effects: [],
  });
}

/** The content has arrived: the closing exchange begins. */
export function beginClosing(context: SenderContext, exchange: SenderExchange): SenderExchangeStep {
  if (exchange.profile === "symmetric")
    return symmetric(sendNextSymmetricKey(context, exchange.state));
  // Its next master key is the channel's: only the receipt is missing.
  if (exchange.profile === "end-to-end") return { exchange, effects: [] };
  return asymmetric({ state: { kind: "expect-receipt" }, effects: [] });
}

/** The receipt of an RSA profile has opened and agrees with what was sent. */
export function acceptReceipt(
  context: SenderContext,
  exchange: SenderExchange,
  counter: number,
  check: Uint8Array,
): SenderExchangeStep {
  if (exchange.profile === "symmetric")
    return symmetric(acceptNextSymmetricKey(context, exchange.state, counter, check));
  return asymmetric({ state: { kind: "finished", nextMasterKey: false }, effects: [] });
}

function symmetric(step: SymmetricSenderStep): SenderExchangeStep {
  return { exchange: { profile: "symmetric", state: step.state }, effects: step.effects };
}

function endToEnd(step: EndToEndSenderStep): SenderExchangeStep {
  return { exchange: { profile: "end-to-end", state: step.state }, effects: step.effects };
}

function asymmetric(step: AsymmetricSenderStep): SenderExchangeStep {
  return { exchange: { profile: "asymmetric", state: step.state }, effects: step.effects };
}
