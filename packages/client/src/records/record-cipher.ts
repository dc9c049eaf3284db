import type { RecordPlan } from "@postern/core/session";

/**
 * AES-256-GCM for content records, by the fastest means of the platform (docs/protocol.md 8).
 * Synchronous: in Node a call per record costs half of what a promise per record does.
 */
export interface RecordCipher {
  /** The whole record, the caller's memory until {@link release}. */
  seal(plan: RecordPlan, plaintext: Uint8Array): SealedRecord;
  /**
   * `sealed` is ciphertext and tag. Memory that is the caller's until {@link release}, or
   * `undefined` when the tag does not hold: then nothing of the plaintext remains anywhere.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
  /**
   * Gives back the frame of {@link seal} or what {@link open} gave, to be used again: records are
   * large, and new memory for each costs more than the cipher. Nobody may touch it any more.
   */
  release(memory: Uint8Array): void;
}

export interface SealedRecord {
  /** Header, ciphertext and tag, in one piece: one write. */
  readonly frame: Uint8Array;
  /** A copy. */
  readonly tag: Uint8Array;
}
