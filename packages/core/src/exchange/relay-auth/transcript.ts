/**
 * What client and relay agree on when they prove their RSA keys to each other, and the values that
 * come of it. docs/protocol.md 7.2.
 *
 * ```text
 *   c1   "AUTH1" || Rs (32) || SHA-256(pkR)      under label("asym auth-1"), to the client
 *   c2   "AUTH2" || Rc (32) || SHA-256(pkC)      under label("asym auth-2"), to the relay
 * ```
 *
 * Invariants: each direction has a label and a prefix of its own, so nothing opens where it was not
 * meant to; the name inside is that of the key which its maker claims (Lowe's repair).
 *
 * @module
 */
import { concat, equalBytes, label, utf8, wipe, ByteWriter } from "../../bytes.ts";
import { HASH_BYTES, type Suite } from "../../crypto.ts";

export const AUTH_NONCE_BYTES = 32;
export const AUTH_SECRET_BYTES = 32;

/** The two ends, as the link proved them. */
export interface AuthContext {
  readonly suite: Suite;
  /** Fingerprint of the relay's link key, 32 bytes. */
  readonly relayFingerprint: Uint8Array;
  /** The client's ID, 35 bytes. */
  readonly id: Uint8Array;
}

/** What crossed the link. Keys are SubjectPublicKeyInfo. */
export interface AuthExchanged {
  readonly clientSpki: Uint8Array;
  readonly relaySpki: Uint8Array;
  readonly nonce: Uint8Array;
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
}

export interface AuthMacs {
  readonly client: Uint8Array;
  readonly relay: Uint8Array;
}

/** Which of the two ciphertexts. */
export type AuthText = "challenge" | "response";

const TEXTS = {
  challenge: { label: label("asym auth-1"), prefix: utf8("AUTH1") },
  response: { label: label("asym auth-2"), prefix: utf8("AUTH2") },
} as const satisfies Record<AuthText, { label: Uint8Array; prefix: Uint8Array }>;

const PREFIX_BYTES = 5;
const PLAINTEXT_BYTES = PREFIX_BYTES + AUTH_SECRET_BYTES + HASH_BYTES;

/** The OAEP label. */
export function authLabel(text: AuthText): Uint8Array {
  return TEXTS[text].label;
}

/** The OAEP plaintext: `spki` is the key of whoever encrypts it. */
export function authPlaintext(
  suite: Suite,
  text: AuthText,
  secret: Uint8Array,
  spki: Uint8Array,
): Uint8Array {
  return concat(TEXTS[text].prefix, secret, suite.sha256(spki));
}

/**
 * The secret inside, a copy; wipes `plaintext`. `undefined` for what did not open, another length
 * or prefix, or the name of another key than `spki`.
 */
export function openedSecret(
  suite: Suite,
  text: AuthText,
  plaintext: Uint8Array | undefined,
  spki: Uint8Array,
): Uint8Array | undefined {
  if (plaintext === undefined) return undefined;
  const secret = plaintext.slice(PREFIX_BYTES, PREFIX_BYTES + AUTH_SECRET_BYTES);
  const expected = authPlaintext(suite, text, secret, spki);
  const holds = plaintext.length === PLAINTEXT_BYTES && equalBytes(plaintext, expected);
  wipe(plaintext, expected);
  if (holds) return secret;
  wipe(secret);
  return undefined;
}

/** `th` */
export function authTranscript(context: AuthContext, exchanged: AuthExchanged): Uint8Array {
  const fields = new ByteWriter()
    .lv(context.relayFingerprint)
    .lv(context.id)
    .lv(exchanged.clientSpki)
    .lv(exchanged.relaySpki)
    .lv(exchanged.nonce)
    .lv(exchanged.challenge)
    .lv(exchanged.response);
  return context.suite.sha256(label("asym auth"), fields.bytes());
}

/** `k`. The caller wipes it and both secrets. */
export function authKey(
  suite: Suite,
  transcript: Uint8Array,
  relaySecret: Uint8Array,
  clientSecret: Uint8Array,
): Uint8Array {
  const both = concat(relaySecret, clientSecret);
  const key = suite.extract(transcript, both);
  wipe(both);
  return key;
}

/** `m_C` and `m_R`: each end sends one and expects the other. The caller wipes the secrets. */
export function authMacs(
  context: AuthContext,
  exchanged: AuthExchanged,
  relaySecret: Uint8Array,
  clientSecret: Uint8Array,
): AuthMacs {
  const { suite } = context;
  const transcript = authTranscript(context, exchanged);
  const key = authKey(suite, transcript, relaySecret, clientSecret);
  const macs = {
    client: suite.hmacSha256(key, utf8("client"), transcript),
    relay: suite.hmacSha256(key, utf8("relay"), transcript),
  };
  wipe(key);
  return macs;
}
