/**
 * How the receiver gets the master key in the symmetric profile. docs/protocol.md 7.1.
 *
 * ```text
 *                 key-down (this)             decrypted
 *   (nothing) ───────────────────► decrypting ─────────► holding ──┐ offer, key 0
 *       │                                                          ├──────────────► ready
 *       └── offer, key 1 ──► expect-pair-key ──────────────────────┘
 *                                  │ none or another counter
 *                                  ▼
 *                             key-unknown
 *
 *   ready ── key-down (next) ──► decrypting-next ──► expect-kept ──► finished
 * ```
 *
 * The same three rules as `sender.ts`. A kept key is dropped durably by the transfer machine once
 * the sealed header has opened, before its first use for content.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { ifWellFormed } from "../../bytes/reader.ts";
import { unreachable } from "../../errors.ts";
import type { ExchangeContext } from "../context.ts";
import type { KeyUse } from "../../link.ts";
import { relayKeyLabels } from "../relay-half.ts";
import type { ExchangeEffect, ExchangeInput, OfferedBytes } from "../steps.ts";
import { SINGLE_USE_NONCE, wipeTransferKeys, type ReceiverReady } from "../transfer-keys.ts";
import { deriveSymmetricKeys, MASTER_KEY_BYTES, nextKeyCheck } from "./keys.ts";
import { decodeSymmetricOuter, type SymmetricOuter } from "./outer.ts";

interface Offered extends OfferedBytes {
  readonly decoded: SymmetricOuter;
}

export type SymmetricReceiverState =
  | { readonly kind: "idle" }
  | { readonly kind: "decrypting"; readonly offered: Offered | undefined }
  | { readonly kind: "holding"; readonly masterKey: Uint8Array }
  | { readonly kind: "expect-pair-key"; readonly offered: Offered }
  | ({ readonly kind: "ready" } & ReceiverReady)
  | ({ readonly kind: "decrypting-next" } & ReceiverReady)
  | ({ readonly kind: "expect-kept"; readonly check: Uint8Array } & ReceiverReady)
  | { readonly kind: "finished"; readonly counter: number; readonly check: Uint8Array }
  /** No such kept key here: the sender must start over with a fresh one. */
  | { readonly kind: "key-unknown" }
  /** The offer names another client. */
  | { readonly kind: "wrong-receiver" }
  /** Master key or header did not open, or the exchange went another way than the profile's. */
  | { readonly kind: "invalid" };

export interface SymmetricReceiverStep {
  readonly state: SymmetricReceiverState;
  readonly effects: readonly ExchangeEffect[];
}

/** Frame `key-down` with use `this`: it arrives before the offer. */
export function receiveMasterKey(
  context: ExchangeContext,
  state: SymmetricReceiverState,
  ciphertext: Uint8Array,
): SymmetricReceiverStep {
  if (state.kind !== "idle" && state.kind !== "key-unknown") return { state, effects: [] };
  return {
    state: { kind: "decrypting", offered: undefined },
    effects: [{ kind: "decrypt", label: downLabel(context, "this"), ciphertext }],
  };
}

/** The offer: its outer header says which key it is for. */
export function receiveSymmetricOffer(
  context: ExchangeContext,
  state: SymmetricReceiverState,
  bytes: OfferedBytes,
): SymmetricReceiverStep {
  const decoded = ifWellFormed(() => decodeSymmetricOuter(context, bytes.outer));
  if (decoded === undefined) return refused(state, "invalid");
  if (!equalBytes(decoded.receiver, context.receiver.fingerprint))
    return refused(state, "wrong-receiver");
  const offered = { ...bytes, decoded };
  const kept = decoded.source === "kept";
  if (kept && state.kind === "idle")
    return { state: { kind: "expect-pair-key", offered }, effects: [{ kind: "load-pair-key" }] };
  if (!kept && state.kind === "holding") return ready(context, offered, state.masterKey);
  if (!kept && state.kind === "decrypting" && state.offered === undefined)
    return { state: { kind: "decrypting", offered }, effects: [] };
  return refused(state, "invalid");
}

