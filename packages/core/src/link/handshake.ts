/**
 * The four messages of `Noise_pqXX_XWing_AESGCM_SHA256` (docs/protocol.md 5): the Noise Protocol
 * Framework with the tokens `ekem` and `skem` of "Post Quantum Noise" (Angel, Dowling, Hülsing,
 * Schwabe, Weber; CCS 2022).
 *
 * ```text
 *   -> e                  m1   1216
 *   <- ekem, s, payload   m2   1120 + 1232 +  48 = 2400
 *   -> skem, s, payload   m3   1136 + 1232 + 152 = 2520
 *   <- skem, payload      m4   1136 +         32 = 1168
 * ```
 *
 * Every reader is given exactly its message's bytes; what it returns is the caller's own copy.
 * Invariant: a KEM secret lives only until it is mixed.
 *
 * @module
 */
import { ByteReader, concat, equalBytes, label, wipe } from "../bytes.ts";
import {
  AEAD_TAG_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  SUITE_ID,
  type KemKeyPair,
  type Suite,
} from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { HELLO_BYTES } from "./hello.ts";
import { LOGIN_RESULT_BYTES } from "./login-result.ts";
import { LOGIN_BYTES } from "./login.ts";
import { SymmetricState } from "./noise.ts";

const SEALED_KEY_BYTES = KEM_PUBLIC_BYTES + AEAD_TAG_BYTES;
const SEALED_CIPHERTEXT_BYTES = KEM_CIPHERTEXT_BYTES + AEAD_TAG_BYTES;

export const M1_BYTES: number = KEM_PUBLIC_BYTES;
export const M2_BYTES: number =
  KEM_CIPHERTEXT_BYTES + SEALED_KEY_BYTES + HELLO_BYTES + AEAD_TAG_BYTES;
export const M3_BYTES: number =
  SEALED_CIPHERTEXT_BYTES + SEALED_KEY_BYTES + LOGIN_BYTES + AEAD_TAG_BYTES;
export const M4_BYTES: number = SEALED_CIPHERTEXT_BYTES + LOGIN_RESULT_BYTES + AEAD_TAG_BYTES;

const EMPTY = new Uint8Array(0);

export function startNoise(suite: Suite): SymmetricState {
  const noise = new SymmetricState(suite, "Noise_pqXX_XWing_AESGCM_SHA256");
  noise.mixHash(concat(label("link"), Uint8Array.of(SUITE_ID >>> 8, SUITE_ID)));
  return noise;
}

export function writeM1(noise: SymmetricState, ephemeral: KemKeyPair): Uint8Array {
  noise.mixHash(ephemeral.publicKey);
  return concat(ephemeral.publicKey, noise.encryptAndHash(EMPTY));
}

/** Returns the client's ephemeral key. */
export function readM1(noise: SymmetricState, m1: Uint8Array): Uint8Array {
  noise.mixHash(m1);
  noise.encryptAndHash(EMPTY);
  return new Uint8Array(m1);
}

export function writeM2(
  suite: Suite,
  noise: SymmetricState,
  ephemeralKey: Uint8Array,
  staticKey: KemKeyPair,
  payload: Uint8Array,
): Uint8Array {
  const { ciphertext, secret } = encapsulate(suite, ephemeralKey);
  noise.mixHash(ciphertext);
  noise.mixKey(secret);
  wipe(secret);
  const sealedKey = noise.encryptAndHash(staticKey.publicKey);
  return concat(ciphertext, sealedKey, noise.encryptAndHash(payload));
}

export interface KeyAndPayload {
  /** The peer's static X-Wing key: claimed, until it has opened something. */
  readonly key: Uint8Array;
  readonly payload: Uint8Array;
}

