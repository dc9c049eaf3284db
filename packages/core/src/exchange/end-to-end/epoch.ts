/**
 * Numbers of a pair's channels, and how far they may be ahead (docs/protocol-end-to-end.md 7.3.5).
 *
 * Both ends judge by the same bound: what a thief of one identity key tells either of them, the
 * owner's next offer, a moment later, is still within it.
 *
 * @module
 */
import { EPOCH_AHEAD_MS, EPOCHS_SKIPPED_MAX } from "../../limits.ts";
import type { WallMs } from "../../time.ts";

/** Of the next channel, when `last` is the greatest known. */
export function nextEpoch(last: number, now: WallMs): number {
  return Math.max(last + 1, Math.floor(now));
}

/** Whether the peer may claim it; that an `INIT` must be above the last is another question. */
export function isEpochInReach(epoch: number, last: number, now: WallMs): boolean {
  return epoch <= Math.max(last + EPOCHS_SKIPPED_MAX, now + EPOCH_AHEAD_MS);
}
