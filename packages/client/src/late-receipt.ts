/** A receipt that came when its transfer had ended here, for the application. @module */
import { hex } from "@postern/core/bytes";
import type { Party, Verdict } from "@postern/core/exchange";
import { formatFingerprint } from "@postern/core/identity";
import type { ClientEvent } from "./api.ts";
import type { PeerBook } from "./peer-book.ts";

type LateReceipt = Extract<ClientEvent, { readonly type: "late-receipt" }>;

interface Heard {
  readonly transfer: Uint8Array;
  readonly verdict: Verdict;
  /** What it did not bring comes by another transfer of the same content. */
  readonly isGoingOn: boolean;
}

export function lateReceipt(
  book: Pick<PeerBook, "of">,
  { fingerprint }: Party,
  { transfer, verdict, isGoingOn }: Heard,
): LateReceipt {
  return {
    type: "late-receipt",
    transfer: hex(transfer),
    fingerprint: formatFingerprint(fingerprint),
    name: book.of(fingerprint)?.name,
    outcome: outcomeOf(verdict, isGoingOn),
  };
}

function outcomeOf(verdict: Verdict, isGoingOn: boolean): LateReceipt["outcome"] {
  if (verdict === "accept") return "arrived";
  if (verdict === "decline") return "declined";
  return isGoingOn ? "goes-on" : "not-arrived";
}
