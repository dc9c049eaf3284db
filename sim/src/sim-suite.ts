/**
 * Suite 1 without the platform's chance: hashes, HKDF and AES-256-GCM are the real ones, random
 * bytes come from the run's generator. Signatures, the KEM and RSA are toys that behave like the
 * real ones towards an honest user. They are not cryptography: whoever tries, forges and opens.
 *
 * @module
 */
import { concat, equalBytes, hex, utf8 } from "@postern/core/bytes";
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  KEM_SECRET_BYTES,
  SIGNATURE_BYTES,
  type KemKeyPair,
  type Rsa,
  type RsaKeyPair,
  type Suite,
} from "@postern/core/crypto";
import { RSA_CIPHERTEXT_BYTES } from "@postern/core/limits";
import { nativeSuite } from "@postern/node";
import type { Prng } from "./prng.ts";

/** Sees what one party does with its keys. */
export interface SuiteObserver {
  sealed(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): void;
  extracted(salt: Uint8Array, secret: Uint8Array, key: Uint8Array): void;
  expanded(from: Uint8Array, key: Uint8Array): void;
}

export function simSuite(prng: Prng, observer: SuiteObserver): Suite {
  const random = (length: number): Uint8Array => prng.bytes(length);
  return {
    ...nativeSuite,
    implementation: "simulated",
    random,
    seal(key, nonce, aad, plaintext) {
      observer.sealed(key, nonce, aad, plaintext);
      return nativeSuite.seal(key, nonce, aad, plaintext);
    },
    extract(salt, secret) {
      const key = nativeSuite.extract(salt, secret);
      observer.extracted(salt, secret, key);
      return key;
    },
    expand(from, info, length) {
      const key = nativeSuite.expand(from, info, length);
      observer.expanded(from, key);
      return key;
    },
    generateKem: () => toyKem(random(KEM_SECRET_BYTES)),
    kemFromSeed: (seed) => toyKem(new Uint8Array(seed)),
    encapsulate(publicKey) {
      if (publicKey.length !== KEM_PUBLIC_BYTES) return undefined;
      const ciphertext = stretched(random(KEM_SECRET_BYTES), KEM_CIPHERTEXT_BYTES);
      return { ciphertext, secret: nativeSuite.sha256(publicKey, ciphertext) };
    },
    decapsulate: (keyPair, ciphertext) => nativeSuite.sha256(keyPair.publicKey, ciphertext),
    sign: ({ publicKey }, message) => toySignature(publicKey, message),
    verify: (publicKey, message, signature) =>
      equalBytes(signature, toySignature(publicKey, message)),
    generateSigning: () => nativeSuite.signingFromSeed(random(KEM_SECRET_BYTES)),
  };
}

function toyKem(seed: Uint8Array): KemKeyPair {
  return { seed, publicKey: stretched(nativeSuite.sha256(seed), KEM_PUBLIC_BYTES) };
}

/** Anybody could make it; nobody in this world does for another one. */
function toySignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return stretched(nativeSuite.sha256(concat(publicKey, message)), SIGNATURE_BYTES);
}

/** The bytes again and again, so that every length that is checked is right. */
function stretched(bytes: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(Buffer.alloc(length, bytes));
}

export interface SimRsa extends Rsa {
  generateNow(): RsaKeyPair;
}

/** Toy RSA: AES-GCM under a secret that the key's public name leads to, inside this world alone. */
export function simRsa(prng: Prng): SimRsa {
  const secrets = new Map<string, Uint8Array>();
  const secretOf = (spki: Uint8Array): Uint8Array | undefined => secrets.get(hex(spki));
  const sealedBytes = (ciphertext: Uint8Array): number =>
    AEAD_NONCE_BYTES + AEAD_TAG_BYTES + (ciphertext[RSA_CIPHERTEXT_BYTES - 1] ?? 0);
  return {
    generateNow: () => keyPairOf(secrets, prng.bytes(32)),
    generate: async () => keyPairOf(secrets, prng.bytes(32)),
    importSecret: async (pkcs8) => keyPairOf(secrets, pkcs8.slice()),
    importPublic: async (spki) => (secretOf(spki) === undefined ? undefined : { spki }),
    async encrypt(to, label, plaintext) {
      const secret = secretOf(to.spki);
      if (secret === undefined) throw new Error("no key of this world");
      const nonce = prng.bytes(AEAD_NONCE_BYTES);
      const out = new Uint8Array(RSA_CIPHERTEXT_BYTES);
      out.set(concat(nonce, nativeSuite.seal(secret, nonce, label, plaintext)));
      out[RSA_CIPHERTEXT_BYTES - 1] = plaintext.length;
      return out;
    },
    async decrypt(own, label, ciphertext) {
      const secret = secretOf(own.spki);
      if (secret === undefined || ciphertext.length !== RSA_CIPHERTEXT_BYTES) return undefined;
      const nonce = ciphertext.subarray(0, AEAD_NONCE_BYTES);
      const sealed = ciphertext.subarray(AEAD_NONCE_BYTES, sealedBytes(ciphertext));
      return nativeSuite.open(secret, nonce, label, sealed);
    },
    sign: async () => new Uint8Array(RSA_CIPHERTEXT_BYTES),
    verify: async () => false,
  };
}

function keyPairOf(secrets: Map<string, Uint8Array>, secret: Uint8Array): RsaKeyPair {
  const spki = concat(utf8("toy rsa "), nativeSuite.sha256(secret));
  secrets.set(hex(spki), secret);
  return { spki, exportSecret: () => secret.slice() };
}