export function readM2(
  suite: Suite,
  noise: SymmetricState,
  ephemeral: KemKeyPair,
  m2: Uint8Array,
): KeyAndPayload {
  const reader = new ByteReader(m2);
  const ciphertext = reader.take(KEM_CIPHERTEXT_BYTES, "ekem");
  const secret = decapsulate(suite, ephemeral, ciphertext);
  noise.mixHash(ciphertext);
  noise.mixKey(secret);
  wipe(secret);
  const key = open(noise, reader.take(SEALED_KEY_BYTES, "s"));
  return { key, payload: open(noise, reader.rest()) };
}

/** `payloadOf` is given the handshake hash that the payload signs. */
export function writeM3(
  suite: Suite,
  noise: SymmetricState,
  relayKey: Uint8Array,
  linkKey: KemKeyPair,
  payloadOf: (h: Uint8Array) => Uint8Array,
): Uint8Array {
  const sealedCiphertext = writeSkem(suite, noise, relayKey);
  const sealedKey = noise.encryptAndHash(linkKey.publicKey);
  const payload = payloadOf(noise.handshakeHash);
  return concat(sealedCiphertext, sealedKey, noise.encryptAndHash(payload));
}

/** `h` is what the payload's signature must be over. */
export function readM3(
  suite: Suite,
  noise: SymmetricState,
  staticKey: KemKeyPair,
  m3: Uint8Array,
): KeyAndPayload & { readonly h: Uint8Array } {
  const reader = new ByteReader(m3);
  readSkem(suite, noise, staticKey, reader.take(SEALED_CIPHERTEXT_BYTES, "skem"));
  const key = open(noise, reader.take(SEALED_KEY_BYTES, "s"));
  const h = noise.handshakeHash;
  return { key, h, payload: open(noise, reader.rest()) };
}

export function writeM4(
  suite: Suite,
  noise: SymmetricState,
  clientKey: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const sealedCiphertext = writeSkem(suite, noise, clientKey);
  return concat(sealedCiphertext, noise.encryptAndHash(payload));
}

/** Returns the payload. Only the holder of the pinned key can have made it. */
export function readM4(
  suite: Suite,
  noise: SymmetricState,
  linkKey: KemKeyPair,
  m4: Uint8Array,
): Uint8Array {
  const reader = new ByteReader(m4);
  readSkem(suite, noise, linkKey, reader.take(SEALED_CIPHERTEXT_BYTES, "skem"));
  return open(noise, reader.rest());
}

/** "Each side refuses a peer key, static or ephemeral, equal to its own static key." */
export function refuseOwnKey(own: KemKeyPair, peerKey: Uint8Array): void {
  if (equalBytes(own.publicKey, peerKey))
    throw new PosternError("link/own-key", "the peer shows our own key");
}

function writeSkem(suite: Suite, noise: SymmetricState, peerKey: Uint8Array): Uint8Array {
  const { ciphertext, secret } = encapsulate(suite, peerKey);
  const sealed = noise.encryptAndHash(ciphertext);
  noise.mixKeyAndHash(secret);
  wipe(secret);
  return sealed;
}

function readSkem(suite: Suite, noise: SymmetricState, own: KemKeyPair, sealed: Uint8Array): void {
  const secret = decapsulate(suite, own, open(noise, sealed));
  noise.mixKeyAndHash(secret);
  wipe(secret);
}

function encapsulate(
  suite: Suite,
  peerKey: Uint8Array,
): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } {
  const encapsulated = suite.encapsulate(peerKey);
  if (encapsulated === undefined)
    throw new PosternError("link/malformed", "the peer's key is not an X-Wing key");
  return encapsulated;
}

function decapsulate(suite: Suite, own: KemKeyPair, ciphertext: Uint8Array): Uint8Array {
  const secret = suite.decapsulate(own, ciphertext);
  if (secret === undefined) throw authenticationFailed();
  return secret;
}

function open(noise: SymmetricState, sealed: Uint8Array): Uint8Array {
  const plaintext = noise.decryptAndHash(sealed);
  if (plaintext === undefined) throw authenticationFailed();
  return plaintext;
}

function authenticationFailed(): PosternError {
  return new PosternError("link/authentication-failed", "a handshake message does not open");
}
