/**
 * How the sender's master key travels in the symmetric profile. docs/protocol.md 7.1.
 *
 * ```text
 *                    kept key                                     receiver lost it
 *  expect-pair-key ───────────────────────────────► ready ◄──┐  ┌─ renewSymmetricKey
 *        │ none                                       │      │  ▼
 *        ▼            encrypted              done     │      │ (expect-encrypted)
 *  expect-encrypted ──────────► expect-handover ──────┼──────┘
 *                                                     │ sendNextSymmetricKey
 *                                                     ▼
 *  expect-next-encrypted ──► expect-next-handover ──► expect-receipt ──► expect-kept ──► finished
 * ```
 *
 * Rule 1: every transition is in {@link stepSymmetricSender} and the two named doors above.
 * Rule 2: no I/O, no clock; chance comes from the Suite port.
 * Rule 3: bytes from the peer never throw. They make the state `failed` or leave it.
 * A kept key is deleted from the store before it is used (`take-pair-key`), so it is used once.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { PosternError, unreachable } from "../../errors.ts";
import type { KeyUse } from "../../link.ts";
import { relayKeyLabels } from "../relay-half.ts";
import { requestError } from "../request-error.ts";
import type { SenderContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput, KeySource, RequestStatus } from "../steps.ts";
import { SINGLE_USE_NONCE, type SenderReady } from "../transfer-keys.ts";
import { deriveSymmetricKeys, MASTER_KEY_BYTES, nextKeyCheck } from "./keys.ts";
import { encodeSymmetricOuter } from "./outer.ts";

export type SymmetricSenderState =
  | { readonly kind: "expect-pair-key" }
  | { readonly kind: "expect-encrypted"; readonly masterKey: Uint8Array; readonly counter: number }
  | { readonly kind: "expect-handover"; readonly masterKey: Uint8Array; readonly counter: number }
  | ({ readonly kind: "ready" } & SenderReady)
  | ({ readonly kind: "expect-next-encrypted"; readonly nextKey: Uint8Array } & SenderReady)
  | ({ readonly kind: "expect-next-handover"; readonly nextKey: Uint8Array } & SenderReady)
  | ({ readonly kind: "expect-receipt"; readonly nextKey: Uint8Array } & SenderReady)
  | { readonly kind: "expect-kept" }
  | { readonly kind: "finished"; readonly nextMasterKey: boolean }
  | { readonly kind: "failed"; readonly error: PosternError };

export interface SymmetricSenderStep {
  readonly state: SymmetricSenderState;
  readonly effects: readonly ExchangeEffect[];
}

export function startSymmetricSender(): SymmetricSenderStep {
  return { state: { kind: "expect-pair-key" }, effects: [{ kind: "take-pair-key" }] };
}

export function stepSymmetricSender(
  context: SenderContext,
  state: SymmetricSenderState,
  input: ExchangeInput,
): SymmetricSenderStep {
  if (input.kind === "job-failed") return jobFailed(state, input.error);
  switch (state.kind) {
    case "expect-pair-key":
      if (input.kind !== "pair-key") return { state, effects: [] };
      return input.kept === undefined
        ? freshKey(context, input.counter)
        : ready(context, input.kept.key, "kept", input.kept.counter);
    case "expect-encrypted":
      if (input.kind !== "encrypted") return { state, effects: [] };
      return {
        state: { ...state, kind: "expect-handover" },
        effects: [{ kind: "key-up", use: "this", ciphertext: input.ciphertext }],
      };
    case "expect-handover":
      if (input.kind !== "key-up-result") return { state, effects: [] };
      if (input.status !== "done") return handoverFailed(state.masterKey, input.status);
      return ready(context, state.masterKey, "fresh-rsa", state.counter);
    case "expect-next-encrypted":
      if (input.kind !== "encrypted") return { state, effects: [] };
      return {
        state: { ...state, kind: "expect-next-handover" },
        effects: [{ kind: "key-up", use: "next", ciphertext: input.ciphertext }],
      };
    case "expect-next-handover":
      if (input.kind !== "key-up-result") return { state, effects: [] };
      return input.status === "done"
        ? { state: { ...state, kind: "expect-receipt" }, effects: [] }
        : withoutNextKey(state.nextKey);
    case "expect-kept":
      return input.kind === "pair-key-kept"
        ? { state: { kind: "finished", nextMasterKey: true }, effects: [] }
        : { state, effects: [] };
    case "ready":
    case "expect-receipt":
    case "finished":
    case "failed":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

/** The receiver does not hold the kept key: a fresh one goes through RSA. Only from `ready`. */
export function renewSymmetricKey(
  context: SenderContext,
  state: SymmetricSenderState,
): SymmetricSenderStep {
  if ("masterKey" in state) wipe(state.masterKey);
  if (state.kind !== "ready" || state.source !== "kept")
    return failed(new PosternError("peer/unexpected-frame", "key-unknown for a fresh key"));
  return freshKey(context, state.counter);
}

