/**
 * Tells of every secret that a client's suite makes or works with: seeds, KEM secrets, what is
 * derived, and the keys of every seal.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";

/** `bytes` are the client's own: whoever keeps them copies them. */
export type OnSecret = (what: SecretKind, bytes: Uint8Array) => void;

export type SecretKind = "seed" | "KEM secret" | "derived key" | "AEAD key";

export function watchSecrets(suite: Suite, onSecret: OnSecret): Suite {
  const told = (what: SecretKind, bytes: Uint8Array): Uint8Array => {
    onSecret(what, bytes);
    return bytes;
  };
  return {
    ...suite,
    extract(salt, secret) {
      const extracted = suite.extract(salt, secret);
      // Without a salt HPKE hashes what is public (RFC 9180, 5.1).
      return salt.length === 0 ? extracted : told("derived key", extracted);
    },
    expand: (key, info, length) => told("derived key", suite.expand(key, info, length)),
    seal(key, nonce, aad, plaintext) {
      told("AEAD key", key);
      return suite.seal(key, nonce, aad, plaintext);
    },
    open(key, nonce, aad, sealed) {
      told("AEAD key", key);
      return suite.open(key, nonce, aad, sealed);
    },
    generateKem() {
      const pair = suite.generateKem();
      told("seed", pair.seed);
      return pair;
    },
    kemFromSeed(seed) {
      const pair = suite.kemFromSeed(seed);
      told("seed", pair.seed);
      return pair;
    },
    encapsulate(publicKey) {
      const encapsulated = suite.encapsulate(publicKey);
      if (encapsulated !== undefined) told("KEM secret", encapsulated.secret);
      return encapsulated;
    },
    decapsulate(pair, ciphertext) {
      const secret = suite.decapsulate(pair, ciphertext);
      if (secret !== undefined) told("KEM secret", secret);
      return secret;
    },
    generateSigning() {
      const pair = suite.generateSigning();
      told("seed", pair.seed);
      return pair;
    },
    signingFromSeed(seed) {
      const pair = suite.signingFromSeed(seed);
      told("seed", pair.seed);
      return pair;
    },
  };
}
