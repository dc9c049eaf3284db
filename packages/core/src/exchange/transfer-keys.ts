import { wipe } from "../bytes/equal.ts";

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
  /** Wraps session keys in the profiles that wrap them. */
  readonly wrap: Uint8Array;
}

export function wipeTransferKeys(keys: TransferKeys): void {
  wipe(keys.header, keys.answer, keys.receipt, keys.reverse, keys.wrap);
}
