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
import { wipe } from "../../bytes/equal.ts";
import { unreachable } from "../../errors.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput } from "../steps.ts";
import { deriveSymmetricKeys, downLabel, MASTER_KEY_BYTES, nextKeyCheck } from "./keys.ts";
import type { SymmetricOuter } from "./outer.ts";
import type { ReadyKeys } from "./sender.ts";

interface Offered {
  readonly outer: SymmetricOuter;
  readonly outerBytes: Uint8Array;
}

export type SymmetricReceiverState =
  | { readonly kind: "idle" }
  | { readonly kind: "decrypting"; readonly offered: Offered | undefined }
  | { readonly kind: "holding"; readonly masterKey: Uint8Array }
  | { readonly kind: "expect-pair-key"; readonly offered: Offered }
  | ({ readonly kind: "ready" } & ReadyKeys)
  | ({ readonly kind: "decrypting-next" } & ReadyKeys)
  | ({ readonly kind: "expect-kept"; readonly check: Uint8Array } & ReadyKeys)
  | { readonly kind: "finished"; readonly counter: number; readonly check: Uint8Array }
  /** No such kept key here: the sender must start over with a fresh one. */
  | { readonly kind: "key-unknown" }
  /** The master key did not open, or the exchange went another way than the profile's. */
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
    effects: [{ kind: "decrypt", label: downLabel("this", context.transfer), ciphertext }],
  };
}

/** The offer's outer header, decoded. */
export function receiveOuter(
  context: ExchangeContext,
  state: SymmetricReceiverState,
  offered: Offered,
): SymmetricReceiverStep {
  const kept = offered.outer.source === "kept";
  if (kept && state.kind === "idle")
    return { state: { kind: "expect-pair-key", offered }, effects: [{ kind: "load-pair-key" }] };
  if (!kept && state.kind === "holding") return ready(context, offered, state.masterKey);
  if (!kept && state.kind === "decrypting" && state.offered === undefined)
    return { state: { kind: "decrypting", offered }, effects: [] };
  return { state: { kind: "invalid" }, effects: [] };
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
    effects: [{ kind: "decrypt", label: downLabel("next", context.transfer), ciphertext }],
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
      if (input.plaintext?.length !== MASTER_KEY_BYTES)
        return { state: { kind: "invalid" }, effects: [] };
      return state.offered === undefined
        ? { state: { kind: "holding", masterKey: input.plaintext }, effects: [] }
        : ready(context, state.offered, input.plaintext);
    case "expect-pair-key":
      if (input.kind === "job-failed") return { state: { kind: "key-unknown" }, effects: [] };
      if (input.kind !== "pair-key") return { state, effects: [] };
      if (input.kept?.counter !== state.offered.outer.counter) {
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
    case "idle":
    case "holding":
    case "ready":
    case "finished":
    case "key-unknown":
    case "invalid":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

function ready(
  context: ExchangeContext,
  offered: Offered,
  masterKey: Uint8Array,
): SymmetricReceiverStep {
  const keys = deriveSymmetricKeys(context, offered.outerBytes, masterKey);
  wipe(masterKey);
  const { source, counter } = offered.outer;
  return {
    state: { kind: "ready", keys, outer: offered.outerBytes, source, counter },
    effects: [],
  };
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

function backToReady(state: ReadyKeys): SymmetricReceiverStep {
  const { keys, outer, source, counter } = state;
  return { state: { kind: "ready", keys, outer, source, counter }, effects: [] };
}
