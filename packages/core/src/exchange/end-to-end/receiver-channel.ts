/**
 * The receiver's end of a channel: what it keeps between transfers, and each thing that can happen
 * to it. docs/protocol-end-to-end.md 7.3.2-7.3.6.
 *
 * ```text
 *   (nothing) ── openOffer INIT ──► expected 1 ── openOffer OPEN ──► expected 2 ...
 *                                      │  sealReceipt: stored, said again as the same bytes
 *                                      └─ INIT with a greater epoch: a new channel
 * ```
 *
 * Invariants: the driver stores a returned record durably before an answer or receipt leaves. An
 * offer that does not open changes nothing.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { ifWellFormed } from "../../bytes/reader.ts";
import { HASH_BYTES, KEM_SECRET_BYTES, type KemKeyPair } from "../../crypto/suite.ts";
import type { Identity } from "../../identity/identity.ts";
import { keyPackageFacts } from "../../identity/key-package.ts";
import type { WallMs } from "../../time.ts";
import type { ExchangeContext } from "../context.ts";
import type { OfferedBytes } from "../steps.ts";
import { wipeTransferKeys, type TransferKeys } from "../transfer-keys.ts";
import type { Verdict } from "../verdict.ts";
import {
  deriveInitKeys,
  deriveOpenKeys,
  noKemSecret,
  SALT_BYTES,
  saltKeys,
  type DerivedKeys,
} from "./keys.ts";
import { isEpochInReach } from "./epoch.ts";
import { decodeEndToEndOuter, KID_BYTES, type EndToEndOuter } from "./outer.ts";
import type { ReadyKeys } from "./ready-keys.ts";
import { sealEndToEndReceipt } from "./receipt.ts";
import {
  forgetReceived,
  freeSlot,
  receivedEntry,
  wasReceived,
  withReceived,
  type KeptReceipt,
  type ReceivedEntry,
  type ReceivedTransfers,
} from "./received-transfers.ts";
import { encodeResync, offerDigest } from "./resync.ts";
import { messageDigest, openEndToEndHeader, openMessage } from "./sealed-header.ts";

/** What a receiver keeps of the channel from one sender. */
export interface ReceiverRecord extends ReceivedTransfers {
  readonly epoch: number;
  /** th_0 */
  readonly id: Uint8Array;
  /** Number of the transfer that comes next. */
  readonly expected: number;
  /** th_(expected-1) */
  readonly transcript: Uint8Array;
  /** CK_expected */
  readonly chainKey: Uint8Array;
  /** Number of the last of `keys`. */
  readonly keyNumber: number;
  /**
   * The key the sender used last, then the one offered since, if any. Number 0 is the package's:
   * its seed is erased, and OPENs that name it have no KEM secret.
   */
  readonly keys: readonly OfferedKey[];
  readonly renewedAt: WallMs;
}

/** A key the sender may encapsulate to. */
export interface OfferedKey extends KemKeyPair {
  readonly kid: Uint8Array;
}

/** A package of this client, as its store has it. */
export interface OwnPackage {
  readonly seed: Uint8Array;
  readonly encoded: Uint8Array;
}

export interface OfferToOpen extends OfferedBytes {
  readonly context: ExchangeContext;
  readonly identity: Identity;
  /** The sealed message that came along; empty without one. */
  readonly content: Uint8Array;
  /** The package that {@link packageWanted} names; `undefined` when there is none. */
  readonly package: OwnPackage | undefined;
  readonly pairingSecret: Uint8Array | undefined;
  readonly now: WallMs;
  readonly readyKeys?: ReadyKeys | undefined;
}

export interface OpenedOffer {
  readonly n: number;
  readonly epoch: number;
  /** `answer` and `reverse` are salted already. */
  readonly keys: TransferKeys;
  /** Goes before the answer. */
  readonly salt: Uint8Array;
  /** The encoded transfer header. */
  readonly header: Uint8Array;
  readonly message: InlineMessage | undefined;
  /** Its transfer was opened before, under another number or in another channel. */
  readonly isReplayed?: boolean;
}

