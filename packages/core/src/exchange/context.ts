import type { Suite } from "../crypto/suite.ts";

/** One end of a transfer, as the relay proved it at login. */
export interface Party {
  /** 35 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** What both ends of a transfer know before the first key: it all goes into the transcript. */
export interface ExchangeContext {
  readonly suite: Suite;
  readonly relayFingerprint: Uint8Array;
  readonly sender: Party;
  readonly receiver: Party;
  /** Transfer id, 16 random bytes of the sender. */
  readonly transfer: Uint8Array;
}

/** What the sender's half of an exchange seals into its offer. */
export interface SenderContext extends ExchangeContext {
  /** The encoded transfer header. */
  readonly header: Uint8Array;
  /** End-to-end: a message that rides in the offer, padded. */
  readonly message?: Uint8Array | undefined;
}
