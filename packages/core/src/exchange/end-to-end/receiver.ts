/**
 * The receiver's side of one end-to-end transfer. The channel itself, which its transfers share,
 * is the driver's to load and store (`receiver-channel.ts`). docs/protocol-end-to-end.md 7.3.
 *
 * ```text
 *   idle ── offer ──► opening ── offer-opened ──► ready ── verdict ──► sealing ──► receipt
 *                        │
 *                        └──► receipt (said before), resync, key-unknown, wrong-receiver, invalid
 * ```
 *
 * The same three rules as in `symmetric/sender.ts`.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { unreachable } from "../../errors.ts";
import type { ExchangeEffect, ExchangeInput, OfferedBytes } from "../steps.ts";
import { wipeTransferKeys, type ReceiverReady } from "../transfer-keys.ts";
import type { InlineMessage, OpenedOffer, ReceiptWords } from "./receiver-channel.ts";

/** Which transfer of which channel this is, and the message that came with it. */
export interface OpenedPlace extends Pick<OpenedOffer, "n" | "epoch"> {
  readonly message: InlineMessage | undefined;
}

export type EndToEndReceiverState =
  | { readonly kind: "opening" }
  | ({ readonly kind: "ready"; readonly place: OpenedPlace } & ReceiverReady)
  | { readonly kind: "sealing" }
  | { readonly kind: "receipt"; readonly receipt: Uint8Array; readonly isNew: boolean }
  | { readonly kind: "resync"; readonly resync: Uint8Array }
  | { readonly kind: "key-unknown" }
  | { readonly kind: "wrong-receiver" }
  | { readonly kind: "invalid" };

export interface EndToEndReceiverStep {
  readonly state: EndToEndReceiverState;
  readonly effects: readonly ExchangeEffect[];
}

export function receiveEndToEndOffer(
  { outer, sealedHeader }: OfferedBytes,
  content: Uint8Array,
): EndToEndReceiverStep {
  const effect = { kind: "open-offer", outer, sealedHeader, content } as const;
  return { state: { kind: "opening" }, effects: [effect] };
}

/** The one receipt of the transfer. */
export function sealEndToEndVerdict(
  state: EndToEndReceiverState,
  words: ReceiptWords,
): EndToEndReceiverStep {
  if (state.kind !== "ready") return { state, effects: [] };
  const { n, epoch } = state.place;
  wipe(state.place.message?.content);
  return {
    state: { kind: "sealing" },
    effects: [{ kind: "seal-receipt", place: { n, epoch }, words }],
  };
}

export function stepEndToEndReceiver(
  state: EndToEndReceiverState,
  input: ExchangeInput,
): EndToEndReceiverStep {
  switch (state.kind) {
    case "opening":
      if (input.kind === "job-failed") return { state: { kind: "invalid" }, effects: [] };
      if (input.kind !== "offer-opened") return { state, effects: [] };
      return { state: opened(input.outcome), effects: [] };
    case "sealing":
      if (input.kind === "job-failed") return { state: { kind: "invalid" }, effects: [] };
      if (input.kind !== "receipt-sealed") return { state, effects: [] };
      return { state: { kind: "receipt", receipt: input.receipt, isNew: true }, effects: [] };
    case "ready":
    case "receipt":
    case "resync":
    case "key-unknown":
    case "wrong-receiver":
    case "invalid":
      if (input.kind === "offer-opened" && input.outcome.kind === "opened")
        wipeTransferKeys(input.outcome.offer.keys);
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

function opened(
  outcome: Extract<ExchangeInput, { kind: "offer-opened" }>["outcome"],
): EndToEndReceiverState {
  switch (outcome.kind) {
    case "opened": {
      const { n, epoch, keys, salt, header, message, isReplayed } = outcome.offer;
      const source = n === 0 ? "key-package" : "channel";
      const place = { n, epoch, message };
      const ready = { kind: "ready", place, keys, salt, header, source, counter: n } as const;
      return isReplayed === undefined ? ready : { ...ready, isReplayed };
    }
    case "receipt":
      return { kind: "receipt", receipt: outcome.receipt, isNew: false };
    case "out-of-step":
      return { kind: "resync", resync: outcome.resync };
    case "invalid":
      // The sender judges: the same bytes once more, or a new channel.
      return outcome.resync === undefined
        ? { kind: "invalid" }
        : { kind: "resync", resync: outcome.resync };
    default:
      return { kind: outcome.kind };
  }
}
