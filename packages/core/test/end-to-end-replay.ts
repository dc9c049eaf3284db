/**
 * The channels of `vectors/end-to-end.json` once more, by the code: the sender's and the receiver's
 * end as drivers run them, with every random byte from the file. The receiver opens each offer and
 * makes its receipt at once; the sender hears of it when an offer is to be made under its key.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";
import type { Suite } from "../src/crypto.ts";
import { nobleSuite } from "../src/crypto/noble-suite.ts";
import type { ExchangeContext } from "../src/exchange/context.ts";
import {
  decodeReceiverRecord,
  decodeSenderRecord,
  encodeReceiverRecord,
  encodeSenderRecord,
} from "../src/exchange/end-to-end/channel-record.ts";
import {
  openOffer,
  sealReceiptOf,
  type OfferToOpen,
  type OpenOutcome,
} from "../src/exchange/end-to-end/receiver-channel.ts";
import {
  acceptEndToEndReceipt,
  NO_SENDER_RECORD,
  sealOffer,
  type SealedOffer,
} from "../src/exchange/end-to-end/sender-channel.ts";
import { identityFromSeed, type Identity } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import { encodeHeader } from "../src/transfer/header.ts";
import { bytes, headerOf, type VectorParty } from "./exchange-vectors.ts";
import type { ChannelInputs, EndToEndInputs } from "./plain-end-to-end.ts";
import type { EndToEndReceiptInputs } from "./plain-receipts.ts";

export interface VectorEnds {
  readonly sender: VectorParty;
  readonly receiver: VectorParty;
}

/** One transfer, and the receiver's stored end before and after it. */
export interface Replayed {
  readonly context: ExchangeContext;
  readonly offer: SealedOffer;
  readonly opened: Extract<OpenOutcome, { kind: "opened" }>;
  readonly receipts: readonly Uint8Array[];
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array;
  /** The sender's end when the offer was made, for its receipts. */
  readonly sender: Uint8Array;
}

export function identityOf({ seed }: VectorParty): Identity {
  return identityFromSeed(nobleSuite, bytes(seed));
}

export function contextOf(ends: VectorEnds, transfer: string, suite = nobleSuite) {
  const party = ({ id, fingerprint }: VectorParty) => ({
    id: bytes(id),
    fingerprint: bytes(fingerprint),
  });
  return {
    suite,
    relayFingerprint: new Uint8Array(32),
    sender: party(ends.sender),
    receiver: party(ends.receiver),
    transfer: bytes(transfer),
  };
}

export function replayChannel(
  ends: VectorEnds,
  channel: ChannelInputs & { readonly packageSeed: string },
): readonly Replayed[] {
  let sending = encodeSenderRecord(NO_SENDER_RECORD);
  let receiving: Uint8Array | undefined;
  let heard: readonly (readonly [ExchangeContext, Uint8Array])[] = [];
  return channel.transfers.map((inputs) => {
    const context = contextOf(ends, inputs.transfer);
    for (const [at, receipt] of heard) {
      const record = decodeSenderRecord(sending);
      if ((record.channel?.keyNumber ?? 0) >= inputs.key) break;
      const accepted = acceptEndToEndReceipt(record, at, receipt, channel.epoch as WallMs);
      assert.ok(accepted);
      sending = encodeSenderRecord(accepted.record);
    }
    const sealed = seal(ends, channel, inputs, sending);
    sending = sealed.record;
    const before = receiving;
    const opened = openAt(ends, channel, before, { ...inputs, ...sealed.offer });
    assert.ok(opened.kind === "opened", opened.kind);
    const after = encodeReceiverRecord(opened.record);
    const made = inputs.receipts.map((words) =>
      receiptOf(ends, channel, after, { context, words, offer: sealed.offer }),
    );
    receiving = made[0]!.record;
    heard = [...heard, [context, made[0]!.receipt]];
    const receipts = made.map(({ receipt }) => receipt);
    return { context, offer: sealed.offer, opened, receipts, before, after, sender: sending };
  });
}

