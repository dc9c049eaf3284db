/**
 * The sender's side of one end-to-end transfer. The channel itself, which its transfers share, is
 * the driver's to load and store (`sender-channel.ts`). docs/protocol-end-to-end.md 7.3.
 *
 * ```text
 *   start ──► sealing ── offer-sealed ──► ready ── receipt-opened ──► finished
 *             │  ▲  ▲                      │
 *   no place: │  │  └──── resync, anew ────┘
 *      closes ▼  │ room-made
 *             full
 * ```
 *
 * The same three rules as in `symmetric/sender.ts`.
 *
 * @module
 */
import { PosternError, unreachable } from "../../errors.ts";
import { RESYNCS_PER_TRANSFER_MAX } from "../../limits.ts";
import type { SenderContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput } from "../steps.ts";
import { wipeTransferKeys, type SenderReady } from "../transfer-keys.ts";
import type { OutboxEntry } from "./sender-channel.ts";

export type EndToEndSenderState =
  | { readonly kind: "sealing"; readonly resyncs: number; readonly hasClosed: boolean }
  /** Of as many offers as the outbox holds the receiver has said nothing; each was closed once. */
  | { readonly kind: "full"; readonly resyncs: number }
  | ({
      readonly kind: "ready";
      readonly resyncs: number;
      /** Offers from this number on were sent again. */
      readonly repeatedFrom: number | undefined;
    } & SenderReady)
  | { readonly kind: "finished"; readonly nextMasterKey: boolean }
  | { readonly kind: "failed"; readonly error: PosternError };

export interface EndToEndSenderStep {
  readonly state: EndToEndSenderState;
  readonly effects: readonly ExchangeEffect[];
}

export function startEndToEndSender(context: SenderContext): EndToEndSenderStep {
  return sealing(context, 0);
}

export function stepEndToEndSender(
  context: SenderContext,
  state: EndToEndSenderState,
  input: ExchangeInput,
): EndToEndSenderStep {
  switch (state.kind) {
    case "sealing":
      if (input.kind === "job-failed") return notSealed(state, input);
      if (input.kind !== "offer-sealed") return { state, effects: [] };
      return {
        state: { kind: "ready", resyncs: state.resyncs, repeatedFrom: undefined, ...input.ready },
        effects: state.hasClosed ? [] : ended(input.unreceipted),
      };
    case "full":
      return input.kind === "room-made"
        ? sealing(context, state.resyncs, true)
        : { state, effects: [] };
    case "ready":
      if (input.kind !== "resync-heeded" || input.outcome.kind === "ignored")
        return { state, effects: [] };
      return outOfStep(context, state, input.outcome);
    case "finished":
    case "failed":
      if (input.kind === "offer-sealed") wipeTransferKeys(input.ready.keys);
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

/** Of a full outbox the receipts make room. Whoever ends now would find it full again. */
function notSealed(
  { resyncs, hasClosed }: Extract<EndToEndSenderState, { kind: "sealing" }>,
  { error, unreceipted = [] }: Extract<ExchangeInput, { kind: "job-failed" }>,
): EndToEndSenderStep {
  if (unreceipted.length === 0) return { state: { kind: "failed", error }, effects: [] };
  return { state: { kind: "full", resyncs }, effects: hasClosed ? [] : ended(unreceipted) };
}

function ended(offers: readonly OutboxEntry[]): readonly ExchangeEffect[] {
  return [{ kind: "repeat-offers", offers, which: "ended" }];
}

function sealing(
  { header, message }: SenderContext,
  resyncs: number,
  hasClosed = false,
): EndToEndSenderStep {
  return {
    state: { kind: "sealing", resyncs, hasClosed },
    effects: [{ kind: "seal-offer", header, message }],
  };
}

function outOfStep(
  context: SenderContext,
  state: Extract<EndToEndSenderState, { kind: "ready" }>,
  outcome: Extract<ExchangeInput, { kind: "resync-heeded" }>["outcome"],
): EndToEndSenderStep {
  const resyncs = state.resyncs + 1;
  if (resyncs > RESYNCS_PER_TRANSFER_MAX) {
    wipeTransferKeys(state.keys);
    const error = new PosternError("peer/channel-stale", "the receiver knows no offer of ours");
    return { state: { kind: "failed", error }, effects: [] };
  }
  if (outcome.kind === "repeat")
    return {
      state: { ...state, resyncs, repeatedFrom: outcome.offers[0]?.n },
      effects: [{ kind: "repeat-offers", offers: outcome.offers, which: "all" }],
    };
  wipeTransferKeys(state.keys);
  return sealing(context, resyncs);
}