/** A message that came in its offer: padded, and the digest its receipt carries. */
export interface InlineMessage {
  readonly content: Uint8Array;
  readonly digest: Uint8Array;
}

export type OpenOutcome =
  | {
      readonly kind: "opened";
      readonly record: ReceiverRecord;
      readonly offer: OpenedOffer;
      /** Used up: its secret is erased with the same write. Never one of last resort. */
      readonly usedPackage: Uint8Array | undefined;
      /** A package of the sender, for the channel the other way. */
      readonly replyPackage: Uint8Array | undefined;
    }
  /** These very bytes were opened before. */
  | { readonly kind: "repeated"; readonly entry: ReceivedEntry }
  | { readonly kind: "out-of-step"; readonly resync: Uint8Array }
  /** The two sides have not the secret of one pairing, or the INIT was altered: both look alike. */
  | { readonly kind: "key-unknown" }
  | { readonly kind: "wrong-receiver" }
  /**
   * It does not open. `resync` for the header of the OPEN that was expected: honest bytes then
   * follow another history than this record, and only a new channel helps.
   */
  | { readonly kind: "invalid"; readonly resync?: Uint8Array };

/** kid of the package an offer needs; `undefined` when it needs none or is malformed. */
export function packageWanted(
  context: Pick<ExchangeContext, "transfer" | "sender">,
  outer: Uint8Array,
): Uint8Array | undefined {
  const decoded = ifWellFormed(() => decodeEndToEndOuter(context, outer));
  return decoded?.n === 0 ? decoded.kid : undefined;
}

/** Judges an offer, opens it, and moves the channel on. */
export function openOffer(record: ReceiverRecord | undefined, offer: OfferToOpen): OpenOutcome {
  const { context, outer } = offer;
  const decoded = ifWellFormed(() => decodeEndToEndOuter(context, outer));
  if (decoded === undefined) return { kind: "invalid" };
  if (!equalBytes(decoded.receiver, context.receiver.fingerprint))
    return { kind: "wrong-receiver" };
  const digest = offerDigest(context.suite, offer);
  const known = record?.epoch === decoded.epoch && receivedEntry(record, decoded.n, digest);
  if (known) return { kind: "repeated", entry: known };
  const isReplayed = record !== undefined && wasReceived(record, context.transfer);
  const open = decoded.type === "open" ? openNext : openInit;
  const outcome = open(record, decoded, offer);
  if (outcome.kind !== "opened" || !isReplayed) return outcome;
  // The sender began anew and did not know that this was received: nobody is shown it twice.
  return { ...outcome, offer: { ...outcome.offer, isReplayed } };
}

function openInit(
  record: ReceiverRecord | undefined,
  outer: EndToEndOuter,
  offer: OfferToOpen,
): OpenOutcome {
  const { context, package: own, pairingSecret, now } = offer;
  const last = record?.epoch ?? 0;
  const isNew = outer.epoch > last && isEpochInReach(outer.epoch, last, now);
  if (own === undefined || !isNew) return outOfStep(record, offer);
  if ((outer.type === "paired-init") !== (pairingSecret !== undefined))
    return { kind: "key-unknown" };
  const pair = context.suite.kemFromSeed(own.seed);
  const secret = context.suite.decapsulate(pair, outer.ciphertext);
  wipe(pair.seed);
  if (secret === undefined) return unopened(record, outer, offer);
  const base = { package: own.encoded, pairingSecret };
  const derived = deriveInitKeys(context, offer.outer, outer.ciphertext, base, secret);
  const { transcript } = derived.keys;
  const fresh: ReceiverRecord = {
    epoch: outer.epoch,
    id: transcript,
    expected: 0,
    transcript,
    chainKey: derived.nextChainKey,
    keyNumber: 0,
    keys: [{ ...pair, seed: new Uint8Array(KEM_SECRET_BYTES), kid: outer.kid }],
    renewedAt: now,
    ...forgetReceived(record),
  };
  const outcome = finishOpening(fresh, outer, offer, derived);
  if (outcome.kind !== "opened") return outcome;
  if (record !== undefined) wipeReceiverRecord(record);
  // A package of last resort serves others too, until its time is over.
  const isLastResort = keyPackageFacts(own.encoded)?.type === "last-resort";
  return { ...outcome, usedPackage: isLastResort ? undefined : outer.kid };
}

