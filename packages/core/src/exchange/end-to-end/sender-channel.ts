/**
 * The sender's end of a channel: what it keeps between transfers, and each thing that can happen
 * to it, as functions from one state to the next. docs/protocol-end-to-end.md 7.3.3-7.3.6.
 *
 * ```text
 *   (nothing) ── sealOffer, package ──► channel n=1 ── sealOffer ──► n=2 ...
 *       ▲                                  │ ▲
 *       │                                  │ └── acceptReceipt: entry out of the outbox, newest key
 *       └────────── heedResync ────────────┘
 * ```
 *
 * Invariants: the driver stores a returned record durably before it performs anything else that
 * was returned with it. A chain key is used once and is then in no record.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { PosternError } from "../../errors.ts";
import type { Identity } from "../../identity/identity.ts";
import { decodeKeyPackage, type KeyPackage, type PackageType } from "../../identity/key-package.ts";
import { OUTBOX_MAX } from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import type { ExchangeContext } from "../context.ts";
import type { OfferedBytes } from "../steps.ts";
import type { TransferKeys } from "../transfer-keys.ts";
import { isEpochInReach, nextEpoch } from "./epoch.ts";
import { deriveInitKeys, deriveOpenKeys, withoutKem, type DerivedKeys } from "./keys.ts";
import { encodeEndToEndOuter, type OfferType } from "./outer.ts";
import { openEndToEndReceipt, receiptPlace, type EndToEndReceipt } from "./receipt.ts";
import { decodeResync, offerDigest, type Resync } from "./resync.ts";
import { messageDigest, sealEndToEndHeader, sealMessage } from "./sealed-header.ts";

/** What a sender keeps of its channel to one receiver. */
export interface SenderRecord {
  /** The greatest epoch of the pair so far; 0 without one. */
  readonly lastEpoch: number;
  /** A package of the receiver that came with its own first offer. */
  readonly package: Uint8Array | undefined;
  readonly channel: SenderChannel | undefined;
}

export interface SenderChannel {
  readonly epoch: number;
  /** th_0 */
  readonly id: Uint8Array;
  /** Number of the next transfer. */
  readonly next: number;
  /** th_(next-1) */
  readonly transcript: Uint8Array;
  /** CK_next */
  readonly chainKey: Uint8Array;
  readonly keyNumber: number;
  readonly kid: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly renewedAt: WallMs;
  /** Offers without a receipt, by their numbers. */
  readonly outbox: readonly OutboxEntry[];
}

export interface OutboxEntry extends OfferedBytes {
  readonly n: number;
  readonly transfer: Uint8Array;
  /** The message that rides in the offer, sealed; empty without one. */
  readonly content: Uint8Array;
  readonly transcript: Uint8Array;
  readonly receiptKey: Uint8Array;
}

export const NO_SENDER_RECORD: SenderRecord = {
  lastEpoch: 0,
  package: undefined,
  channel: undefined,
};

/** What the driver knows of an offer to be made. */
export interface OfferRequest {
  readonly context: ExchangeContext;
  readonly identity: Identity;
  /** The encoded transfer header. */
  readonly header: Uint8Array;
  /** A message that rides in the offer, padded; `undefined` when the content comes later. */
  readonly message: Uint8Array | undefined;
  readonly now: WallMs;
  /** Only read when the offer begins a channel. */
  readonly init: {
    /** The receiver's package, fresh from the relay; not needed while the record has one. */
    readonly package: Uint8Array | undefined;
    /** A package of this client, for the channel the other way. */
    readonly replyPackage: Uint8Array | undefined;
    readonly pairingSecret: Uint8Array | undefined;
  };
}

export interface SealedOffer extends OfferedBytes {
  readonly n: number;
  readonly epoch: number;
  readonly content: Uint8Array;
  /** Of `content`; `undefined` without one. */
  readonly digest: Uint8Array | undefined;
  readonly keys: TransferKeys;
  /** Earlier offers that have no receipt yet. */
  readonly unreceipted: readonly OutboxEntry[];
}

