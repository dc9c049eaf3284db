/**
 * Which transfers a receiver knows to have come, so that none is opened, or shown to a person,
 * twice. docs/protocol-end-to-end.md 7.3.5.
 *
 * @module
 */
import { equalBytes } from "../../bytes/equal.ts";
import { OUTBOX_MAX } from "../../limits.ts";

export interface ReceivedTransfers {
  /** `OUTBOX_MAX` transfers, by their numbers: the running ones, and the last that have ended. */
  readonly received: readonly ReceivedEntry[];
  /**
   * Ids of transfers that are no more in `received`, or were in that of a channel before: the
   * `OUTBOX_MAX` newest, oldest first.
   */
  readonly earlier: readonly Uint8Array[];
}

export interface ReceivedEntry {
  readonly n: number;
  readonly transfer: Uint8Array;
  /** Of the offer's bytes, 32. */
  readonly offer: Uint8Array;
  readonly transcript: Uint8Array;
  /** Until the receipt is made, the key it is sealed under; then where the receipt is. */
  readonly state:
    | { readonly kind: "open"; readonly receiptKey: Uint8Array }
    | { readonly kind: "closed"; readonly receipt: KeptReceipt };
}

/**
 * Receipts are kept beside the record, each in a slot below `OUTBOX_MAX`, so that the next transfer
 * need not write them again. Records of before have them within: then it is the receipt itself.
 */
export type KeptReceipt = number | Uint8Array;

/** The one of this number and these bytes. */
export function receivedEntry(
  { received }: ReceivedTransfers,
  n: number,
  digest: Uint8Array,
): ReceivedEntry | undefined {
  return received.find((each) => each.n === n && equalBytes(each.offer, digest));
}

/** In this channel or one before, under whatever number. */
export function wasReceived(
  { received, earlier }: ReceivedTransfers,
  transfer: Uint8Array,
): boolean {
  const isThis = (id: Uint8Array): boolean => equalBytes(id, transfer);
  return earlier.some(isThis) || received.some((each) => isThis(each.transfer));
}

/** For one receipt more. What lies there belongs to no transfer that is known. */
export function freeSlot({ received }: ReceivedTransfers): number {
  const taken = new Set(received.map(({ state }) => state.kind === "closed" && state.receipt));
  let slot = 0;
  while (taken.has(slot)) slot++;
  return slot;
}

/** For a new channel: only the ids stay. */
export function forgetReceived(before: ReceivedTransfers | undefined): ReceivedTransfers {
  return { received: [], earlier: before === undefined ? [] : idsOf(before).slice(-OUTBOX_MAX) };
}

/**
 * What has its receipt makes room first: a transfer that still runs, however long, needs its place.
 * A sender has at most `OUTBOX_MAX` without a receipt.
 */
export function withReceived(
  { received, earlier }: ReceivedTransfers,
  entry: ReceivedEntry,
): ReceivedTransfers {
  const oldest = received.find(({ state }) => state.kind === "closed") ?? received[0];
  if (received.length < OUTBOX_MAX || oldest === undefined)
    return { received: [...received, entry], earlier };
  return {
    received: [...received.filter((each) => each !== oldest), entry],
    earlier: [...earlier, oldest.transfer].slice(-OUTBOX_MAX),
  };
}

function idsOf({ received, earlier }: ReceivedTransfers): readonly Uint8Array[] {
  return [...earlier, ...received.map(({ transfer }) => transfer)];
}
