/**
 * What a {@link Peer} is told and what it asks of its driver: plain data.
 *
 * @module
 */
import type { Suite } from "../crypto/suite.ts";
import type { PosternError } from "../errors.ts";
import type { Party } from "../exchange/context.ts";
import type { RequestStatus } from "../exchange/steps.ts";
import type { LinkFrame, RelayFrame } from "../link/frames.ts";
import type { Profile } from "../exchange/profile.ts";
import type { SendRequest } from "../transfer/send.ts";
import type { ReceiveInput } from "../transfer/receive-state.ts";
import type { TransferEnvelope } from "../transfer/envelope.ts";
import type { SeenTransfers } from "./seen-transfers.ts";
import type { TransferEffect } from "../transfer/steps.ts";

export interface PeerOptions {
  readonly suite: Suite;
  readonly self: Party;
  readonly relayFingerprint: Uint8Array;
  /** Offers seen on earlier links of this client: a new link forgets none of them. */
  readonly seen?: SeenTransfers;
  /** What this client thinks of offers of this identity (fingerprint); absent: all are welcome. */
  readonly admits?: (fingerprint: Uint8Array, profile: Profile) => PeerAdmission;
}

/** `blocked`: declined, and nothing else of it is read. */
export type PeerAdmission = "welcome" | "profile-refused" | "blocked";

/** Names a transfer on this client: `hex(peer fingerprint):hex(transfer id)`. */
export type TransferKey = string;

/** What a receiver takes. Until the first `listen`, every offer is refused. */
export interface ReceivePolicy {
  readonly profiles: readonly Profile[];
  /** Transfers it takes at once. */
  readonly capacity: number;
}

export type PeerInput =
  | { readonly kind: "frame"; readonly frame: RelayFrame }
  | { readonly kind: "link-lost"; readonly error: PosternError }
  | { readonly kind: "listen"; readonly policy: ReceivePolicy; readonly listed: boolean }
  | {
      readonly kind: "send";
      /** 16 random bytes. */
      readonly transfer: Uint8Array;
      readonly to: Party;
      readonly request: SendRequest;
    }
  | { readonly kind: "transfer"; readonly key: TransferKey; readonly input: ReceiveInput }
  /** Record frames of a transfer whose path is envelopes; at most what one envelope holds. */
  | { readonly kind: "send-frames"; readonly key: TransferKey; readonly frames: Uint8Array }
  | { readonly kind: "query"; readonly token: number; readonly query: DirectoryQuery }
  /** An envelope that no transfer here sends: the answer to a {@link StrayEnvelope}. */
  | { readonly kind: "post"; readonly to: Uint8Array; readonly envelope: TransferEnvelope }
  /** Of earlier offers to who has this fingerprint something was heard; see `ExchangeInput`. */
  | { readonly kind: "room-made"; readonly of: Uint8Array }
  | { readonly kind: "woke" };

/** What is left of transfers that have ended here: the pair's channel has to hear it. */
export type StrayEnvelope = Extract<
  TransferEnvelope,
  { readonly kind: "close" | "receipt" | "resync" }
>;

export type DirectoryQuery =
  | { readonly kind: "list"; readonly after: string }
  | { readonly kind: "find"; readonly name: string }
  /** The certified RSA key of who has this fingerprint (32 bytes). */
  | { readonly kind: "certificate"; readonly of: Uint8Array }
  /** A key package of who has this fingerprint. */
  | { readonly kind: "package"; readonly of: Uint8Array }
  /** Own packages to add, after all that the relay held when `replace`; none to ask what it has. */
  | {
      readonly kind: "publish";
      readonly replace: boolean;
      readonly packages: readonly Uint8Array[];
    }
  | { readonly kind: "pair-open" }
  | { readonly kind: "pair-join"; readonly slot: number };

export type PeerEffect =
  | { readonly kind: "frame"; readonly frame: LinkFrame }
  | {
      readonly kind: "transfer";
      readonly key: TransferKey;
      readonly party: Party;
      /** What the relay calls the peer; empty for a transfer this client sends. */
      readonly name: string;
      readonly role: "sending" | "receiving";
      readonly transfer: Uint8Array;
      readonly effect: DriverEffect;
    }
  | { readonly kind: "stray"; readonly party: Party; readonly envelope: StrayEnvelope }
  /** `query` is the kind of what was asked under this token. */
  | {
      readonly kind: "answered";
      readonly token: number;
      readonly query: DirectoryQuery["kind"];
      readonly answer: DirectoryAnswer;
    };

/** A transfer's effects that are not the peer machine's own work. */
export type DriverEffect = Exclude<
  TransferEffect,
  { readonly kind: "send-envelope" | "open-pipe" | "key-up" | "repeat-offers" }
>;

/** Frames that answer a {@link DirectoryQuery}. */
export type AnswerFrame = Extract<
  RelayFrame,
  {
    readonly kind:
      | "receivers"
      | "found"
      | "certificate"
      | "package"
      | "packages-held"
      | "pair-slot";
  }
>;

export type DirectoryAnswer =
  | AnswerFrame
  /** The relay let this client into the slot. */
  | { readonly kind: "done" }
  | { readonly kind: "overloaded" }
  /** Nothing came for `ANSWER_TIMEOUT_MS`. */
  | { readonly kind: "unanswered" }
  /** The relay said no, or `result` where it owed an answer. */
  | { readonly kind: "refused"; readonly status: RequestStatus };