export type SealOutcome =
  | { readonly kind: "sealed"; readonly record: SenderRecord; readonly offer: SealedOffer }
  /** There is no channel and no package: fetch one and ask again. */
  | { readonly kind: "needs-package" }
  | {
      readonly kind: "failed";
      readonly error: PosternError;
      /** Earlier offers that have no receipt yet. */
      readonly unreceipted: readonly OutboxEntry[];
    };

/** Makes transfer `next` of the channel, or transfer 0 of a new one. */
export function sealOffer(record: SenderRecord, request: OfferRequest): SealOutcome {
  const { channel } = record;
  if (channel === undefined) return sealInit(record, request);
  if (channel.outbox.length >= OUTBOX_MAX)
    return failed("peer/busy", "too many transfers wait for the receiver's word", channel.outbox);
  const { suite } = request.context;
  const encapsulated =
    channel.keyNumber === 0 ? withoutKem(suite) : suite.encapsulate(channel.publicKey);
  // The receiver has signed a key that is none. That channel is over; the next may be a good one.
  if (encapsulated === undefined) return sealInit(overWith(record, channel), request);
  const { ciphertext, secret } = encapsulated;
  const { next: n, epoch, kid } = channel;
  const fields = { type: "open", n, epoch, kid, ciphertext } as const;
  const outer = encodeEndToEndOuter(request.context, fields);
  const base = { ...channel, channel: channel.id };
  const derived = deriveOpenKeys(suite, outer, ciphertext, base, secret);
  wipe(channel.chainKey);
  return finishOffer(record, request, channel, { outer, derived, replyPackage: undefined });
}

function sealInit(record: SenderRecord, request: OfferRequest): SealOutcome {
  const { context, init, now } = request;
  const kept = packageOf(record.package, request, ["reply"]);
  if (kept === undefined && init.package === undefined) return { kind: "needs-package" };
  const target = kept ?? packageOf(init.package, request, ["one-time", "last-resort"]);
  if (target === undefined)
    return failed("peer/no-package", "the relay gave no valid key package of the receiver");
  const { ciphertext, secret } = target;
  const { pairingSecret } = init;
  const type: OfferType = pairingSecret === undefined ? "init" : "paired-init";
  const epoch = nextEpoch(record.lastEpoch, now);
  // A clock may be anywhere; none above this can be written down.
  if (!Number.isSafeInteger(epoch))
    return failed("peer/channel-stale", "no epoch is left for another channel");
  const { kid, publicKey, encoded } = target;
  const outer = encodeEndToEndOuter(context, { type, n: 0, epoch, kid, ciphertext });
  const base = { package: encoded, pairingSecret };
  const derived = deriveInitKeys(context, outer, ciphertext, base, secret);
  const { transcript } = derived.keys;
  const channel: SenderChannel = {
    epoch,
    id: transcript,
    next: 0,
    transcript,
    chainKey: derived.nextChainKey,
    keyNumber: 0,
    kid,
    publicKey,
    renewedAt: now,
    outbox: [],
  };
  const { replyPackage } = init;
  return finishOffer(record, request, channel, { outer, derived, replyPackage });
}

type Encapsulated = NonNullable<ReturnType<ExchangeContext["suite"]["encapsulate"]>>;

/**
 * With a secret for it. `undefined` when it is not a valid package of the receiver, of the type
 * that comes this way, or its key is none.
 */
function packageOf(
  encoded: Uint8Array | undefined,
  { context, now }: OfferRequest,
  types: readonly PackageType[],
): (KeyPackage & Encapsulated & { readonly encoded: Uint8Array }) | undefined {
  if (encoded === undefined) return undefined;
  const decoded = decodeKeyPackage(context.suite, context.receiver.id, encoded, now);
  if (decoded === undefined || !types.includes(decoded.type)) return undefined;
  const encapsulated = context.suite.encapsulate(decoded.publicKey);
  return encapsulated && { ...decoded, ...encapsulated, encoded };
}