/** Frame `key-down` with use `next`. Ignored before the transfer has its keys. */
export function receiveNextMasterKey(
  context: ExchangeContext,
  state: SymmetricReceiverState,
  ciphertext: Uint8Array,
): SymmetricReceiverStep {
  if (state.kind !== "ready") return { state, effects: [] };
  return {
    state: { ...state, kind: "decrypting-next" },
    effects: [{ kind: "decrypt", label: downLabel(context, "next"), ciphertext }],
  };
}

export function stepSymmetricReceiver(
  context: ExchangeContext,
  state: SymmetricReceiverState,
  input: ExchangeInput,
): SymmetricReceiverStep {
  switch (state.kind) {
    case "decrypting":
      if (input.kind === "job-failed") return { state: { kind: "invalid" }, effects: [] };
      if (input.kind !== "decrypted") return { state, effects: [] };
      if (input.plaintext?.length !== MASTER_KEY_BYTES) {
        wipe(input.plaintext);
        return { state: { kind: "invalid" }, effects: [] };
      }
      return state.offered === undefined
        ? { state: { kind: "holding", masterKey: input.plaintext }, effects: [] }
        : ready(context, state.offered, input.plaintext);
    case "expect-pair-key":
      if (input.kind === "job-failed") return { state: { kind: "key-unknown" }, effects: [] };
      if (input.kind !== "pair-key") return { state, effects: [] };
      if (input.kept?.counter !== state.offered.decoded.counter) {
        wipe(input.kept?.key);
        return { state: { kind: "key-unknown" }, effects: [] };
      }
      return ready(context, state.offered, input.kept.key);
    case "decrypting-next":
      if (input.kind !== "decrypted" && input.kind !== "job-failed") return { state, effects: [] };
      return keepNextKey(context, state, input.kind === "decrypted" ? input.plaintext : undefined);
    case "expect-kept":
      if (input.kind === "job-failed") return backToReady(state);
      if (input.kind !== "pair-key-kept") return { state, effects: [] };
      return {
        state: { kind: "finished", counter: state.counter + 1, check: state.check },
        effects: [],
      };
    case "wrong-receiver":
    case "invalid":
      // A master key may open only after its offer was refused.
      if (input.kind === "decrypted") wipe(input.plaintext);
      return { state, effects: [] };
    case "idle":
    case "holding":
    case "ready":
    case "finished":
    case "key-unknown":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

function downLabel({ transfer, sender, receiver }: ExchangeContext, use: KeyUse): Uint8Array {
  return relayKeyLabels(use, transfer, sender.fingerprint, receiver.fingerprint).down;
}

function ready(
  context: ExchangeContext,
  offered: Offered,
  masterKey: Uint8Array,
): SymmetricReceiverStep {
  const { outer, sealedHeader } = offered;
  const keys = deriveSymmetricKeys(context, outer, masterKey);
  wipe(masterKey);
  const header = context.suite.open(keys.header, SINGLE_USE_NONCE, outer, sealedHeader);
  if (header === undefined) {
    wipeTransferKeys(keys);
    // Of two transfers at once each side may have kept another's key, under one counter.
    const kind = offered.decoded.source === "kept" ? "key-unknown" : "invalid";
    return { state: { kind }, effects: [] };
  }
  const { source, counter } = offered.decoded;
  return { state: { kind: "ready", keys, header, source, counter }, effects: [] };
}

function refused(
  state: SymmetricReceiverState,
  kind: "invalid" | "wrong-receiver",
): SymmetricReceiverStep {
  if (state.kind === "holding") wipe(state.masterKey);
  return { state: { kind }, effects: [] };
}

function keepNextKey(
  context: ExchangeContext,
  state: Extract<SymmetricReceiverState, { kind: "decrypting-next" }>,
  nextKey: Uint8Array | undefined,
): SymmetricReceiverStep {
  if (nextKey?.length !== MASTER_KEY_BYTES) return backToReady(state);
  const check = nextKeyCheck(context, state.keys.transcript, nextKey);
  return {
    state: { ...state, kind: "expect-kept", check },
    effects: [{ kind: "keep-pair-key", kept: { counter: state.counter + 1, key: nextKey } }],
  };
}

function backToReady({ keys, header, source, counter }: ReceiverReady): SymmetricReceiverStep {
  return { state: { kind: "ready", keys, header, source, counter }, effects: [] };
}
