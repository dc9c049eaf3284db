/**
 * What a relay sees of transfers: envelopes, which it may change, keep and hand out again.
 *
 * @module
 */
import type { RelayFrame } from "@postern/core/link";
import {
  decodeTransferEnvelope,
  encodeTransferEnvelope,
  type TransferEnvelope,
} from "@postern/core/transfer";
import type { LyingRelay } from "./lying-relay.ts";

export type Delivery = Extract<RelayFrame, { kind: "delivery" }>;
export type OfferEnvelope = Extract<TransferEnvelope, { kind: "offer" }>;

export function envelopeOf({ body }: { readonly body: Uint8Array }): TransferEnvelope {
  return decodeTransferEnvelope(body);
}

/** Puts other frames in the place of deliveries; what else the relay says stays. */
export function changeDeliveries(
  relay: LyingRelay,
  change: (to: string, delivery: Delivery, envelope: TransferEnvelope) => readonly RelayFrame[],
): void {
  relay.onAnswer = (to, frame) =>
    frame.kind === "delivery" ? change(to, frame, envelopeOf(frame)) : [frame];
}

/** Changes offers on their way. */
export function changeOffers(
  relay: LyingRelay,
  change: (offer: OfferEnvelope) => TransferEnvelope,
): void {
  changeDeliveries(relay, (_to, delivery, envelope) => [
    envelope.kind === "offer" ? carrying(delivery, change(envelope)) : delivery,
  ]);
}

export function carrying(delivery: Delivery, envelope: TransferEnvelope): Delivery {
  return { ...delivery, body: encodeTransferEnvelope(envelope) };
}

/** The last delivery of this kind that the relay has handed out. */
export function lastDelivery(relay: LyingRelay, kind: TransferEnvelope["kind"]): Delivery {
  for (const { frame } of relay.said.toReversed())
    if (frame.kind === "delivery" && envelopeOf(frame).kind === kind) return frame;
  throw new Error(`no ${kind} was delivered`);
}

/** A copy with the bits of `mask` turned in the byte at `at`; from the end when negative. */
export function turned(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const copy = bytes.slice();
  const place = at < 0 ? copy.length + at : at;
  copy[place] = copy[place]! ^ mask;
  return copy;
}
