/**
 * The client's half of the proof that client and relay hold their RSA keys. docs/protocol.md 7.2.
 *
 * ```text
 *  start ──► expect-challenge ──auth-challenge──► opening ──decrypted──► sealing
 *                                                                           │ encrypted
 *                     authenticated ◄──auth-confirm── expect-confirm ◄──────┘
 *  anything else, in any of them ──► failed
 * ```
 *
 * The same three rules as in `relay.ts`. Invariant: nothing that was decrypted is ever sent; both
 * secrets are wiped when the proof is made, and whenever it fails.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes.ts";
import { PosternError, unreachable, type ErrorCode } from "../../errors.ts";
import type {
  AuthChallengeFrame,
  AuthConfirmFrame,
  AuthOpenFrame,
  AuthResponseFrame,
} from "../../link.ts";
import {
  AUTH_NONCE_BYTES,
  AUTH_SECRET_BYTES,
  authLabel,
  authMacs,
  authPlaintext,
  openedSecret,
  type AuthContext,
} from "./transcript.ts";

export interface ClientAuthContext extends AuthContext {
  /** The client's own RSA key. */
  readonly ownSpki: Uint8Array;
  /** That key, certified by the client's identity. */
  readonly certificate: Uint8Array;
}

interface Challenged {
  readonly nonce: Uint8Array;
  readonly relaySpki: Uint8Array;
  readonly challenge: Uint8Array;
}

export type ClientAuthState =
  | { readonly kind: "expect-challenge"; readonly nonce: Uint8Array }
  | ({ readonly kind: "opening" } & Challenged)
  | ({
      readonly kind: "sealing";
      readonly relaySecret: Uint8Array;
      readonly clientSecret: Uint8Array;
    } & Challenged)
  | {
      readonly kind: "expect-confirm";
      readonly relaySpki: Uint8Array;
      /** What a relay that has opened the response sends. */
      readonly mac: Uint8Array;
    }
  /** SHA-256 of the relay's SPKI. */
  | { readonly kind: "authenticated"; readonly fingerprint: Uint8Array }
  | { readonly kind: "failed"; readonly error: PosternError };

export type ClientAuthEffect =
  | { readonly kind: "send"; readonly frame: AuthOpenFrame | AuthResponseFrame }
  /** OAEP with the own key. Answer: `decrypted`. */
  | { readonly kind: "decrypt"; readonly label: Uint8Array; readonly ciphertext: Uint8Array }
  /** OAEP to an SPKI; the driver wipes the plaintext. Answer: `encrypted`. */
  | {
      readonly kind: "encrypt";
      readonly to: Uint8Array;
      readonly label: Uint8Array;
      readonly plaintext: Uint8Array;
    };

export type ClientAuthInput =
  | { readonly kind: "frame"; readonly frame: AuthChallengeFrame | AuthConfirmFrame }
  | { readonly kind: "decrypted"; readonly plaintext: Uint8Array | undefined }
  /** `undefined`: the SPKI is no key of the suite. */
  | { readonly kind: "encrypted"; readonly ciphertext: Uint8Array | undefined };

export interface ClientAuthStep {
  readonly state: ClientAuthState;
  readonly effects: readonly ClientAuthEffect[];
}

export function startClientAuth({ suite, certificate }: ClientAuthContext): ClientAuthStep {
  const nonce = suite.random(AUTH_NONCE_BYTES);
  return {
    state: { kind: "expect-challenge", nonce },
    effects: [{ kind: "send", frame: { kind: "auth-open", nonce, certificate } }],
  };
}

export function stepClientAuth(
  context: ClientAuthContext,
  state: ClientAuthState,
  input: ClientAuthInput,
): ClientAuthStep {
  switch (state.kind) {
    case "expect-challenge":
      if (input.kind !== "frame" || input.frame.kind !== "auth-challenge") return unexpected(state);
      return challenged(context, state.nonce, input.frame);
    case "opening":
      return input.kind === "decrypted"
        ? opened(context, state, input.plaintext)
        : unexpected(state);
    case "sealing":
      return input.kind === "encrypted"
        ? sealed(context, state, input.ciphertext)
        : unexpected(state);
    case "expect-confirm":
      if (input.kind !== "frame" || input.frame.kind !== "auth-confirm") return unexpected(state);
      return confirmed(context, state, input.frame.mac);
    case "authenticated":
    case "failed":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

/** Forgets the secrets of a proof that will not go on. */
export function wipeClientAuth(state: ClientAuthState): void {
  if (state.kind === "sealing") wipe(state.relaySecret, state.clientSecret);
}

function challenged(
  { ownSpki }: ClientAuthContext,
  nonce: Uint8Array,
  { spki: relaySpki, ciphertext: challenge }: AuthChallengeFrame,
): ClientAuthStep {
  if (equalBytes(relaySpki, ownSpki)) {
    const error = new PosternError("link/own-key", "the relay's RSA key is this client's own");
    return { state: { kind: "failed", error }, effects: [] };
  }
  return {
    state: { kind: "opening", nonce, relaySpki, challenge },
    effects: [{ kind: "decrypt", label: authLabel("challenge"), ciphertext: challenge }],
  };
}

function opened(
  { suite, ownSpki }: ClientAuthContext,
  state: Extract<ClientAuthState, { kind: "opening" }>,
  plaintext: Uint8Array | undefined,
): ClientAuthStep {
  const relaySecret = openedSecret(suite, "challenge", plaintext, state.relaySpki);
  if (relaySecret === undefined) return refused(state);
  const clientSecret = suite.random(AUTH_SECRET_BYTES);
  const sealing = authPlaintext(suite, "response", clientSecret, ownSpki);
  const [to, label] = [state.relaySpki, authLabel("response")];
  return {
    state: { ...state, kind: "sealing", relaySecret, clientSecret },
    effects: [{ kind: "encrypt", to, label, plaintext: sealing }],
  };
}

function sealed(
  context: ClientAuthContext,
  state: Extract<ClientAuthState, { kind: "sealing" }>,
  response: Uint8Array | undefined,
): ClientAuthStep {
  if (response === undefined) return refused(state);
  const { relaySpki, relaySecret, clientSecret } = state;
  const exchanged = { ...state, clientSpki: context.ownSpki, response };
  const macs = authMacs(context, exchanged, relaySecret, clientSecret);
  wipeClientAuth(state);
  const frame = { kind: "auth-response", ciphertext: response, mac: macs.client } as const;
  return {
    state: { kind: "expect-confirm", relaySpki, mac: macs.relay },
    effects: [{ kind: "send", frame }],
  };
}

function confirmed(
  { suite }: ClientAuthContext,
  state: Extract<ClientAuthState, { kind: "expect-confirm" }>,
  mac: Uint8Array,
): ClientAuthStep {
  if (!equalBytes(state.mac, mac)) return refused(state);
  return {
    state: { kind: "authenticated", fingerprint: suite.sha256(state.relaySpki) },
    effects: [],
  };
}

function refused(state: ClientAuthState): ClientAuthStep {
  return failed(state, "link/authentication-failed", "the relay did not prove its RSA key");
}

function unexpected(state: ClientAuthState): ClientAuthStep {
  return failed(state, "link/unexpected-frame", `not in ${state.kind}`);
}

function failed(state: ClientAuthState, code: ErrorCode, message: string): ClientAuthStep {
  wipeClientAuth(state);
  return { state: { kind: "failed", error: new PosternError(code, message) }, effects: [] };
}
