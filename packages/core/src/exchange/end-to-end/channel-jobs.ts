/**
 * What an end-to-end transfer asks of the pair's channel, done on what the driver's store holds:
 * the one way from an exchange's effect to durable changes and the exchange's next input.
 * docs/protocol-end-to-end.md 7.3.
 *
 * The driver does one job of a pair after the other: it loads the {@link ChannelMaterial}, calls
 * {@link performChannelJob}, makes every save durable, and only then hands on the input.
 *
 * @module
 */
import { equalBytes, wipe } from "../../bytes/equal.ts";
import { PosternError, unreachable } from "../../errors.ts";
import type { Identity } from "../../identity/identity.ts";
import type { WallMs } from "../../time.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeEffect, ExchangeInput, OfferedBytes } from "../steps.ts";
import { wipeTransferKeys } from "../transfer-keys.ts";
import {
  decodeReceiverRecord,
  decodeSenderRecord,
  encodeReceiverRecord,
  encodeSenderRecord,
} from "./channel-record.ts";
import type { ReadyKeys } from "./ready-keys.ts";
import { receiptPlace } from "./receipt.ts";
import {
  openOffer,
  refusalWords,
  sealReceiptOf,
  wipeReceiverRecord,
  type OwnPackage,
  type ReceiverRecord,
} from "./receiver-channel.ts";
import {
  acceptEndToEndReceipt,
  heedResync,
  heedStrayResync,
  NO_SENDER_RECORD,
  sealOffer,
  wipeSenderRecord,
  type ResyncOutcome,
  type StrayOutcome,
  type SenderRecord,
} from "./sender-channel.ts";

export type ChannelJob =
  | Extract<
      ExchangeEffect,
      {
        readonly kind:
          | "seal-offer"
          | "open-offer"
          | "seal-receipt"
          | "open-receipt"
          | "heed-resync";
      }
    >
  /** Answer: `offer-opened`, never with an opened offer. */
  | ({ readonly kind: "close-offer" } & OfferedBytes)
  /** Of a transfer that has ended. Answer: `resync-heeded`, never with offers to repeat. */
  | { readonly kind: "heed-stray-resync"; readonly resync: Uint8Array };

/** Whose channel, at which end, and when. */
export interface ChannelPlaceOfJob {
  readonly context: ExchangeContext;
  readonly identity: Identity;
  readonly now: WallMs;
}

/** What the store and the relay have for a job. Records are as {@link ChannelSave} stored them. */
export interface ChannelMaterial {
  /** This client's end of the channel to the peer. */
  readonly sending: Uint8Array | undefined;
  /** This client's end of the channel from the peer. */
  readonly receiving: Uint8Array | undefined;
  /** Own package that `packageWanted` names. */
  readonly package?: OwnPackage | undefined;
  /** A package of the peer, fresh from the relay. */
  readonly peerPackage?: Uint8Array | undefined;
  /** A new package of this client, whose secret is stored already. */
  readonly replyPackage?: Uint8Array | undefined;
  /** What was saved in the slot that a step asked for. */
  readonly receipt?: Uint8Array | undefined;
  /** Of the receiving end, from one job to the next; the driver wipes them in the end. */
  readonly readyKeys?: ReadyKeys | undefined;
  readonly pairingSecret: Uint8Array | undefined;
}

export interface ChannelSave {
  readonly role: "sending" | "receiving";
  readonly record: Uint8Array;
  /** kid of a package whose secret is erased with the same write. */
  readonly usedPackage: Uint8Array | undefined;
  /** Kept beside the record, with the same write, in place of what was in its slot. */
  readonly receipt?: SlottedReceipt | undefined;
}

export interface SlottedReceipt {
  /** Below `OUTBOX_MAX`. */
  readonly slot: number;
  readonly receipt: Uint8Array;
}

export type ChannelStep =
  | {
      readonly kind: "done";
      /** In this order. */
      readonly saves: readonly ChannelSave[];
      readonly input: ExchangeInput;
    }
  /** Again, with `peerPackage` and, when nothing came from the peer yet, `replyPackage`. */
  | { readonly kind: "needs-package" }
  /** Again, with `receipt` from this slot. */
  | { readonly kind: "needs-receipt"; readonly slot: number };

