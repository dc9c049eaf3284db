/** Door of the `transfer` room. @module */
export {
  decodeTransferEnvelope,
  encodeTransferEnvelope,
  FRAMES_PER_ENVELOPE_BYTES_MAX,
  TRANSFER_ID_BYTES,
  type TransferEnvelope,
} from "./transfer/envelope.ts";
export { isReplacedBy, replacingId } from "./transfer/content-id.ts";
export {
  CONTENT_ID_BYTES,
  type ContentDescription,
  type ContentKind,
  type ManifestSize,
} from "./transfer/header.ts";
export {
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestDirectory,
  type ManifestEntry,
  type ManifestFile,
  type ManifestLink,
} from "./transfer/manifest.ts";
export { foldName, linkLeavesTop, nameFault } from "./transfer/manifest-names.ts";
export { ManifestPlaces } from "./transfer/manifest-places.ts";
export {
  type Danger,
  type DangerousEntry,
  type ManifestSummary,
  summarizeManifest,
} from "./transfer/manifest-summary.ts";
export type { Profile } from "./exchange/profile.ts";
export {
  openReceivedStatement,
  openSentStatement,
  RECEIVED_STATEMENT_BYTES,
  receivedStatement,
  SENT_STATEMENT_BYTES,
  sentStatement,
  signContent,
  verifySignedReceipt,
  type Signed,
  type SignedContent,
  type SignedReceipt,
} from "./transfer/signed-receipt.ts";
export { decodeSignedReceipt, encodeSignedReceipt } from "./transfer/signed-receipt-text.ts";
export { ridesInEnvelopes } from "./transfer/steps.ts";
export type {
  Decision,
  HeldPrefix,
  Moment,
  RecordsOutcome,
  RecordsPath,
  TransferEffect,
  TransferEvent,
  TransferInput,
} from "./transfer/steps.ts";
