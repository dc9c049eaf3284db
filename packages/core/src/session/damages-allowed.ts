import { DAMAGED_PER_TRANSFER_MAX, RECORD_BYTES_MAX } from "../limits.ts";

/** How often a transfer may be damaged that has come to `verified` (docs/protocol.md 8.1). */
export function damagesAllowed(verified: number): number {
  return DAMAGED_PER_TRANSFER_MAX + Math.floor(verified / RECORD_BYTES_MAX);
}
