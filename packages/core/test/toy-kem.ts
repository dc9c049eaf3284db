/**
 * A suite whose KEM is a toy with X-Wing's lengths, so that a test can afford thousands of
 * handshakes. It hides nothing; everything else is the given suite's.
 *
 * @module
 */
import {
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  type KemKeyPair,
  type Suite,
} from "@postern/core/crypto";

/** A public key starts with this; anything else is "not a key". */
const MARK = 0x70;

export function withToyKem(suite: Suite): Suite {
  const publicOf = (seed: Uint8Array): Uint8Array => {
    const publicKey = suite.expand(seed, Uint8Array.of(1), KEM_PUBLIC_BYTES);
    publicKey[0] = MARK;
    return publicKey;
  };
  const kemFromSeed = (seed: Uint8Array): KemKeyPair => ({
    seed: new Uint8Array(seed),
    publicKey: publicOf(seed),
  });
  return {
    ...suite,
    kemFromSeed,
    generateKem: () => kemFromSeed(suite.random(32)),
    encapsulate(publicKey) {
      if (publicKey.length !== KEM_PUBLIC_BYTES || publicKey[0] !== MARK) return undefined;
      const ciphertext = suite.expand(suite.random(32), Uint8Array.of(2), KEM_CIPHERTEXT_BYTES);
      return { ciphertext, secret: suite.sha256(publicKey, ciphertext) };
    },
    decapsulate: (keyPair, ciphertext) => suite.sha256(keyPair.publicKey, ciphertext),
  };
}
