/** A receipt that came when its transfer had ended here, for the application. @module */
import { hex } from "@postern/core/bytes";
import type { Party, Verdict } from "@postern/core/exchange";
import { formatFingerprint } from "@postern/core/identity";
import type { ClientEvent } from "./api.ts";
import type { PeerBook } from "./peer-book.ts";

type LateReceipt = Extract<ClientEvent, { readonly type: "late-receipt" }>;

export function lateReceipt(
  book: Pick<PeerBook, "of">,
  { fingerprint }: Party,
  transfer: Uint8Array,
  verdict: Verdict,
): LateReceipt {
  return {
    type: "late-receipt",
    transfer: hex(transfer),
    fingerprint: formatFingerprint(fingerprint),
    name: book.of(fingerprint)?.name,
    outcome: outcomeOf(verdict),
  };
}

function outcomeOf(verdict: Verdict): LateReceipt["outcome"] {
  if (verdict === "accept") return "arrived";
  return verdict === "decline" ? "declined" : "not-arrived";
}
