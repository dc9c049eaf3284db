/**
 * AES-256-GCM for content records, by the fastest means of the platform (docs/protocol.md 8).
 * Synchronous: in Node a call per record costs half of what a promise per record does.
 */
export interface RecordCipher {
  /** The ciphertext in parts, fresh memory that the caller owns, and the 16-byte tag apart. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): SealedRecord;
  /**
   * `sealed` is ciphertext and tag. Fresh memory, or `undefined` when the tag does not hold: then
   * nothing of the plaintext remains anywhere.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
  /**
   * Frees what {@link seal} or {@link open} gave, now rather than when it is collected: records
   * are large, and collecting them costs more than anything else but the cipher. Nobody may touch
   * the memory any more.
   */
  release(memory: Uint8Array): void;
}

export interface SealedRecord {
  readonly parts: readonly Uint8Array[];
  readonly tag: Uint8Array;
}
