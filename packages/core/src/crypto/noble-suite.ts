/**
 * Suite 1 in plain JavaScript, for browsers and as the second opinion on the native suite.
 * docs/protocol.md 2.
 *
 * Slower than the native one by an order of magnitude, and as constant in time as JavaScript
 * engines let it be. Accepts and refuses exactly what the native one does.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";
import { concat } from "../bytes.ts";
import { requireExpandable, requireLength } from "./inputs.ts";
import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  HASH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  KEM_SECRET_BYTES,
  type KemKeyPair,
  type Sha256Stream,
  SIGNATURE_BYTES,
  SIGNATURE_PUBLIC_BYTES,
  type SigningKeyPair,
  type Suite,
} from "./suite.ts";

const SEED_BYTES = 32;
/** `getRandomValues` gives no more at once (Web Cryptography, 10.1.1). */
const RANDOM_BYTES_AT_ONCE = 65_536;

/** What this module needs of the platform; Node and browsers have it. */
declare const crypto: { getRandomValues(into: Uint8Array<ArrayBuffer>): void };

export const nobleSuite: Suite = {
  implementation: "noble",
  random,
  sha256: (...parts) => sha256(joined(parts)),
  sha256Stream: () => sha256Stream(),
  hmacSha256: (key, ...parts) => hmac(sha256, key, joined(parts)),
  extract: (salt, secret) => extract(sha256, secret, salt),
  expand(key, info, length) {
    requireExpandable(key, length);
    return length === 0 ? new Uint8Array(0) : expand(sha256, key, info, length);
  },
  seal(key, nonce, aad, plaintext) {
    return cipher(key, nonce, aad).encrypt(plaintext);
  },
  open(key, nonce, aad, sealed) {
    const opener = cipher(key, nonce, aad);
    if (sealed.length < AEAD_TAG_BYTES) return undefined;
    return orUndefined(() => opener.decrypt(sealed));
  },
  generateKem: () => kemOf(random(KEM_SECRET_BYTES)),
  kemFromSeed(seed) {
    requireLength(seed, KEM_SECRET_BYTES, "seed");
    return kemOf(new Uint8Array(seed));
  },
  encapsulate,
  decapsulate(keyPair, ciphertext) {
    requireLength(keyPair.seed, KEM_SECRET_BYTES, "seed");
    if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) return undefined;
    return orUndefined(() => xwing.decapsulate(ciphertext, keyPair.seed));
  },
  generateSigning: () => signingOf(random(SEED_BYTES)),
  signingFromSeed(seed) {
    requireLength(seed, SEED_BYTES, "seed");
    return signingOf(new Uint8Array(seed));
  },
  sign(keyPair, message) {
    requireLength(keyPair.seed, SEED_BYTES, "seed");
    return ed25519.sign(message, keyPair.seed);
  },
  verify(publicKey, message, signature) {
    if (publicKey.length !== SIGNATURE_PUBLIC_BYTES) return false;
    if (signature.length !== SIGNATURE_BYTES) return false;
    return orUndefined(() => verifyStrictly(publicKey, message, signature)) ?? false;
  },
};

function random(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += RANDOM_BYTES_AT_ONCE)
    crypto.getRandomValues(bytes.subarray(start, start + RANDOM_BYTES_AT_ONCE));
  return bytes;
}

function sha256Stream(state = sha256.create()): Sha256Stream {
  return {
    update: (bytes) => void state.update(bytes),
    copy: () => sha256Stream(state.clone()),
    digest: () => state.clone().digest(),
  };
}

function cipher(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) {
  requireLength(key, AEAD_KEY_BYTES, "key");
  requireLength(nonce, AEAD_NONCE_BYTES, "nonce");
  return gcm(key, nonce, aad);
}

function kemOf(seed: Uint8Array): KemKeyPair {
  return { seed, publicKey: xwing.getPublicKey(seed) };
}

function encapsulate(publicKey: Uint8Array) {
  if (publicKey.length !== KEM_PUBLIC_BYTES) return undefined;
  const sent = orUndefined(() => xwing.encapsulate(publicKey));
  return sent && { ciphertext: sent.cipherText, secret: sent.sharedSecret };
}

function signingOf(seed: Uint8Array): SigningKeyPair {
  return { seed, publicKey: ed25519.getPublicKey(seed) };
}

/**
 * RFC 8032 with the equation that OpenSSL checks, the one without the cofactor, which the
 * library's own `verify` does not offer: the two suites must never disagree about a signature.
 * No secret is involved, so the time may vary. Throws for what is no point or no scalar.
 */
function verifyStrictly(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { Point } = ed25519;
  const r = signature.subarray(0, HASH_BYTES);
  const a = Point.fromBytes(publicKey, false);
  const claimed = Point.fromBytes(r, false);
  if (a.isSmallOrder() || claimed.isSmallOrder()) return false;
  const s = Point.Fn.fromBytes(signature.subarray(HASH_BYTES));
  const k = Point.Fn.create(littleEndian(sha512(concat(r, publicKey, message))));
  return Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).equals(claimed);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : concat(...parts);
}

/** The library throws on hostile input; here nothing that a peer sends does. */
function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
