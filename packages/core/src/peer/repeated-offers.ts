import type { OutboxEntry } from "../exchange/end-to-end/sender-channel.ts";
import type { TransferEnvelope } from "../transfer/envelope.ts";

/**
 * Offers without a receipt, said again: as they were while their transfer runs, as `close` once it
 * has ended, so that no number of the channel stays open. docs/protocol-end-to-end.md 7.3.5.
 */
export function repeatedOffers(
  offers: readonly OutboxEntry[],
  which: "all" | "ended",
  isRunning: (transfer: Uint8Array) => boolean,
): readonly TransferEnvelope[] {
  return offers.flatMap((entry): readonly TransferEnvelope[] => {
    const { transfer, outer, sealedHeader, content } = entry;
    if (!isRunning(transfer)) return [{ kind: "close", transfer, outer, sealedHeader }];
    return which === "all" ? [{ kind: "offer", transfer, outer, sealedHeader, content }] : [];
  });
}