function finishOffer(
  record: SenderRecord,
  { context, identity, header, message }: OfferRequest,
  channel: SenderChannel,
  made: {
    readonly outer: Uint8Array;
    readonly derived: DerivedKeys;
    readonly replyPackage: Uint8Array | undefined;
  },
): SealOutcome {
  const { outer, derived, replyPackage } = made;
  const { suite, transfer } = context;
  const { keys } = derived;
  const { signing } = identity;
  const sealedHeader = sealEndToEndHeader(context, signing, keys, outer, { header, replyPackage });
  const content = message === undefined ? NOTHING : sealMessage(suite, keys, message);
  const { next: n, epoch, outbox } = channel;
  const { transcript } = keys;
  const receiptKey = keys.receipt.slice();
  const entry = { n, transfer, outer, sealedHeader, content, transcript, receiptKey };
  return {
    kind: "sealed",
    record: {
      lastEpoch: Math.max(record.lastEpoch, epoch),
      package: undefined,
      channel: {
        ...channel,
        next: n + 1,
        transcript,
        chainKey: derived.nextChainKey,
        outbox: [...outbox, entry],
      },
    },
    offer: {
      n,
      epoch,
      outer,
      sealedHeader,
      content,
      digest: message === undefined ? undefined : messageDigest(suite, content),
      keys,
      unreceipted: outbox,
    },
  };
}

export interface AcceptedReceipt {
  readonly record: SenderRecord;
  readonly transfer: Uint8Array;
  readonly receipt: EndToEndReceipt;
}

/**
 * `undefined`, and nothing changes, for a receipt that is not for this transfer's offer in the
 * outbox: one that came under the name of another transfer of the channel waits for its own.
 */
export function acceptEndToEndReceipt(
  record: SenderRecord,
  { suite, receiver, transfer }: Pick<ExchangeContext, "suite" | "receiver" | "transfer">,
  bytes: Uint8Array,
  now: WallMs,
): AcceptedReceipt | undefined {
  const { channel } = record;
  const place = receiptPlace(bytes);
  if (channel === undefined || place?.epoch !== channel.epoch) return undefined;
  const entry = channel.outbox.find(({ n }) => n === place.n);
  if (entry === undefined || !equalBytes(entry.transfer, transfer)) return undefined;
  if (!equalBytes(place.channel, channel.id)) return undefined;
  const receipt = openEndToEndReceipt(suite, receiver.id, entry, bytes);
  if (receipt === undefined) return undefined;
  const { keyNumber, kid, publicKey } = receipt;
  const newer = keyNumber > channel.keyNumber && { keyNumber, kid, publicKey, renewedAt: now };
  return {
    record: withoutEntry(record, { ...channel, ...newer }, entry),
    transfer: entry.transfer,
    receipt,
  };
}

export type ResyncOutcome =
  /** Not the receiver's word on this offer. */
  | { readonly kind: "ignored" }
  /** Send these again, as the same bytes. */
  | { readonly kind: "repeat"; readonly offers: readonly OutboxEntry[] }
  /** The channel is over, or was before: make the offer anew. */
  | { readonly kind: "anew"; readonly record: SenderRecord };

export type StrayOutcome =
  | Exclude<ResyncOutcome, { kind: "repeat" }>
  | { readonly kind: "forgotten"; readonly record: SenderRecord };

