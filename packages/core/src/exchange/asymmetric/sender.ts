/**
 * How the sender's master key travels in the asymmetric profile. docs/protocol.md 7.2.
 *
 * ```text
 *  start ──► expect-sealed ──sealed-to-peer──► expect-signature ──signed──► ready
 *                                                                            │ content arrived
 *                                           finished ◄── receipt ── expect-receipt
 * ```
 *
 * The same three rules as in `symmetric/sender.ts`.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { unreachable, type PosternError } from "../../errors.ts";
import type { SenderContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput } from "../steps.ts";
import {
  SINGLE_USE_NONCE,
  wipeTransferKeys,
  type SenderReady,
  type TransferKeys,
} from "../transfer-keys.ts";
import { deriveAsymmetricKeys, MASTER_KEY_BYTES, masterKeyLabel, signedHeader } from "./keys.ts";
import { encodeAsymmetricOuter } from "./outer.ts";

export type AsymmetricSenderState =
  | { readonly kind: "expect-sealed"; readonly masterKey: Uint8Array }
  | { readonly kind: "expect-signature"; readonly keys: TransferKeys; readonly outer: Uint8Array }
  | ({ readonly kind: "ready" } & SenderReady)
  | { readonly kind: "expect-receipt" }
  | { readonly kind: "finished"; readonly nextMasterKey: false }
  | { readonly kind: "failed"; readonly error: PosternError };

export interface AsymmetricSenderStep {
  readonly state: AsymmetricSenderState;
  readonly effects: readonly ExchangeEffect[];
}

export function startAsymmetricSender(context: SenderContext): AsymmetricSenderStep {
  const masterKey = context.suite.random(MASTER_KEY_BYTES);
  const label = masterKeyLabel(context.transfer);
  return {
    state: { kind: "expect-sealed", masterKey },
    effects: [{ kind: "seal-to-peer", label, plaintext: masterKey }],
  };
}

export function stepAsymmetricSender(
  context: SenderContext,
  state: AsymmetricSenderState,
  input: ExchangeInput,
): AsymmetricSenderStep {
  if (input.kind === "job-failed") return jobFailed(state, input.error);
  switch (state.kind) {
    case "expect-sealed":
      return input.kind === "sealed-to-peer"
        ? sealed(context, state.masterKey, input)
        : { state, effects: [] };
    case "expect-signature":
      return input.kind === "signed"
        ? ready(context, state, input.signature)
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

function sealed(
  context: SenderContext,
  masterKey: Uint8Array,
  input: Extract<ExchangeInput, { kind: "sealed-to-peer" }>,
): AsymmetricSenderStep {
  const { ownCertificate: certificate, ciphertext, peerSpki } = input;
  const outer = encodeAsymmetricOuter(context, { certificate, ciphertext });
  const keys = deriveAsymmetricKeys(context, outer, peerSpki, masterKey);
  wipe(masterKey);
  const message = signedHeader(context, keys.transcript, context.header, ciphertext);
  return {
    state: { kind: "expect-signature", keys, outer },
    effects: [{ kind: "sign", message }],
  };
}

function ready(
  context: SenderContext,
  { keys, outer }: Extract<AsymmetricSenderState, { kind: "expect-signature" }>,
  signature: Uint8Array,
): AsymmetricSenderStep {
  const plaintext = new ByteWriter().lv(context.header).raw(signature).bytes();
  const sealedHeader = context.suite.seal(keys.header, SINGLE_USE_NONCE, outer, plaintext);
  return {
    state: { kind: "ready", keys, outer, sealedHeader, source: "fresh-rsa", counter: 0 },
    effects: [],
  };
}

function jobFailed(state: AsymmetricSenderState, error: PosternError): AsymmetricSenderStep {
  if (state.kind === "expect-sealed") wipe(state.masterKey);
  else if (state.kind === "expect-signature") wipeTransferKeys(state.keys);
  else return { state, effects: [] };
  return { state: { kind: "failed", error }, effects: [] };
}