function openNext(
  record: ReceiverRecord | undefined,
  outer: EndToEndOuter,
  offer: OfferToOpen,
): OpenOutcome {
  const index = record?.keys.findIndex(({ kid }) => equalBytes(kid, outer.kid)) ?? -1;
  const key = record?.keys[index];
  const isExpected = record?.epoch === outer.epoch && record.expected === outer.n;
  if (record === undefined || key === undefined || !isExpected) return outOfStep(record, offer);
  const { suite } = offer.context;
  const isPackage = record.keyNumber - (record.keys.length - 1 - index) === 0;
  const pair = offer.readyKeys?.of(key.kid) ?? key;
  const secret = isPackage ? noKemSecret() : suite.decapsulate(pair, outer.ciphertext);
  if (secret === undefined) return unopened(record, outer, offer);
  const base = { ...record, channel: record.id, publicKey: key.publicKey };
  const derived = deriveOpenKeys(suite, offer.outer, outer.ciphertext, base, secret);
  const outcome = finishOpening(record, outer, offer, derived);
  if (outcome.kind !== "opened") return outcome;
  wipe(record.chainKey);
  if (index === 0) return outcome;
  for (const { seed } of record.keys.slice(0, index)) wipe(seed);
  return { ...outcome, record: { ...outcome.record, keys: record.keys.slice(index) } };
}

function finishOpening(
  before: ReceiverRecord,
  outer: EndToEndOuter,
  offer: OfferToOpen,
  { keys, nextChainKey }: DerivedKeys,
): OpenOutcome {
  const { context, content } = offer;
  const { suite, transfer } = context;
  const opened = openEndToEndHeader(context, keys, offer.outer, offer.sealedHeader);
  const message = content.length === 0 ? undefined : openMessage(suite, keys, content);
  const isStray = outer.n > 0 && opened?.replyPackage !== undefined;
  if (opened === undefined || isStray || (message === undefined && content.length > 0)) {
    wipeTransferKeys(keys);
    wipe(nextChainKey, message);
    // A resync names outer and sealed header alone: of an altered content it would end the channel.
    return opened === undefined ? unopened(before, outer, offer) : { kind: "invalid" };
  }
  const { n, epoch } = outer;
  const { transcript } = keys;
  const entry: ReceivedEntry = {
    n,
    transfer,
    offer: offerDigest(suite, offer),
    transcript,
    state: { kind: "open", receiptKey: keys.receipt.slice() },
  };
  const salt = suite.random(SALT_BYTES);
  return {
    kind: "opened",
    record: {
      ...before,
      ...withReceived(before, entry),
      expected: n + 1,
      transcript,
      chainKey: nextChainKey,
    },
    offer: {
      n,
      epoch,
      keys: saltKeys(suite, keys, salt),
      salt,
      header: opened.header,
      message: message && { content: message, digest: messageDigest(suite, content) },
    },
    usedPackage: undefined,
    replyPackage: opened.replyPackage,
  };
}

/**
 * The header does not open, for whatever reason: nobody learns which. Of a pair with a pairing,
 * each side may have another one's secret, and only a person who pairs again can mend that.
 */
function unopened(
  record: ReceiverRecord | undefined,
  { n, type }: EndToEndOuter,
  offer: OfferToOpen,
): OpenOutcome {
  if (type === "paired-init") return { kind: "key-unknown" };
  return n > 0 ? { kind: "invalid", resync: resyncOf(record, offer) } : { kind: "invalid" };
}