/** The content has arrived: makes the pair's next master key. Only from `ready`. */
export function sendNextSymmetricKey(
  context: SenderContext,
  state: SymmetricSenderState,
): SymmetricSenderStep {
  if (state.kind !== "ready") return { state, effects: [] };
  const nextKey = context.suite.random(MASTER_KEY_BYTES);
  return {
    state: { ...state, kind: "expect-next-encrypted", nextKey },
    effects: [
      {
        kind: "encrypt-to-relay",
        label: upLabel(context, "next"),
        plaintext: nextKey,
      },
    ],
  };
}

/** The opened receipt's part for this profile. A receipt may overtake the result of `key-up`. */
export function acceptNextSymmetricKey(
  context: SenderContext,
  state: SymmetricSenderState,
  counter: number,
  check: Uint8Array,
): SymmetricSenderStep {
  if (state.kind !== "expect-receipt" && state.kind !== "expect-next-handover")
    return { state, effects: [] };
  const expected = nextKeyCheck(context, state.keys.transcript, state.nextKey);
  const good = counter === state.counter + 1 && equalBytes(expected, check);
  if (!good) return withoutNextKey(state.nextKey);
  return {
    state: { kind: "expect-kept" },
    effects: [{ kind: "keep-pair-key", kept: { counter, key: state.nextKey } }],
  };
}

function freshKey(context: SenderContext, counter: number): SymmetricSenderStep {
  const masterKey = context.suite.random(MASTER_KEY_BYTES);
  return {
    state: { kind: "expect-encrypted", masterKey, counter },
    effects: [
      {
        kind: "encrypt-to-relay",
        label: upLabel(context, "this"),
        plaintext: masterKey,
      },
    ],
  };
}

function upLabel({ transfer, sender, receiver }: SenderContext, use: KeyUse): Uint8Array {
  return relayKeyLabels(use, transfer, sender.fingerprint, receiver.fingerprint).up;
}

function ready(
  context: SenderContext,
  masterKey: Uint8Array,
  source: KeySource,
  counter: number,
): SymmetricSenderStep {
  const outer = encodeSymmetricOuter(context, { source, counter });
  const keys = deriveSymmetricKeys(context, outer, masterKey);
  wipe(masterKey);
  const sealedHeader = context.suite.seal(keys.header, SINGLE_USE_NONCE, outer, context.header);
  return { state: { kind: "ready", keys, outer, sealedHeader, source, counter }, effects: [] };
}

function handoverFailed(masterKey: Uint8Array, status: RequestStatus): SymmetricSenderStep {
  wipe(masterKey);
  return failed(handoverError(status));
}

function handoverError(status: RequestStatus): PosternError {
  // The relay hands a master key only to a receiver that takes this profile.
  return status === "refused"
    ? new PosternError("peer/profile-refused", "the receiver does not take this profile")
    : requestError(status);
}

/** Everything was delivered; only the pair's next key is missing. The next transfer uses RSA. */
function withoutNextKey(nextKey: Uint8Array): SymmetricSenderStep {
  wipe(nextKey);
  return { state: { kind: "finished", nextMasterKey: false }, effects: [] };
}

function jobFailed(state: SymmetricSenderState, error: PosternError): SymmetricSenderStep {
  if (!isWaiting(state)) return { state, effects: [] };
  if ("nextKey" in state) return withoutNextKey(state.nextKey);
  if (state.kind === "expect-kept")
    return { state: { kind: "finished", nextMasterKey: false }, effects: [] };
  if ("masterKey" in state) wipe(state.masterKey);
  return failed(error);
}

/** Whether a job is under way that can fail. */
function isWaiting({ kind }: SymmetricSenderState): boolean {
  return kind !== "ready" && kind !== "finished" && kind !== "failed";
}

function failed(error: PosternError): SymmetricSenderStep {
  return { state: { kind: "failed", error }, effects: [] };
}
