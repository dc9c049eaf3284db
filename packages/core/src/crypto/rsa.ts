/**
 * RSA-3072 for the two RSA profiles only, as a port: asynchronous, because WebCrypto is. OAEP and
 * PSS use SHA-256 and MGF1-SHA-256; the PSS salt is 32 bytes (docs/protocol.md 2).
 *
 * Every failure to open is the same `undefined`: nothing tells a bad padding from a bad label.
 *
 * @module
 */

/** A public key as SubjectPublicKeyInfo (DER), checked: RSA, 3072 bits, exponent 65537. */
export interface RsaPublicKey {
  readonly spki: Uint8Array;
}

/** A key pair; the secret half stays inside the implementation until it is exported to a store. */
export interface RsaKeyPair extends RsaPublicKey {
  /** PKCS#8 (DER), for the store alone. The caller wipes it. */
  exportSecret(): Uint8Array;
}

export interface Rsa {
  generate(): Promise<RsaKeyPair>;
  /**
   * @throws `store/failed` when the stored key is not what {@link RsaKeyPair.exportSecret} gave.
   */
  importSecret(pkcs8: Uint8Array): Promise<RsaKeyPair>;
  /** `undefined` unless the bytes are a 3072-bit RSA key with exponent 65537, canonical DER. */
  importPublic(spki: Uint8Array): Promise<RsaPublicKey | undefined>;
  /** OAEP. Returns 384 bytes. `plaintext` is at most 318 bytes. */
  encrypt(to: RsaPublicKey, label: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  decrypt(
    keyPair: RsaKeyPair,
    label: Uint8Array,
    ciphertext: Uint8Array,
  ): Promise<Uint8Array | undefined>;
  /** PSS. Returns 384 bytes. */
  sign(keyPair: RsaKeyPair, message: Uint8Array): Promise<Uint8Array>;
  verify(key: RsaPublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}