/** @throws {@link PosternError} `store/failed` for a record or receipt that is damaged. */
export function performChannelJob(
  place: ChannelPlaceOfJob,
  job: ChannelJob,
  material: ChannelMaterial,
): ChannelStep {
  switch (job.kind) {
    case "seal-offer":
      return seal(place, job, material);
    case "open-offer":
      return open(place, job, job.content, material, true);
    case "close-offer":
      return open(place, job, NOTHING, material, false);
    case "seal-receipt": {
      const record = receiverRecord(material);
      if (record === undefined) return failed(MOVED_ON);
      return sayReceipt(place, material, record, job, (receipt) => ({
        kind: "receipt-sealed",
        receipt,
      }));
    }
    case "open-receipt": {
      const { context, now } = place;
      const record = senderRecord(material);
      const accepted = acceptEndToEndReceipt(record, context, job.receipt, now);
      const input = { kind: "receipt-opened", receipt: accepted?.receipt } as const;
      if (accepted === undefined) wipeSenderRecord(record);
      const saves = accepted === undefined ? [] : [saveSender(accepted.record)];
      return { kind: "done", saves, input };
    }
    case "heed-resync":
      return heed(place, job, material);
    case "heed-stray-resync": {
      const before = senderRecord(material);
      return heeded(before, heedStrayResync(before, place.context, job.resync, place.now));
    }
    default:
      return unreachable(job);
  }
}

/** What may undo a change: any end of the process, or only one of the device. */
export type AllowedLoss = "by-crash" | "by-power-loss";

/**
 * What may undo what a job with this answer changed, for nothing that is sent rests on it
 * (docs/protocol-end-to-end.md 7.3.6). `undefined`: nothing.
 */
export function mayBeLost(input: ExchangeInput): AllowedLoss | undefined {
  // As a receipt that did not arrive: a `close` brings the same one again (7.3.5).
  if (input.kind === "receipt-opened") return "by-crash";
  // As an offer that did not arrive. What else is opened is answered at once.
  if (input.kind !== "offer-opened" || input.outcome.kind !== "opened") return undefined;
  return input.outcome.offer.message === undefined ? undefined : "by-power-loss";
}

function seal(
  { context, identity, now }: ChannelPlaceOfJob,
  { header, message }: Extract<ChannelJob, { kind: "seal-offer" }>,
  { peerPackage, replyPackage, pairingSecret, ...material }: ChannelMaterial,
): ChannelStep {
  const init = { package: peerPackage, replyPackage, pairingSecret };
  const request = { context, identity, header, message, now, init };
  const record = senderRecord(material);
  const outcome = sealOffer(record, request);
  // What is said of the unreceipted needs no secret of theirs.
  if (outcome.kind !== "sealed") wipeSenderRecord(record);
  if (outcome.kind === "needs-package") return outcome;
  if (outcome.kind === "failed") {
    const { error, unreceipted } = outcome;
    return { kind: "done", saves: [], input: { kind: "job-failed", error, unreceipted } };
  }
  const { keys, outer, sealedHeader, n, epoch, content, digest, unreceipted } = outcome.offer;
  const ready = {
    keys,
    outer,
    sealedHeader,
    source: n === 0 ? "key-package" : "channel",
    counter: n,
    inChannel: { epoch, content, digest },
  } as const;
  const input = { kind: "offer-sealed", ready, unreceipted } as const;
  return { kind: "done", saves: [saveSender(outcome.record)], input };
}

function open(
  place: ChannelPlaceOfJob,
  { outer, sealedHeader }: OfferedBytes,
  content: Uint8Array,
  material: ChannelMaterial,
  isLive: boolean,
): ChannelStep {
  const { context, identity, now } = place;
  const record = receiverRecord(material);
  const { package: own, pairingSecret, readyKeys } = material;
  const offer = { context, identity, outer, sealedHeader, content, now, pairingSecret, readyKeys };
  const outcome = openOffer(record, { ...offer, package: own });
  if (outcome.kind === "repeated") {
    if (record === undefined) throw new PosternError("usage/wrong-state", "no record");
    // Nobody works on it any more, or its sender would not say it again to this driver.
    const at = { n: outcome.entry.n, epoch: record.epoch };
    return sayReceipt(place, material, record, { place: at, words: INTERRUPTED }, inOutcome);
  }
  if (outcome.kind !== "opened") {
    if (record !== undefined) wipeReceiverRecord(record);
    const { resync } = outcome.kind === "invalid" ? outcome : {};
    // No transfer is there to refuse: what is left to say is where the channel is.
    const said =
      isLive || resync === undefined ? outcome : ({ kind: "out-of-step", resync } as const);
    return { kind: "done", saves: [], input: { kind: "offer-opened", outcome: said } };
  }
  readyKeys?.keepOnly(outcome.record.keys);
  const saves = saveReply(material, outcome.replyPackage);
  const { offer: opened, usedPackage } = outcome;
  if (!isLive) {
    wipeTransferKeys(opened.keys);
    wipe(opened.message?.content);
    const said = { place: opened, words: INTERRUPTED };
    return sayReceipt(place, material, outcome.record, said, inOutcome, { saves, usedPackage });
  }
  const input = { kind: "offer-opened", outcome: { kind: "opened", offer: opened } } as const;
  return { kind: "done", saves: [...saves, saveReceiver(outcome.record, usedPackage)], input };
}

