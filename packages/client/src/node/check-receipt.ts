/** Signed receipts for whoever had no part in it (docs/protocol-transfers.md 9.3). @module */
import { hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { fingerprintOf, formatFingerprint } from "@postern/core/identity";
import { decodeSignedReceipt, verifySignedReceipt } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { ContentKind, ProfileName } from "../api.ts";

/** What both sides have signed. */
export interface CheckedReceipt {
  readonly profile: ProfileName;
  readonly kind: ContentKind;
  /** As its sender gave it: hostile. */
  readonly name: string;
  readonly size: number;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly digest: string;
  /** Fingerprints, base32. */
  readonly sender: string;
  readonly receiver: string;
  /** ms since 1970, each by the clock of its side. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * Reads a receipt and checks both signatures. That it is of a certain content is another question:
 * compare `digest`.
 *
 * @throws {@link PosternError} `transfer/receipt-invalid`
 */
export function checkReceipt(text: string): CheckedReceipt {
  const receipt = decodeSignedReceipt(text);
  if (!verifySignedReceipt(nativeSuite, receipt))
    throw new PosternError("transfer/receipt-invalid", "a signature does not hold");
  const { content, sent, received } = receipt;
  const { profile, kind, name, size, digest, sender, receiver } = content;
  return {
    profile,
    kind,
    name,
    size,
    digest: hex(digest),
    sender: formatFingerprint(fingerprintOf(nativeSuite, sender)),
    receiver: formatFingerprint(fingerprintOf(nativeSuite, receiver)),
    sentAt: sent.at,
    receivedAt: received.at,
  };
}