/** The receiver's word that it cannot take `offer`. */
export function heedResync(
  record: SenderRecord,
  context: Pick<ExchangeContext, "suite" | "sender" | "receiver">,
  offer: OfferedBytes & {
    readonly epoch: number;
    /** From here on its transfer has had offers sent again before. */
    readonly repeatedFrom?: number | undefined;
  },
  bytes: Uint8Array,
  now: WallMs,
): ResyncOutcome {
  const resync = decodeResync(context, bytes);
  if (resync === undefined || !equalBytes(resync.offer, offerDigest(context.suite, offer)))
    return { kind: "ignored" };
  const { channel } = record;
  if (channel === undefined || channel.epoch !== offer.epoch) return { kind: "anew", record };
  const entry = channel.outbox.find(({ outer }) => equalBytes(outer, offer.outer));
  if (entry === undefined || !isEpochInReach(resync.epoch, record.lastEpoch, now))
    return { kind: "ignored" };
  const offers = gapOf(channel, resync, entry);
  // Sent again already, and the receiver is where it was: its channel is another one.
  if (offers !== undefined && resync.expected !== offer.repeatedFrom)
    return { kind: "repeat", offers };
  return { kind: "anew", record: withoutChannel(record, channel, resync) };
}

/**
 * The receiver's word on an offer whose transfer has ended here. A gap is filled when the next
 * transfer meets it; `anew`: the channel is over; `forgotten`: the receiver is past this one and
 * has no receipt of it any more, so nothing will come. (If it had another of this number, the next
 * offer does not fit either, and that one is made anew.)
 */
export function heedStrayResync(
  record: SenderRecord,
  context: Pick<ExchangeContext, "suite" | "sender" | "receiver" | "transfer">,
  bytes: Uint8Array,
  now: WallMs,
): StrayOutcome {
  const { channel } = record;
  const entry = channel?.outbox.find(({ transfer }) => equalBytes(transfer, context.transfer));
  const resync = decodeResync(context, bytes);
  if (channel === undefined || entry === undefined || resync === undefined)
    return { kind: "ignored" };
  if (!equalBytes(resync.offer, offerDigest(context.suite, entry))) return { kind: "ignored" };
  if (!isEpochInReach(resync.epoch, record.lastEpoch, now)) return { kind: "ignored" };
  if (gapOf(channel, resync, entry) !== undefined) return { kind: "ignored" };
  if (resync.epoch === channel.epoch && resync.expected > entry.n)
    return { kind: "forgotten", record: withoutEntry(record, channel, entry) };
  return { kind: "anew", record: withoutChannel(record, channel, resync) };
}

function withoutEntry(
  record: SenderRecord,
  channel: SenderChannel,
  entry: OutboxEntry,
): SenderRecord {
  wipe(entry.receiptKey);
  const outbox = channel.outbox.filter((other) => other !== entry);
  return { ...record, channel: { ...channel, outbox } };
}

function withoutChannel(
  record: SenderRecord,
  channel: SenderChannel,
  resync: Resync,
): SenderRecord {
  const over = overWith(record, channel);
  return { ...over, lastEpoch: Math.max(over.lastEpoch, resync.epoch) };
}

function overWith({ lastEpoch }: SenderRecord, channel: SenderChannel): SenderRecord {
  wipeSenderChannel(channel);
  return { lastEpoch, package: undefined, channel: undefined };
}

/** Every offer that the receiver lacks; `undefined` when it has not just lost some. */
function gapOf(
  { epoch, next, outbox }: SenderChannel,
  resync: Resync,
  entry: OutboxEntry,
): readonly OutboxEntry[] | undefined {
  // It has another offer of this number, or waits for this number and cannot take the offer: what
  // went before is another history.
  if (resync.epoch !== epoch || resync.expected >= entry.n) return undefined;
  const offers = outbox.filter(({ n }) => n >= resync.expected);
  return offers.length === next - resync.expected ? offers : undefined;
}

export function wipeSenderRecord({ channel }: SenderRecord): void {
  if (channel !== undefined) wipeSenderChannel(channel);
}

function wipeSenderChannel({ chainKey, outbox }: SenderChannel): void {
  wipe(chainKey, ...outbox.map(({ receiptKey }) => receiptKey));
}

function failed(
  code: "peer/busy" | "peer/no-package" | "peer/channel-stale",
  why: string,
  unreceipted: readonly OutboxEntry[] = [],
): SealOutcome {
  return { kind: "failed", error: new PosternError(code, why), unreceipted };
}

const NOTHING = new Uint8Array(0);
