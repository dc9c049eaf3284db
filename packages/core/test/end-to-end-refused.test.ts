/**
 * `refused` of `vectors/end-to-end.json`: what no implementation of docs/protocol-end-to-end.md 7.3
 * may take. Each is wrong in the one thing that its name says.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import {
  decodeSenderRecord,
  encodeReceiverRecord,
  decodeReceiverRecord,
} from "../src/exchange/end-to-end/channel-record.ts";
import {
  acceptEndToEndReceipt,
  heedResync,
  NO_SENDER_RECORD,
  sealOffer,
} from "../src/exchange/end-to-end/sender-channel.ts";
import { openAnswerKeys } from "../src/exchange/sender-exchange.ts";
import type { SenderReady } from "../src/exchange/transfer-keys.ts";
import { decodeKeyPackage } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import { openAnswer } from "../src/transfer/answer.ts";
import { decodeTransferEnvelope } from "../src/transfer/envelope.ts";
import { channels, vectors } from "./end-to-end-file.ts";
import { contextOf, identityOf, openAt, replayChannel } from "./end-to-end-replay.ts";
import { bytes } from "./exchange-vectors.ts";

const { parties, refused, now } = vectors;
const replayed = channels.map(({ inputs }) => replayChannel(parties, inputs));
const receiver = bytes(parties.receiver.id);

test("end-to-end.json: refused packages are taken by nobody (C-07, C-08, C-09, C-10, C-12)", () => {
  for (const { name, now: at, bytes: encoded, outcome } of refused.packages) {
    const decoded = decodeKeyPackage(suite, receiver, bytes(encoded), at as WallMs);
    if (outcome === "refused") assert.equal(decoded, undefined, name);
    else assert.ok(decoded, name);
    if (outcome === "no key") assert.equal(suite.encapsulate(decoded!.publicKey), undefined, name);
    const sealed = sealOffer(NO_SENDER_RECORD, {
      context: contextOf(parties, "00".repeat(16)),
      identity: identityOf(parties.sender),
      header: bytes(channels[1]!.expected[0]!.header),
      message: undefined,
      now: at as WallMs,
      init: { package: bytes(encoded), replyPackage: undefined, pairingSecret: undefined },
    });
    assert.ok(sealed.kind === "failed" && sealed.error.code === "peer/no-package", name);
  }
});

test("end-to-end.json: refused offers change nothing (C-01, C-02, C-06 to C-09, C-12, C-13)", () => {
  for (const {
    name,
    channel,
    transfer,
    outcome,
    tid,
    after,
    pairingSecret,
    ...changed
  } of refused.offers) {
    const { inputs, expected } = channels[channel]!;
    const { salt } = inputs.transfers[transfer]!;
    const { outer, sealedHeader, content } = { ...expected[transfer]!, ...changed };
    const record = recordAfter(channel, after ?? transfer);
    const secret = pairingSecret === undefined ? inputs.pairingSecret : pairingSecret;
    const at = { ...inputs, pairingSecret: secret };
    const offered = { outer: bytes(outer), sealedHeader: bytes(sealedHeader) };
    const offer = { ...offered, content: bytes(content), salt };
    const id = tid ?? inputs.transfers[transfer]!.transfer;
    const before = record?.slice();
    assert.equal(openAt(parties, at, record, { ...offer, transfer: id }).kind, outcome, name);
    assert.deepEqual(record, before, name);
    const { outer: own, sealedHeader: header, content: message } = expected[transfer]!;
    const honest = {
      outer: bytes(own),
      sealedHeader: bytes(header),
      content: bytes(message),
      salt,
    };
    const { transfer: ownId } = inputs.transfers[transfer]!;
    const honestAt = recordAfter(channel, transfer);
    const opened = openAt(parties, inputs, honestAt, { ...honest, transfer: ownId });
    assert.equal(opened.kind, "opened", name);
  }
});

/** The receiver's stored end when it has had `count` transfers of the channel. */
function recordAfter(channel: number, count: number): Uint8Array | undefined {
  const steps = replayed[channel]!;
  const record = count < steps.length ? steps[count]!.before : steps[count - 1]!.after;
  return record && encodeReceiverRecord(decodeReceiverRecord(record));
}

test("end-to-end.json: refused answers do not open, or are malformed (C-01, C-12)", () => {
  for (const { name, channel, transfer, sealed, outcome } of refused.answers) {
    const { offer, context } = replayed[channel]![transfer]!;
    const { answer, reverse } = offer.keys;
    const keys = { ...offer.keys, answer: answer.slice(), reverse: reverse.slice() };
    const place = { source: "channel", counter: transfer } as const;
    const ready: SenderReady = { ...offer, ...place, keys, inChannel: offer };
    const opened = openAnswerKeys(context, ready, bytes(sealed));
    const code = outcomeOf(() =>
      openAnswer(suite, opened.keys.answer, context.transfer, opened.sealed),
    );
    assert.equal(code, outcome, name);
  }
});

test("end-to-end.json: refused receipts change nothing (C-01, C-02, C-12, C-13)", () => {
  for (const { name, channel, transfer, sealed } of refused.receipts) {
    const { context, sender, receipts } = replayed[channel]![transfer]!;
    const accept = (receipt: Uint8Array) =>
      acceptEndToEndReceipt(decodeSenderRecord(sender), context, receipt, now as WallMs);
    assert.equal(accept(bytes(sealed)), undefined, name);
    assert.ok(accept(receipts[0]!), name);
  }
});

test("end-to-end.json: refused resyncs are not heeded (C-01, C-02, C-12)", () => {
  for (const { name, channel, transfer, bytes: resync } of refused.resyncs) {
    const { context, sender, offer } = replayed[channel]![transfer]!;
    const heeded = heedResync(
      decodeSenderRecord(sender),
      context,
      offer,
      bytes(resync),
      now as WallMs,
    );
    assert.equal(heeded.kind, "ignored", name);
  }
});

test("end-to-end.json: refused envelopes are malformed (P-01, P-03)", () => {
  for (const each of refused.envelopes)
    assert.equal(
      outcomeOf(() => decodeTransferEnvelope(bytes(each.bytes))),
      each.outcome,
      each.name,
    );
});

function outcomeOf(decode: () => unknown): string {
  try {
    return decode() === undefined ? "does not open" : "opens";
  } catch (error) {
    assert.ok(error instanceof PosternError);
    return error.code;
  }
}
