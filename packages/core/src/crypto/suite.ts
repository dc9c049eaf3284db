/**
 * Suite 1 as a port: X-Wing, HKDF-SHA-256, AES-256-GCM, Ed25519, SHA-256 (docs/protocol.md 2).
 * Synchronous; one implementation is chosen once at start. Every implementation passes
 * `suite-conformance.ts` and the third-party vectors.
 *
 * Invariants: inputs of the wrong length throw `usage/invalid-argument`, except public keys,
 * ciphertexts and signatures, which come from outside: those return `undefined` or `false`.
 *
 * @module
 */
export const SUITE_ID = 0x0001;
export const HASH_BYTES = 32;
export const AEAD_KEY_BYTES = 32;
export const AEAD_NONCE_BYTES = 12;
export const AEAD_TAG_BYTES = 16;
export const KEM_PUBLIC_BYTES = 1_216;
export const KEM_CIPHERTEXT_BYTES = 1_120;
export const KEM_SECRET_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const SIGNATURE_PUBLIC_BYTES = 32;

/** An X-Wing key pair (draft-connolly-cfrg-xwing-kem). `seed` is the 32-byte secret key. */
export interface KemKeyPair {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** An Ed25519 key pair (RFC 8032). `seed` is the 32-byte secret. */
export interface SigningKeyPair {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** SHA-256 over bytes that come one part after the other. */
export interface Sha256Stream {
  update(bytes: Uint8Array): void;
  /** Another stream that goes on from here. */
  copy(): Sha256Stream;
  /** Ends this stream. */
  digest(): Uint8Array;
}

export interface Suite {
  readonly implementation: string;

  /** Fresh bytes from the platform's generator. */
  random(length: number): Uint8Array;

  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  sha256Stream(): Sha256Stream;
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HKDF-Extract (RFC 5869). Returns 32 bytes. */
  extract(salt: Uint8Array, secret: Uint8Array): Uint8Array;
  /** HKDF-Expand (RFC 5869), at most 255 x 32 bytes. */
  expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array;

  /** AES-256-GCM. Returns ciphertext followed by the 16-byte tag. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or `undefined` when the tag does not hold. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;

  generateKem(): KemKeyPair;
  /** Derives the pair of a stored 32-byte seed. */
  kemFromSeed(seed: Uint8Array): KemKeyPair;
  /** `undefined` when the public key has a wrong length or is not a valid encoding. */
  encapsulate(
    publicKey: Uint8Array,
  ): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } | undefined;
  /**
   * A wrong ciphertext of the right length gives another secret (implicit rejection): only the
   * AEAD that follows fails. `undefined` for a wrong length or a low-order X25519 share.
   */
  decapsulate(keyPair: KemKeyPair, ciphertext: Uint8Array): Uint8Array | undefined;

  generateSigning(): SigningKeyPair;
  signingFromSeed(seed: Uint8Array): SigningKeyPair;
  sign(keyPair: SigningKeyPair, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
