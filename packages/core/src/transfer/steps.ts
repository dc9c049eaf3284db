/**
 * What a transfer's two machines ask of their driver, and what they are told: plain data.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { Profile } from "../exchange/profile.ts";
import type { ExchangeEffect, ExchangeInput, KeySource, RequestStatus } from "../exchange/steps.ts";
import type { TransferKeys } from "../exchange/transfer-keys.ts";
import { ANSWER_TIMEOUT_MS, HELD_CHECK_BYTES_PER_MS, MESSAGE_INLINE_BYTES_MAX } from "../limits.ts";
import type { InstantMs, WallMs } from "../time.ts";
import type { TransferEnvelope } from "./envelope.ts";
import type { ContentDescription } from "./header.ts";
import type { Verdict } from "../exchange/verdict.ts";

/** Both clocks, read once by the driver for one step. */
export interface Moment {
  readonly instant: InstantMs;
  readonly wall: WallMs;
}

/** Where the frames of section 8 travel. */
export type RecordsPath =
  | { readonly kind: "envelopes" }
  | { readonly kind: "pipe"; readonly ticket: Uint8Array }
  /** Receiver, end-to-end: a message that came in its offer, opened, and what digest it has. */
  | { readonly kind: "inline"; readonly content: Uint8Array; readonly digest: Uint8Array };

/** What the receiver holds of a content before a transfer begins: what it says is compared. */
export interface HeldPrefix {
  /** Bytes from the content's start: at least 1. */
  readonly offset: number;
  /** SHA-256 over them. */
  readonly digest: Uint8Array;
}

/** What the records came to: total bytes, digest over the tags (docs/protocol.md 8). */
export interface RecordsOutcome {
  readonly total: number;
  readonly digest: Uint8Array;
}

export type TransferInput =
  | ExchangeInput
  | { readonly kind: "envelope"; readonly envelope: TransferEnvelope }
  /** The relay's word on the offer. */
  | { readonly kind: "offer-result"; readonly status: RequestStatus }
  | { readonly kind: "pipe-result"; readonly status: RequestStatus }
  /** On an envelope that carried frames of section 8. */
  | { readonly kind: "frames-result"; readonly status: RequestStatus }
  | { readonly kind: "pipe-ticket"; readonly ticket: Uint8Array }
  /** The pipe of the records under way is of no more use; they wait for another. */
  | { readonly kind: "pipe-broken"; readonly error: PosternError }
  /** Whether the beginning of the content is what the receiver holds. Answers `check-held`. */
  | { readonly kind: "held-checked"; readonly same: boolean }
  | ({ readonly kind: "records-done" } & RecordsOutcome)
  | { readonly kind: "records-failed"; readonly error: PosternError }
  | { readonly kind: "peer-gone" }
  | { readonly kind: "link-lost"; readonly error: PosternError }
  | { readonly kind: "cancel" }
  | { readonly kind: "woke" };

export type TransferEffect =
  | ExchangeEffect
  | { readonly kind: "send-envelope"; readonly envelope: TransferEnvelope }
  /** Answers: `pipe-ticket`, `pipe-result`. */
  | { readonly kind: "open-pipe" }
  /**
   * Sender: hash the content up to `offset` and compare. Answer: `held-checked`, or
   * `records-failed` when it cannot be read.
   */
  | ({ readonly kind: "check-held" } & HeldPrefix)
  /** Move the content. Answer: `records-done` or `records-failed`. The driver wipes the keys. */
  | {
      readonly kind: "run-records";
      readonly keys: TransferKeys;
      readonly path: RecordsPath;
      readonly fromOffset: number;
      /** Where a directory's list ends: what is behind it waits for the receiver's `proceed`. */
      readonly holdAt: number | undefined;
      /** Life of a session key as the header tells it. */
      readonly sessionSeconds: number;
    }
  /** Go on over this pipe, also when the one in use has shown no fault here. */
  | { readonly kind: "replace-pipe"; readonly ticket: Uint8Array }
  /** The receiver has said by its receipt what `done` would say. Answer as for `run-records`. */
  | ({ readonly kind: "confirm-records" } & RecordsOutcome)
  /** Frames that came in an envelope, for the records under way. */
  | { readonly kind: "feed-records"; readonly frames: Uint8Array }
  /** Give up the records under way; their answer still comes. */
  | { readonly kind: "stop-records"; readonly error: PosternError }
  | { readonly kind: "emit"; readonly event: TransferEvent };

export type TransferEvent =
  | {
      readonly kind: "offer";
      readonly profile: Profile;
      readonly content: ContentDescription;
    }
  | { readonly kind: "offered" }
  | { readonly kind: "master-key"; readonly source: KeySource; readonly counter: number }
  | { readonly kind: "key-renewed" }
  | { readonly kind: "accepted"; readonly offset: number }
  | ({ readonly kind: "done"; readonly nextMasterKey: boolean } & RecordsOutcome)
  | { readonly kind: "failed"; readonly error: PosternError };

/** What a person may say to an offer. */
export type Decision = Extract<
  Verdict,
  "accept" | "decline" | "no-space" | "too-large" | "invalid"
>;

/**
 * A short message rides in envelopes, everything else through a pipe: both ends know which. A
 * signed one is no exception to the rest: what is signed goes with the last record and with `done`.
 */
export function ridesInEnvelopes({
  kind,
  size,
  signed,
}: Pick<ContentDescription, "kind" | "size" | "signed">): boolean {
  return kind === "message" && !signed && size !== undefined && size <= MESSAGE_INLINE_BYTES_MAX;
}

/** Of a list that ends before this offset nothing has to be waited for: it was agreed to. */
export function holdAtOf({ manifest }: ContentDescription, fromOffset: number): number | undefined {
  return manifest !== undefined && fromOffset < manifest.bytes ? manifest.bytes : undefined;
}

/** How long a sender may take to check what its receiver holds. */
export function heldCheckMs(offset: number): number {
  return ANSWER_TIMEOUT_MS + Math.ceil(offset / HELD_CHECK_BYTES_PER_MS);
}

export function emit(event: TransferEvent): TransferEffect {
  return { kind: "emit", event };
}
