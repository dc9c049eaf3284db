/**
 * What an application sees of Postern: plain types, no behaviour. See `client.ts`.
 *
 * @module
 */
import type { Sha256Stream } from "@postern/core/crypto";
import type { ErrorCode, PosternError } from "@postern/core/errors";
import type { Contacts, Paired, Pairing, PairingOptions, PeerName } from "./people.ts";

export type ProfileName = "symmetric" | "asymmetric" | "end-to-end";

/** One entry of the relay's list of free receivers. */
export interface Receiver {
  readonly name: string;
  /** Base32, 52 characters. */
  readonly fingerprint: string;
  /** Transfers it can take at once, now. */
  readonly free: number;
  readonly profiles: readonly ProfileName[];
}

export type ContentKind = "message" | "file" | "directory" | "stream";

export interface ContentInfo {
  readonly kind: ContentKind;
  /** File name as its sender gave it: hostile. Empty for a message. */
  readonly name: string;
  /** Bytes; `undefined` when a stream's length is not known beforehand. */
  readonly size: number | undefined;
  /** Of a directory only: `size` is that of its manifest and of all its files after it. */
  readonly manifest?: ManifestSize;
}

/** The list of a directory's entries, with which its content begins. */
export interface ManifestSize {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Over RSA; kept from the pair's last transfer; end-to-end by a first key package, or by a step of
 * the pair's channel.
 */
export type KeySource = "fresh-rsa" | "kept" | "key-package" | "channel";

/** What happens during one transfer, in order; the last event is `done` or `failed`. */
export type TransferEvent =
  | { readonly type: "offered" }
  /** How the master key reached the other side; `counter`: transfers of the pair before it. */
  | { readonly type: "master-key"; readonly source: KeySource; readonly counter: number }
  | { readonly type: "accepted"; readonly offset: number }
  | { readonly type: "session-key"; readonly number: number; readonly atOffset: number }
  /** `keyAgeMs`: age of the current session key; `bytes`: verified by the receiver. */
  | {
      readonly type: "progress";
      readonly bytes: number;
      readonly total: number | undefined;
      readonly sessionKey: number;
      readonly keyAgeMs: number;
    }
  | { readonly type: "resend"; readonly fromOffset: number; readonly damaged: number }
  /** The pipe broke; the content goes on over another, the `count`th. */
  | { readonly type: "new-pipe"; readonly count: number }
  /**
   * The key the offer was made under was not known on the other side: a fresh one goes by RSA, or
   * (end-to-end) a new channel begins, for one side's state was lost or is an older copy.
   */
  | { readonly type: "key-renewed" }
  | { readonly type: "done"; readonly receipt: Receipt }
  | { readonly type: "failed"; readonly error: PosternError };

export interface Receipt {
  readonly transfer: string;
  readonly bytes: number;
  readonly sessionKeys: number;
  readonly resends: number;
  /** Pipes used; 0 for a message that needed none. */
  readonly pipes: number;
  /** A new master key is stored on both sides for the pair's next transfer. */
  readonly nextMasterKey: boolean;
  /** Of a transfer that was sent `signed`: a JSON text that anybody can check. */
  readonly signed?: string;
}

/** One running transfer, either role. Iterating it yields its events from the first one on. */
export interface Transfer extends AsyncIterable<TransferEvent> {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly peer: PeerName;
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  /** Resolves with `done`'s receipt. @throws {@link PosternError} of the `failed` event. */
  readonly finished: Promise<Receipt>;
  /** Ends the transfer on both sides. Nothing appears under the final name. */
  cancel(): void;
  /**
   * Ends it here, before {@link Client.close}, which does so with all that still run. Nobody has
   * said no: a sender may wait for its receiver to come back. What is sent is cancelled.
   */
  leave(): void;
}

export type DeclineReason = "decline" | "no-space" | "too-large" | "invalid";

/** An offer that waits for its receiver's decision (at most `CONSENT_TIMEOUT_MS`). */
export interface Offer {
  readonly id: string;
  readonly from: PeerName;
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  /** 32 hexadecimal digits: the same in every transfer that delivers the same content. */
  readonly contentId: string;
  /** Its sender asks for a receipt that others can check, signed by this device. */
  readonly signed: boolean;
  /** What this device remembers of the content, over all its transfers. */
  readonly journal: PartJournal;
  /** @throws {@link PosternError} `usage/wrong-state` when it was decided or has gone. */
  accept(sink: ContentSink): Transfer;
  /** `no-space`, `too-large`, `invalid`: this device cannot take it. Absent: a person said no. */
  decline(reason?: DeclineReason): void;
}

/** A `Offer` or what else a waiting receiver should know. */
export type ReceiveEvent =
  /** The relay has been told that this client receives: first of all, and after a new link. */
  | { readonly type: "listening" }
  | { readonly type: "offer"; readonly offer: Offer }
  /** An offer ended before it was decided. */
  | { readonly type: "withdrawn"; readonly id: string; readonly error: PosternError };

export type ClientEvent =
  | {
      readonly type: "connected";
      readonly relay: RelayInfo;
      readonly firstUse: boolean;
      /** This device's clock before the relay's, which may say anything: a hint at a wrong one. */
      readonly clockAheadMs: number;
    }
  /** Asymmetric profile: client and relay have proved their RSA keys; SHA-256 of the relay's. */
  | { readonly type: "relay-authenticated"; readonly fingerprint: string }
  | { readonly type: "reconnecting"; readonly error: PosternError; readonly inMs: number }
  | {
      readonly type: "notice";
      readonly notice: "restarting" | "overloaded";
      readonly afterMs: number;
    }
  /**
   * What a receiver signed of a transfer that had ended here without its receipt: at the earliest
   * before the next transfer to it.
   */
  | {
      readonly type: "late-receipt";
      readonly transfer: string;
      readonly fingerprint: string;
      /** What the person calls it; `undefined` for who is no contact. */
      readonly name: string | undefined;
      /** `goes-on`: it broke off, and its content comes by another transfer, now or later. */
      readonly outcome: "arrived" | "declined" | "not-arrived" | "goes-on";
    }
  | { readonly type: "closed"; readonly error: PosternError | undefined };

export interface RelayInfo {
  /** `postern://HOST:PORT` */
  readonly address: string;
  readonly fingerprint: string;
}

/**
 * Where content comes from. Bytes must stay the same while the transfer runs; `read` is called
 * again for bytes that have to be sent again, never before the last `verified`.
 */
export interface ContentSource {
  readonly info: ContentInfo;
  /** Fills `into` from `offset`. Returns the bytes read, 0 only at the end of the content. */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** As `read`, for bytes that take no time to read; `undefined`: by `read`. May throw. */
  readNow?(into: Uint8Array, offset: number): number | undefined;
  /**
   * SHA-256 of the content up to `offset`, of a source that cannot read it again; `undefined` when
   * it does not know. Without this method the content is read once more.
   */
  digestTo?(offset: number): Promise<Uint8Array | undefined>;
  /** Bytes below `offset` are with the receiver and will not be asked for again. */
  verified(offset: number): void;
  /** @throws {@link PosternError} `transfer/source-changed` when it is not what was announced. */
  close(): Promise<void>;
}

/** Where verified content goes. All calls come one after the other. */
export interface ContentSink {
  /** What an earlier transfer of the same content left here: this one goes on behind it. */
  readonly held?: HeldContent | undefined;
  /** Takes the bytes at `offset`; may keep the view until the promise ends. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** As `write`, when it takes no time: true when it is done; false: by `write`. May throw. */
  writeNow?(bytes: Uint8Array, offset: number): boolean;
  /** Everything is verified: make it durable and give it its final name. */
  commit(total: number): Promise<void>;
  /**
   * Of a directory: its manifest is written. Resolves when the person takes what it lists; nothing
   * behind it is sent before. Not called when `held` reaches to its end or beyond: what has no
   * consent yet is held as less. `abandon` may come while this waits.
   *
   * @throws {@link PosternError} `transfer/declined`, `transfer/invalid`, `store/no-space`
   */
  consent?(): Promise<void>;
  /** The transfer failed or was cancelled: keeps what can be gone on with. Must not throw. */
  abandon(): Promise<void>;
}

export interface HeldContent {
  /** Bytes from the start of the content, all verified. */
  readonly offset: number;
  /** Over these bytes; the client copies it. */
  readonly hashed: Sha256Stream;
}

/** Where a sink notes what it needs to go on with a content after a restart; the client's store. */
export interface PartJournal {
  read(): Promise<PartNote | undefined>;
  /** Durable when it resolves. */
  write(note: PartNote): Promise<void>;
  /** The content is whole, or given up. */
  drop(): Promise<void>;
}

export interface PartNote {
  /** Absolute: where the content will be. */
  readonly directory: string;
  /** Its name there, as it will be stored. */
  readonly name: string;
  /** File or folder in `directory` that holds what has come. */
  readonly part: string;
  /** So many are on the disk for sure; more may be in the part. */
  readonly bytes: number;
  /**
   * In which start of this computer more may have been written behind them; only `bytes` count
   * after another, and when the disk may not have taken the rest.
   */
  readonly boot: string | undefined;
  /** SHA-256 of a whole directory, all of it on the disk: it gets its name, or has it. */
  readonly digest?: Uint8Array | undefined;
  /** Then: what its entries at the top are called, or will be; of many the first ones. */
  readonly names?: readonly string[] | undefined;
}

/** What becomes of symbolic links in a folder that is sent: left out, or kept as links. */
export type LinkListing = "skip" | "keep";

export interface SendOptions {
  /** A contact's name, a name at the relay, or who was met by a code. */
  readonly to: string | Paired;
  readonly content: ContentSource;
  readonly profile: ProfileName;
  /** Bytes per second; unlimited when absent. */
  readonly rateLimit?: number;
  /** Life of a session key in seconds, 1-60; 5 when absent. */
  readonly sessionSeconds?: number;
  /** Asks for a receipt that others can check, and signs what is sent. */
  readonly signed?: boolean;
  /** 16 bytes, of a content that was sent before in part; new when absent. */
  readonly contentId?: Uint8Array;
}

/** A content that is brought to its receiver over as many transfers as it takes. */
export interface DeliverOptions extends Omit<SendOptions, "content" | "contentId"> {
  /** Opens the content: once for every transfer. The client closes it. */
  readonly open: () => Promise<ContentSource>;
  /** Goes on with this unfinished one (its `id`); absent: something new. */
  readonly id?: string;
  /**
   * Something new, in place of this unfinished one (its `id`), which the person has given up: when
   * it is there, the receiver need not keep what it has of that.
   */
  readonly replaces?: string;
  /**
   * Absolute paths of what `open` opens, so that it can be gone on with after a restart. Absent:
   * it ends with this client.
   */
  readonly paths?: readonly string[];
  /** How folders among them are listed: remembered with them. */
  readonly links?: LinkListing;
  /** How long to wait for a relay or receiver that has gone; for ever when absent. */
  readonly patienceMs?: number;
}

export type DeliveryEvent =
  | TransferEvent
  /** A transfer broke; another starts in `inMs`, again and again until the other side is there. */
  | {
      readonly type: "waiting";
      readonly for: "relay" | "receiver";
      readonly error: PosternError;
      readonly inMs: number;
    };

/** Iterating yields the events of all its transfers; `done` or `failed` comes once, last. */
export interface Delivery extends AsyncIterable<DeliveryEvent> {
  /** 32 hexadecimal digits: the content's. */
  readonly id: string;
  readonly content: ContentInfo;
  readonly peer: PeerName;
  readonly profile: ProfileName;
  /** @throws {@link PosternError} of the `failed` event */
  readonly finished: Promise<Receipt>;
  /** Ends it for now: what was begun stays on both sides, to be gone on with. */
  cancel(): void;
}

/** A content that was begun and is not whole on the other side, or on this one. */
export interface Unfinished {
  readonly id: string;
  readonly role: "sending" | "receiving";
  readonly peer: PeerName;
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly signed: boolean;
  /** Of the content's bytes, those that are with the receiver for sure. */
  readonly bytes: number;
  /** ms since 1970. */
  readonly beganAt: number;
  readonly changedAt: number;
  /** Why its last transfer ended. */
  readonly error: ErrorCode | undefined;
  /** Of the sources, or of the part that is kept here: absolute. */
  readonly paths: readonly string[];
  /** How folders among the sources were listed; absent: `skip`. */
  readonly links?: LinkListing;
}

/** What this device remembers of unfinished contents, in both roles. */
export interface UnfinishedContents {
  /** The latest first. */
  list(): Promise<readonly Unfinished[]>;
  /** By the first digits of its id. `undefined`: none, or more than one. */
  find(id: string): Promise<Unfinished | undefined>;
  /** What is received of the same peer and was given up for this content. */
  replacedBy(by: Pick<Offer, "contentId" | "from">): Promise<readonly Unfinished[]>;
  /** Forgets it; a part on the disk is the caller's to remove. */
  drop(unfinished: Pick<Unfinished, "id" | "role" | "peer">): Promise<void>;
}

export interface ReceiveOptions {
  readonly profiles: readonly ProfileName[];
  /** Transfers at once; 1 when absent. */
  readonly capacity?: number;
  /** Appear in the relay's list; true when absent. */
  readonly listed?: boolean;
  /** Offers of anybody else are refused unseen. */
  readonly from?: Paired;
}

/** One connected client: one link, any number of transfers. Made by `connect`. */
export interface Client {
  readonly name: string;
  readonly fingerprint: string;
  readonly relay: RelayInfo;
  readonly contacts: Contacts;
  readonly unfinished: UnfinishedContents;
  /**
   * Meets another client by a short code.
   *
   * @throws {@link PosternError} `pairing/invalid-code`, `usage/invalid-argument`
   */
  pair(options?: PairingOptions): Pairing;
  /** Free receivers that chose to be listed, in the order of their names. */
  receivers(): AsyncIterable<Receiver>;
  /**
   * Finds the receiver and starts the transfer; what goes wrong later comes as its `failed` event.
   *
   * @throws {@link PosternError} `peer/unknown`, `peer/absent`, `peer/busy`,
   * `peer/profile-refused`, `peer/key-changed` (the relay's name is not the contact's key),
   * `peer/blocked`, `contact/downgrade`, `contact/ambiguous`, `link/closed`; the source is then
   * closed.
   */
  send(options: SendOptions): Promise<Transfer>;
  /**
   * Like `send`, and starts further transfers of the same content when one breaks.
   *
   * @throws {@link PosternError} as `send`, for the first transfer; `transfer/unknown` when there
   * is no unfinished content of `id`; `transfer/source-changed` when `open` gives another one.
   */
  deliver(options: DeliverOptions): Promise<Delivery>;
  /** Ends when the caller stops iterating or the client closes. One at a time. */
  receive(options: ReceiveOptions): AsyncIterable<ReceiveEvent>;
  /** From the first event on; ends with `closed`. */
  readonly events: AsyncIterable<ClientEvent>;
  /**
   * Ends everything. What is being received is not declined by that: its sender may wait for this
   * client to be back. `cancel()` says no.
   */
  close(): Promise<void>;
}

/** A stable one-line form of an error for `--json`. */
export interface ErrorReport {
  readonly type: "error";
  readonly code: ErrorCode;
}