/** The one receipt of a transfer, sealed under `words` or as it was made before. */
function sayReceipt(
  { context, identity, now }: ChannelPlaceOfJob,
  material: ChannelMaterial,
  record: ReceiverRecord,
  { place, words }: Pick<Extract<ChannelJob, { kind: "seal-receipt" }>, "place" | "words">,
  say: (receipt: Uint8Array) => ExchangeInput,
  before: {
    readonly saves: readonly ChannelSave[];
    readonly usedPackage?: Uint8Array | undefined;
  } = {
    saves: [],
  },
): ChannelStep {
  const { readyKeys } = material;
  const sealed = sealReceiptOf(record, context, identity, place, words, now, readyKeys);
  if (sealed?.kind === "sealed") {
    const { receipt, slot } = sealed;
    const save = saveReceiver(sealed.record, before.usedPackage, { slot, receipt });
    return { kind: "done", saves: [...before.saves, save], input: say(receipt) };
  }
  wipeReceiverRecord(record);
  if (sealed === undefined) return failed(MOVED_ON);
  const { receipt: kept } = sealed;
  if (typeof kept !== "number") return { kind: "done", saves: [], input: say(kept) };
  if (material.receipt === undefined) return { kind: "needs-receipt", slot: kept };
  const at = receiptPlace(material.receipt);
  if (at?.n !== place.n || at.epoch !== record.epoch || !equalBytes(at.channel, record.id))
    throw new PosternError("store/failed", "a kept receipt is of another transfer");
  return { kind: "done", saves: [], input: say(material.receipt) };
}

function inOutcome(receipt: Uint8Array): ExchangeInput {
  return { kind: "offer-opened", outcome: { kind: "receipt", receipt } };
}

/** The peer's package serves until there is a channel to it. */
function saveReply(
  material: ChannelMaterial,
  replyPackage: Uint8Array | undefined,
): readonly ChannelSave[] {
  if (replyPackage === undefined) return [];
  const record = senderRecord(material);
  if (record.channel !== undefined) {
    wipeSenderRecord(record);
    return [];
  }
  return [saveSender({ ...record, package: replyPackage })];
}

function heed(
  { context, now }: ChannelPlaceOfJob,
  { resync, ...offer }: Extract<ChannelJob, { kind: "heed-resync" }>,
  material: ChannelMaterial,
): ChannelStep {
  const before = senderRecord(material);
  return heeded(before, heedResync(before, context, offer, resync, now));
}

function heeded(before: SenderRecord, outcome: ResyncOutcome | StrayOutcome): ChannelStep {
  if (!("record" in outcome) || outcome.record === before) {
    wipeSenderRecord(before);
    const said = outcome.kind === "repeat" ? outcome : { kind: outcome.kind };
    return { kind: "done", saves: [], input: { kind: "resync-heeded", outcome: said } };
  }
  const said = { kind: outcome.kind };
  const saves = [saveSender(outcome.record)];
  return { kind: "done", saves, input: { kind: "resync-heeded", outcome: said } };
}

function senderRecord({ sending }: Pick<ChannelMaterial, "sending">): SenderRecord {
  return sending === undefined ? NO_SENDER_RECORD : decodeSenderRecord(sending);
}

function receiverRecord({
  receiving,
}: Pick<ChannelMaterial, "receiving">): ReceiverRecord | undefined {
  return receiving && decodeReceiverRecord(receiving);
}

function saveSender(record: SenderRecord): ChannelSave {
  const encoded = encodeSenderRecord(record);
  wipeSenderRecord(record);
  return { role: "sending", record: encoded, usedPackage: undefined };
}

function saveReceiver(
  record: ReceiverRecord,
  usedPackage?: Uint8Array,
  receipt?: SlottedReceipt,
): ChannelSave {
  const encoded = encodeReceiverRecord(record);
  wipeReceiverRecord(record);
  return { role: "receiving", record: encoded, usedPackage, receipt };
}

function failed(why: string): ChannelStep {
  const error = new PosternError("peer/channel-stale", why);
  return { kind: "done", saves: [], input: { kind: "job-failed", error } };
}

const NOTHING = new Uint8Array(0);
const MOVED_ON = "the channel has moved on without this transfer";
const INTERRUPTED = refusalWords("interrupted");
