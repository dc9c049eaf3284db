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
import {
  receiveEndToEndOffer,
  sealEndToEndVerdict,
  stepEndToEndReceiver,
  type EndToEndReceiverState,
  type EndToEndReceiverStep,
} from "./end-to-end/receiver.ts";
import { refusalWords, type InlineMessage } from "./end-to-end/receiver-channel.ts";
import type { Profile } from "./profile.ts";
import type { Verdict } from "./verdict.ts";
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
  | { readonly profile: "asymmetric"; readonly state: AsymmetricReceiverState }
  | { readonly profile: "end-to-end"; readonly state: EndToEndReceiverState };

export interface ReceiverExchangeStep {
  readonly exchange: ReceiverExchange;
  readonly effects: readonly ExchangeEffect[];
}

/** What a transfer needs to know of its exchange. */
export type ReceiverPhase =
  | { readonly kind: "working" }
  | { readonly kind: "ready"; readonly ready: ReceiverReady }
  | { readonly kind: "finished"; readonly counter: number; readonly check: Uint8Array }
  /** End-to-end: the transfer's one receipt is stored, now or by an earlier transfer. */
  | { readonly kind: "receipt"; readonly receipt: Uint8Array }
  /** End-to-end: the offer does not fit the channel. */
  | { readonly kind: "resync"; readonly resync: Uint8Array }
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
    case "receipt":
      return { kind: "receipt", receipt: state.receipt };
    case "resync":
      return { kind: "resync", resync: state.resync };
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
  if ("place" in state) wipe(state.place.message?.content);
}

/** The message that came in the offer. */
export function messageOf({ state }: ReceiverExchange): InlineMessage | undefined {
  return "place" in state ? state.place.message : undefined;
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
  profile: Profile,
  offered: OfferedBytes,
  content: Uint8Array,
): ReceiverExchangeStep {
  if (profile === "end-to-end" && exchange.state.kind === "idle")
    return endToEnd(receiveEndToEndOffer(offered, content));
  if (content.length > 0) return invalid();
  if (profile === "symmetric" && exchange.profile === "symmetric") {
    const step = receiveSymmetricOffer(context, exchange.state, offered);
    return { exchange: { profile, state: step.state }, effects: step.effects };
  }
  if (profile === "asymmetric" && exchange.state.kind === "idle") {
    const step = receiveAsymmetricOffer(context, { kind: "idle" }, offered);
    return { exchange: { profile, state: step.state }, effects: step.effects };
  }
  return invalid();
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
  if (exchange.profile === "end-to-end")
    return endToEnd(stepEndToEndReceiver(exchange.state, input));
  const { state, effects } = stepAsymmetricReceiver(context, exchange.state, input);
  return { exchange: { profile: exchange.profile, state }, effects };
}

/** The content is verified and where it belongs. What follows depends on what the pair keeps. */
export function contentVerified(
  exchange: ReceiverExchange,
  { total, digest }: { readonly total: number; readonly digest: Uint8Array },
): ReceiverExchangeStep {
  if (exchange.profile === "symmetric") return { exchange, effects: [] };
  if (exchange.profile === "end-to-end")
    return endToEnd(sealEndToEndVerdict(exchange.state, { verdict: "accept", total, digest }));
  const state = { kind: "finished", counter: 0, check: NO_CHECK } as const;
  return { exchange: { profile: "asymmetric", state }, effects: [] };
}

/** End-to-end: a no is the transfer's receipt. `undefined`: the profile says it in an answer. */
export function sealRefusal(
  exchange: ReceiverExchange,
  verdict: Exclude<Verdict, "accept">,
): ReceiverExchangeStep | undefined {
  if (exchange.profile !== "end-to-end") return undefined;
  return endToEnd(sealEndToEndVerdict(exchange.state, refusalWords(verdict)));
}

function endToEnd({ state, effects }: EndToEndReceiverStep): ReceiverExchangeStep {
  return { exchange: { profile: "end-to-end", state }, effects };
}

function invalid(): ReceiverExchangeStep {
  return { exchange: { profile: "symmetric", state: { kind: "invalid" } }, effects: [] };
}
