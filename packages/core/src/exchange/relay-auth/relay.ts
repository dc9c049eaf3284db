/**
 * The relay's half of the proof that client and relay hold their RSA keys. docs/protocol.md 7.2.
 *
 * ```text
 *  start ──► sealing ──encrypted──► expect-response ──auth-response──► opening ──► authenticated
 *     └─────────┴──────────────── anything else ──────────────────────────┴──────► failed
 * ```
 *
 * Rule 1: every transition is in {@link stepRelayAuth}. Rule 2: no I/O and no clock; RSA is an
 * effect, its outcome an input. Rule 3: what the client sends never throws.
 *
 * Invariants: nothing that was decrypted is ever sent (S-01); a ciphertext that does not open, one
 * that holds something else and a wrong MAC take the same way and look the same from outside.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes.ts";
import { unreachable } from "../../errors.ts";
import type { AuthChallengeFrame, AuthConfirmFrame, AuthResponseFrame } from "../../link.ts";
import {
  AUTH_SECRET_BYTES,
  authLabel,
  authMacs,
  authPlaintext,
  openedSecret,
  type AuthContext,
} from "./transcript.ts";

/** What `auth-open` asks, its certificate already held against the client's identity. */
export interface RelayAuthOpening {
  /** The relay's own key: the one that challenges and opens. */
  readonly relaySpki: Uint8Array;
  readonly clientSpki: Uint8Array;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

interface Challenged extends RelayAuthOpening {
  readonly secret: Uint8Array;
  readonly challenge: Uint8Array;
}

export type RelayAuthState =
  | ({ readonly kind: "sealing"; readonly secret: Uint8Array } & RelayAuthOpening)
  | ({ readonly kind: "expect-response" } & Challenged)
  | ({
      readonly kind: "opening";
      readonly response: Uint8Array;
      readonly mac: Uint8Array;
    } & Challenged)
  /** SHA-256 of the client's SPKI. */
  | { readonly kind: "authenticated"; readonly fingerprint: Uint8Array }
  | { readonly kind: "failed" };

/** RSA with the relay's key. Each is answered by one input. */
export type RelayAuthJob =
  /** OAEP to an SPKI; the driver wipes the plaintext. Answer: `encrypted`. */
  | {
      readonly kind: "encrypt";
      readonly to: Uint8Array;
      readonly label: Uint8Array;
      readonly plaintext: Uint8Array;
    }
  /** OAEP with the own key whose SPKI this is. Answer: `decrypted`. */
  | {
      readonly kind: "decrypt";
      readonly own: Uint8Array;
      readonly label: Uint8Array;
      readonly ciphertext: Uint8Array;
    };

export type RelayAuthEffect =
  | RelayAuthJob
  | { readonly kind: "send"; readonly frame: AuthChallengeFrame | AuthConfirmFrame };

export type RelayAuthInput =
  | { readonly kind: "frame"; readonly frame: AuthResponseFrame }
  /** `undefined`: the SPKI is no key of the suite. */
  | { readonly kind: "encrypted"; readonly ciphertext: Uint8Array | undefined }
  | { readonly kind: "decrypted"; readonly plaintext: Uint8Array | undefined };

export interface RelayAuthStep {
  readonly state: RelayAuthState;
  readonly effects: readonly RelayAuthEffect[];
}

const NO_SECRET = new Uint8Array(AUTH_SECRET_BYTES);

/** Answers `auth-open`. A client that presents the relay's own key has failed already. */
export function startRelayAuth(context: AuthContext, opening: RelayAuthOpening): RelayAuthStep {
  const { relaySpki, clientSpki } = opening;
  if (equalBytes(relaySpki, clientSpki)) return { state: { kind: "failed" }, effects: [] };
  const { suite } = context;
  const secret = suite.random(AUTH_SECRET_BYTES);
  const plaintext = authPlaintext(suite, "challenge", secret, relaySpki);
  return {
    state: { kind: "sealing", secret, ...opening },
    effects: [{ kind: "encrypt", to: clientSpki, label: authLabel("challenge"), plaintext }],
  };
}

export function stepRelayAuth(
  context: AuthContext,
  state: RelayAuthState,
  input: RelayAuthInput,
): RelayAuthStep {
  switch (state.kind) {
    case "sealing":
      if (input.kind !== "encrypted" || input.ciphertext === undefined) return failed(state);
      return sealed(state, input.ciphertext);
    case "expect-response":
      return input.kind === "frame" ? responded(state, input.frame) : failed(state);
    case "opening":
      return input.kind === "decrypted" ? opened(context, state, input.plaintext) : failed(state);
    case "authenticated":
    case "failed":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

/** Forgets the secret of a proof that will not go on. */
export function wipeRelayAuth(state: RelayAuthState): void {
  if ("secret" in state) wipe(state.secret);
}

function sealed(
  state: Extract<RelayAuthState, { kind: "sealing" }>,
  challenge: Uint8Array,
): RelayAuthStep {
  const frame = { kind: "auth-challenge", spki: state.relaySpki, ciphertext: challenge } as const;
  return {
    state: { ...state, kind: "expect-response", challenge },
    effects: [{ kind: "send", frame }],
  };
}

function responded(
  state: Extract<RelayAuthState, { kind: "expect-response" }>,
  { ciphertext, mac }: AuthResponseFrame,
): RelayAuthStep {
  const own = state.relaySpki;
  return {
    state: { ...state, kind: "opening", response: ciphertext, mac },
    effects: [{ kind: "decrypt", own, label: authLabel("response"), ciphertext }],
  };
}

function opened(
  context: AuthContext,
  state: Extract<RelayAuthState, { kind: "opening" }>,
  plaintext: Uint8Array | undefined,
): RelayAuthStep {
  const { suite } = context;
  const secret = openedSecret(suite, "response", plaintext, state.clientSpki);
  // Also without a secret the MACs are made, so that time tells no more than the outcome does.
  const macs = authMacs(context, state, state.secret, secret ?? NO_SECRET);
  const holds = equalBytes(macs.client, state.mac) && secret !== undefined;
  wipe(secret);
  if (!holds) return failed(state);
  wipe(state.secret);
  return {
    state: { kind: "authenticated", fingerprint: suite.sha256(state.clientSpki) },
    effects: [{ kind: "send", frame: { kind: "auth-confirm", mac: macs.relay } }],
  };
}

function failed(state: RelayAuthState): RelayAuthStep {
  wipeRelayAuth(state);
  return { state: { kind: "failed" }, effects: [] };
}
