import { wipe } from "../bytes/equal.ts";
import { AEAD_NONCE_BYTES } from "../crypto/suite.ts";
import type { KeySource } from "./steps.ts";

/**
 * The keys of one transfer, whichever profile made them. Each has one use, 32 bytes each.
 * The transcript `th` binds profile, relay, both identities and everything the exchange showed.
 */
export interface TransferKeys {
  readonly transcript: Uint8Array;
  readonly header: Uint8Array;
  readonly answer: Uint8Array;
  readonly receipt: Uint8Array;
  readonly reverse: Uint8Array;
  /** Session keys are wrapped under it (7.1), mixed with it (7.2), or a chain from it (7.3). */
  readonly session: Uint8Array;
}

export function wipeTransferKeys(keys: TransferKeys): void {
  wipe(keys.header, keys.answer, keys.receipt, keys.reverse, keys.session);
}

/** What the sender's exchange comes to before the offer. */
export interface SenderReady {
  readonly keys: TransferKeys;
  readonly outer: Uint8Array;
  readonly sealedHeader: Uint8Array;
  readonly source: KeySource;
  readonly counter: number;
  /** Only end-to-end. */
  readonly inChannel?: OfferInChannel;
}

/** What an end-to-end offer has beside its header. */
export interface OfferInChannel {
  readonly epoch: number;
  /** The message that rides along, sealed; empty without one. */
  readonly content: Uint8Array;
  /** What a receipt of that message says; `undefined` without one. */
  readonly digest: Uint8Array | undefined;
}

/** What the receiver's exchange comes to: the header has opened, its times are not judged yet. */
export interface ReceiverReady {
  readonly keys: TransferKeys;
  /** Only end-to-end: what the sender makes the answer's key from (7.3.3). */
  readonly salt?: Uint8Array;
  readonly header: Uint8Array;
  /** Only end-to-end: the channel has had this transfer before. */
  readonly isReplayed?: boolean;
  readonly source: KeySource;
  readonly counter: number;
}

/** Header, answer and receipt keys seal exactly one text each, so their nonce is fixed. */
export const SINGLE_USE_NONCE: Uint8Array = new Uint8Array(AEAD_NONCE_BYTES);