function outOfStep(record: ReceiverRecord | undefined, offer: OfferToOpen): OpenOutcome {
  return { kind: "out-of-step", resync: resyncOf(record, offer) };
}

function resyncOf(record: ReceiverRecord | undefined, offer: OfferToOpen): Uint8Array {
  const { context, identity } = offer;
  const state = {
    offer: offerDigest(context.suite, offer),
    epoch: record?.epoch ?? 0,
    expected: record?.expected ?? 0,
  };
  return encodeResync(context, identity.signing, state);
}

/** What a receipt says, but for the key. */
export interface ReceiptWords {
  readonly verdict: Verdict;
  readonly total: number;
  readonly digest: Uint8Array;
}

/** The receipt of a transfer whose content never came, for whatever reason. */
export function refusalWords(verdict: Exclude<Verdict, "accept">): ReceiptWords {
  return { verdict, total: 0, digest: new Uint8Array(HASH_BYTES) };
}

export type SealedReceipt =
  /** To be stored with the record, in this slot. */
  | {
      readonly kind: "sealed";
      readonly record: ReceiverRecord;
      readonly receipt: Uint8Array;
      readonly slot: number;
    }
  /** It was made before. */
  | { readonly kind: "kept"; readonly receipt: KeptReceipt };

/**
 * Makes the one receipt of transfer n, or says where it is kept. `undefined` when the transfer is
 * of another epoch or older than what is kept.
 */
export function sealReceiptOf(
  record: ReceiverRecord,
  { suite }: Pick<ExchangeContext, "suite">,
  identity: Identity,
  { n, epoch }: Pick<OpenedOffer, "n" | "epoch">,
  words: ReceiptWords,
  now: WallMs,
  readyKeys?: ReadyKeys,
): SealedReceipt | undefined {
  const entry = record.epoch === epoch ? record.received.find((each) => each.n === n) : undefined;
  if (entry === undefined) return undefined;
  if (entry.state.kind === "closed") return { kind: "kept", receipt: entry.state.receipt };
  const { receiptKey } = entry.state;
  const renewed = record.keys.length > 1 ? record : withNewKey(record, suite, now, readyKeys);
  const { keyNumber, keys, id } = renewed;
  const newest = keys[keys.length - 1];
  if (newest === undefined) return undefined;
  const { kid, publicKey } = newest;
  const receipt = sealEndToEndReceipt(
    suite,
    identity.signing,
    { transcript: entry.transcript, receiptKey },
    { n, epoch, channel: id },
    { ...words, keyNumber, kid, publicKey },
  );
  wipe(receiptKey);
  const slot = freeSlot(record);
  const closed: ReceivedEntry = { ...entry, state: { kind: "closed", receipt: slot } };
  const received = renewed.received.map((each) => (each === entry ? closed : each));
  return { kind: "sealed", record: { ...renewed, received }, receipt, slot };
}

function withNewKey(
  record: ReceiverRecord,
  suite: ExchangeContext["suite"],
  now: WallMs,
  readyKeys: ReadyKeys | undefined,
): ReceiverRecord {
  const pair = suite.generateKem();
  const seed = readyKeys === undefined ? pair.seed : pair.seed.slice();
  const kid = suite.random(KID_BYTES);
  readyKeys?.add(kid, pair);
  const fresh = { seed, publicKey: pair.publicKey, kid };
  return {
    ...record,
    keyNumber: record.keyNumber + 1,
    keys: [...record.keys, fresh],
    renewedAt: now,
  };
}

export function wipeReceiverRecord({ chainKey, keys, received }: ReceiverRecord): void {
  wipe(chainKey, ...keys.map(({ seed }) => seed));
  for (const { state } of received) if (state.kind === "open") wipe(state.receiptKey);
}