function seal(
  ends: VectorEnds,
  channel: ChannelInputs,
  inputs: EndToEndInputs,
  record: Uint8Array,
): { readonly offer: SealedOffer; readonly record: Uint8Array } {
  const { key, chance, header, message, replyPackage } = inputs;
  const isKeyless = key === 0 && decodeSenderRecord(record).channel !== undefined;
  const random = isKeyless ? [bytes(chance)] : [];
  const context = contextOf(ends, inputs.transfer, suiteOf({ random, encapsulation: chance }));
  const secret = channel.pairingSecret;
  const outcome = sealOffer(decodeSenderRecord(record), {
    context,
    identity: identityOf(ends.sender),
    header: encodeHeader(context.transfer, headerOf(header)),
    message: message === null ? undefined : paddedMessage(message, header.size ?? 0),
    now: channel.epoch as WallMs,
    init: {
      package: bytes(channel.package),
      replyPackage: replyPackage === "" ? undefined : bytes(replyPackage),
      pairingSecret: secret === null ? undefined : bytes(secret),
    },
  });
  assert.ok(outcome.kind === "sealed", outcome.kind);
  return { offer: outcome.offer, record: encodeSenderRecord(outcome.record) };
}

/** The receiver's end, with the package of the channel and its pairing, meets an offer. */
export function openAt(
  ends: VectorEnds,
  channel: Pick<ChannelInputs, "epoch" | "package" | "pairingSecret"> & {
    readonly packageSeed: string;
  },
  record: Uint8Array | undefined,
  offer: Pick<EndToEndInputs, "transfer" | "salt"> &
    Pick<OfferToOpen, "outer" | "sealedHeader" | "content">,
): OpenOutcome {
  const { outer, sealedHeader, content, transfer, salt } = offer;
  const secret = channel.pairingSecret;
  return openOffer(record && decodeReceiverRecord(record), {
    context: contextOf(ends, transfer, suiteOf({ random: [bytes(salt)] })),
    identity: identityOf(ends.receiver),
    outer,
    sealedHeader,
    content,
    package: { seed: bytes(channel.packageSeed), encoded: bytes(channel.package) },
    pairingSecret: secret === null ? undefined : bytes(secret),
    now: channel.epoch as WallMs,
  });
}

function receiptOf(
  ends: VectorEnds,
  channel: ChannelInputs,
  stored: Uint8Array,
  of: {
    readonly context: ExchangeContext;
    readonly words: EndToEndReceiptInputs;
    readonly offer: SealedOffer;
  },
): { readonly receipt: Uint8Array; readonly record: Uint8Array } {
  const { context, words, offer } = of;
  const record = decodeReceiverRecord(stored);
  const { kid, seed } = channel.keys[words.number - 1]!;
  const isNew = record.keyNumber < words.number;
  const random = isNew ? [bytes(kid), bytes(words.salt)] : [bytes(words.salt)];
  const suite = suiteOf({ random, kemSeed: seed });
  const { verdict, total } = words;
  const digest = words.digest === null ? offer.digest! : bytes(words.digest);
  const identity = identityOf(ends.receiver);
  const place = { n: offer.n, epoch: offer.epoch };
  const said = { verdict, total, digest };
  const sealed = sealReceiptOf(record, { ...context, suite }, identity, place, said, 0 as WallMs);
  assert.ok(sealed?.kind === "sealed");
  assert.equal(sealed.record.keyNumber, words.number);
  return { receipt: sealed.receipt, record: encodeReceiverRecord(sealed.record) };
}

/** Every random byte is given; one that nobody gave is a failure. */
function suiteOf(given: {
  readonly random: readonly Uint8Array[];
  readonly encapsulation?: string;
  readonly kemSeed?: string;
}): Suite {
  const left = [...given.random];
  return {
    ...nobleSuite,
    random(length) {
      const next = left.shift();
      assert.equal(next?.length, length);
      return next;
    },
    generateKem: () => nobleSuite.kemFromSeed(bytes(given.kemSeed!)),
    encapsulate(publicKey) {
      const { cipherText, sharedSecret } = xwing.encapsulate(
        publicKey,
        bytes(given.encapsulation!),
      );
      return { ciphertext: cipherText, secret: sharedSecret };
    },
  };
}

function paddedMessage(text: string, size: number): Uint8Array {
  const padded = new Uint8Array(size);
  const encoded = new TextEncoder().encode(text);
  new DataView(padded.buffer).setUint32(0, encoded.length);
  padded.set(encoded, 4);
  return padded;
}
