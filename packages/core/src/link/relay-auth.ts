/**
 * Client and relay prove their RSA keys to each other, once a link: `auth-open` (0x17) and
 * `auth-response` (0x18) from the client, `auth-challenge` (0x49) and `auth-confirm` (0x4a) from
 * the relay (docs/protocol.md 5.1, 7.2). Keys and ciphertexts stay opaque here.
 *
 * ```text
 *   auth-open        0 nonce (32) | 32 certificate: lv(SPKI), notAfter u64, signature (64)
 *   auth-response    0 ciphertext (384) | 384 mac (32) | 416
 *   auth-challenge   0 lv(SPKI) | ciphertext (384)
 *   auth-confirm     0 mac (32) | 32
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { RSA_CERTIFICATE_BYTES_MAX, RSA_CIPHERTEXT_BYTES, RSA_SPKI_BYTES_MAX } from "../limits.ts";
import { exactly, upTo } from "./fields.ts";

export interface AuthOpenFrame {
  readonly kind: "auth-open";
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly certificate: Uint8Array;
}

export interface AuthResponseFrame {
  readonly kind: "auth-response";
  /** RSA-OAEP to the relay, 384 bytes. */
  readonly ciphertext: Uint8Array;
  /** 32 bytes. */
  readonly mac: Uint8Array;
}

export interface AuthChallengeFrame {
  readonly kind: "auth-challenge";
  /** The relay's RSA key. */
  readonly spki: Uint8Array;
  /** RSA-OAEP to the client, 384 bytes. */
  readonly ciphertext: Uint8Array;
}

export interface AuthConfirmFrame {
  readonly kind: "auth-confirm";
  /** 32 bytes. */
  readonly mac: Uint8Array;
}

export const AUTH_OPEN_TYPE = 0x17;
export const AUTH_RESPONSE_TYPE = 0x18;
export const AUTH_CHALLENGE_TYPE = 0x49;
export const AUTH_CONFIRM_TYPE = 0x4a;

const NONCE_BYTES = 32;
const MAC_BYTES = 32;

export function encodeAuthOpen(writer: ByteWriter, frame: AuthOpenFrame): void {
  writer.raw(exactly(frame.nonce, NONCE_BYTES, "nonce"));
  writer.raw(upTo(frame.certificate, RSA_CERTIFICATE_BYTES_MAX, "certificate"));
}

export function decodeAuthOpen(reader: ByteReader): AuthOpenFrame {
  const nonce = reader.take(NONCE_BYTES, "nonce");
  const certificate = reader.rest();
  if (certificate.length === 0 || certificate.length > RSA_CERTIFICATE_BYTES_MAX)
    throw malformed("certificate", `length ${certificate.length}`);
  return { kind: "auth-open", nonce, certificate };
}

export function encodeAuthResponse(writer: ByteWriter, frame: AuthResponseFrame): void {
  writer.raw(exactly(frame.ciphertext, RSA_CIPHERTEXT_BYTES, "ciphertext"));
  writer.raw(exactly(frame.mac, MAC_BYTES, "mac"));
}

export function decodeAuthResponse(reader: ByteReader): AuthResponseFrame {
  const ciphertext = reader.take(RSA_CIPHERTEXT_BYTES, "ciphertext");
  return { kind: "auth-response", ciphertext, mac: reader.take(MAC_BYTES, "mac") };
}

export function encodeAuthChallenge(writer: ByteWriter, frame: AuthChallengeFrame): void {
  writer.lv(upTo(frame.spki, RSA_SPKI_BYTES_MAX, "spki"));
  writer.raw(exactly(frame.ciphertext, RSA_CIPHERTEXT_BYTES, "ciphertext"));
}

export function decodeAuthChallenge(reader: ByteReader): AuthChallengeFrame {
  const spki = reader.lv("spki", RSA_SPKI_BYTES_MAX);
  if (spki.length === 0) throw malformed("spki", "empty");
  const ciphertext = reader.take(RSA_CIPHERTEXT_BYTES, "ciphertext");
  return { kind: "auth-challenge", spki, ciphertext };
}

export function encodeAuthConfirm(writer: ByteWriter, frame: AuthConfirmFrame): void {
  writer.raw(exactly(frame.mac, MAC_BYTES, "mac"));
}

export function decodeAuthConfirm(reader: ByteReader): AuthConfirmFrame {
  return { kind: "auth-confirm", mac: reader.take(MAC_BYTES, "mac") };
}
