/**
 * The receiver's exchange of whichever profile an offer names: the one place where they are told
 * apart on this side. docs/protocol.md 7.
 *
 * @module
 */
import { wipe } from "../bytes/equal.ts";
import {
  receiveAsymmetricOffer,
  stepAsymmetricReceiver,
  type AsymmetricReceiverState,
} from "./asymmetric/receiver.ts";
import type { ExchangeContext } from "./context.ts";
import type { ImplementedProfile } from "./sender-exchange.ts";
import type { ExchangeEffect, ExchangeInput, KeyUse, OfferedBytes } from "./steps.ts";
import {
  receiveMasterKey,
  receiveNextMasterKey,
  receiveSymmetricOffer,
  stepSymmetricReceiver,
  type SymmetricReceiverState,
} from "./symmetric/receiver.ts";
import { wipeTransferKeys, type ReceiverReady } from "./transfer-keys.ts";

export type ReceiverExchange =
  | { readonly profile: "symmetric"; readonly state: SymmetricReceiverState }
  | { readonly profile: "asymmetric"; readonly state: AsymmetricReceiverState };

export interface ReceiverExchangeStep {
  readonly exchange: ReceiverExchange;
  readonly effects: readonly ExchangeEffect[];
}

/** What a transfer needs to know of its exchange. */
export type ReceiverPhase =
  | { readonly kind: "working" }
  | { readonly kind: "ready"; readonly ready: ReceiverReady }
  | { readonly kind: "finished"; readonly counter: number; readonly check: Uint8Array }
  | { readonly kind: "key-unknown" }
  | { readonly kind: "wrong-receiver" }
  | { readonly kind: "invalid" };

/** Before the offer only a symmetric master key can arrive. */
export const UNOFFERED: ReceiverExchange = { profile: "symmetric", state: { kind: "idle" } };

const NO_CHECK = new Uint8Array(32);

export function receiverPhase({ state }: ReceiverExchange): ReceiverPhase {
  switch (state.kind) {
    case "ready":
      return { kind: "ready", ready: state };
    case "finished":
      return { kind: "finished", counter: state.counter, check: state.check };
    case "key-unknown":
    case "wrong-receiver":
    case "invalid":
      return { kind: state.kind };
    default:
      return { kind: "working" };
  }
}

/** Wipes what an exchange that nobody goes on with still holds. */
export function wipeReceiverExchange({ state }: ReceiverExchange): void {
  if ("masterKey" in state) wipe(state.masterKey);
  if ("keys" in state) wipeTransferKeys(state.keys);
}

/** Frame `key-down`. Anything that does not belong here changes nothing. */
export function receiveRelayedKey(
  context: ExchangeContext,
  exchange: ReceiverExchange,
  use: KeyUse,
  ciphertext: Uint8Array,
): ReceiverExchangeStep {
  if (exchange.profile !== "symmetric") return { exchange, effects: [] };
  const { profile, state } = exchange;
  const receive = use === "this" ? receiveMasterKey : receiveNextMasterKey;
  const step = receive(context, state, ciphertext);
  return { exchange: { profile, state: step.state }, effects: step.effects };
}

export function receiveOffer(
  context: ExchangeContext,
  exchange: ReceiverExchange,
  profile: ImplementedProfile,
  offered: OfferedBytes,
): ReceiverExchangeStep {
  if (profile === "symmetric" && exchange.profile === "symmetric") {
    const step = receiveSymmetricOffer(context, exchange.state, offered);
    return { exchange: { profile, state: step.state }, effects: step.effects };
  }
  if (profile === "asymmetric" && exchange.state.kind === "idle") {
    const step = receiveAsymmetricOffer(context, { kind: "idle" }, offered);
    return { exchange: { profile, state: step.state }, effects: step.effects };
  }
  return { exchange: { profile: "symmetric", state: { kind: "invalid" } }, effects: [] };
}

export function stepReceiverExchange(
  context: ExchangeContext,
  exchange: ReceiverExchange,
  input: ExchangeInput,
): ReceiverExchangeStep {
  if (exchange.profile === "symmetric") {
    const { state, effects } = stepSymmetricReceiver(context, exchange.state, input);
    return { exchange: { profile: exchange.profile, state }, effects };
  }
  const { state, effects } = stepAsymmetricReceiver(context, exchange.state, input);
  return { exchange: { profile: exchange.profile, state }, effects };
}

/** The content is verified. Only a profile that keeps no key is at its end now. */
export function contentVerified(exchange: ReceiverExchange): ReceiverExchange {
  if (exchange.profile === "symmetric") return exchange;
  return { profile: "asymmetric", state: { kind: "finished", counter: 0, check: NO_CHECK } };
}
