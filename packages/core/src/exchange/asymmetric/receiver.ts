/**
 * How the receiver gets the master key in the asymmetric profile. docs/protocol.md 7.2.
 *
 * ```text
 *  offer ──► decrypting ─decrypted─► verifying ─verified─► ready ─ content arrived ─► finished
 *                 └───── anything that does not hold ─────► invalid
 * ```
 *
 * A header whose signature was not made by the sender's certified key is `invalid`, whatever the
 * relay says. The same three rules as in `symmetric/sender.ts`.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { ByteReader, ifWellFormed } from "../../bytes/reader.ts";
import { unreachable } from "../../errors.ts";
import { HEADER_BYTES_MAX, RSA_CIPHERTEXT_BYTES } from "../../limits.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput, OfferedBytes } from "../steps.ts";
import {
  SINGLE_USE_NONCE,
  wipeTransferKeys,
  type ReceiverReady,
  type TransferKeys,
} from "../transfer-keys.ts";
import { deriveAsymmetricKeys, MASTER_KEY_BYTES, masterKeyLabel, signedHeader } from "./keys.ts";
import { decodeAsymmetricOuter, type AsymmetricOuter } from "./outer.ts";

interface Offered extends OfferedBytes {
  readonly decoded: AsymmetricOuter;
}

export type AsymmetricReceiverState =
  | { readonly kind: "idle" }
  | { readonly kind: "decrypting"; readonly offered: Offered }
  | { readonly kind: "verifying"; readonly keys: TransferKeys; readonly header: Uint8Array }
  | ({ readonly kind: "ready" } & ReceiverReady)
  | { readonly kind: "finished"; readonly counter: 0; readonly check: Uint8Array }
  | { readonly kind: "wrong-receiver" }
  | { readonly kind: "invalid" };

export interface AsymmetricReceiverStep {
  readonly state: AsymmetricReceiverState;
  readonly effects: readonly ExchangeEffect[];
}

export function receiveAsymmetricOffer(
  context: ExchangeContext,
  state: AsymmetricReceiverState,
  bytes: OfferedBytes,
): AsymmetricReceiverStep {
  if (state.kind !== "idle") return { state, effects: [] };
  const decoded = ifWellFormed(() => decodeAsymmetricOuter(context, bytes.outer));
  if (decoded === undefined) return invalid();
  if (!equalBytes(decoded.receiver, context.receiver.fingerprint))
    return { state: { kind: "wrong-receiver" }, effects: [] };
  const { ciphertext } = decoded;
  return {
    state: { kind: "decrypting", offered: { ...bytes, decoded } },
    effects: [{ kind: "decrypt", label: masterKeyLabel(context.transfer), ciphertext }],
  };
}

export function stepAsymmetricReceiver(
  context: ExchangeContext,
  state: AsymmetricReceiverState,
  input: ExchangeInput,
): AsymmetricReceiverStep {
  switch (state.kind) {
    case "decrypting":
      if (input.kind === "job-failed") return invalid();
      if (input.kind !== "decrypted") return { state, effects: [] };
      if (input.plaintext?.length !== MASTER_KEY_BYTES) {
        wipe(input.plaintext);
        return invalid();
      }
      return opened(context, state.offered, input.plaintext, input.ownSpki);
    case "verifying":
      if (input.kind !== "verified" && input.kind !== "job-failed") return { state, effects: [] };
      if (input.kind === "job-failed" || !input.valid) return invalid(state.keys);
      return {
        state: {
          kind: "ready",
          keys: state.keys,
          header: state.header,
          source: "fresh-rsa",
          counter: 0,
        },
        effects: [],
      };
    case "idle":
    case "ready":
    case "finished":
    case "wrong-receiver":
    case "invalid":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

function opened(
  context: ExchangeContext,
  offered: Offered,
  masterKey: Uint8Array,
  ownSpki: Uint8Array,
): AsymmetricReceiverStep {
  const { outer, sealedHeader, decoded } = offered;
  const keys = deriveAsymmetricKeys(context, outer, ownSpki, masterKey);
  wipe(masterKey);
  const plaintext = context.suite.open(keys.header, SINGLE_USE_NONCE, outer, sealedHeader);
  const parts = plaintext && ifWellFormed(() => splitSigned(plaintext));
  if (parts === undefined) return invalid(keys);
  const { header, signature } = parts;
  const message = signedHeader(context, keys.transcript, header, decoded.ciphertext);
  return {
    state: { kind: "verifying", keys, header },
    effects: [{ kind: "verify", certificate: decoded.certificate, message, signature }],
  };
}

function splitSigned(plaintext: Uint8Array): {
  readonly header: Uint8Array;
  readonly signature: Uint8Array;
} {
  const reader = new ByteReader(plaintext);
  const header = reader.lv("header", HEADER_BYTES_MAX).slice();
  const signature = reader.take(RSA_CIPHERTEXT_BYTES, "signature").slice();
  reader.end();
  return { header, signature };
}

function invalid(keys?: TransferKeys): AsymmetricReceiverStep {
  if (keys !== undefined) wipeTransferKeys(keys);
  return { state: { kind: "invalid" }, effects: [] };
}
