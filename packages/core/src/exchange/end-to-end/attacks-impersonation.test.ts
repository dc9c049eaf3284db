/**
 * Who is at the other end: unknown key shares, identities bound to the wrong keys, and stolen keys
 * of one end used to play the other. C-13.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device, NOW } from "../../../test/channel-lab.ts";
import {
  headerOf,
  heard,
  onTheWay,
  open,
  opened,
  pair,
  receipt,
  seal,
  stored,
  TEXT,
  transfer,
  type OfferOnTheWay,
} from "../../../test/channel-steps.ts";
import { put } from "../../../test/exchange-lab.ts";
import { concat, hex } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { encodeKeyPackage } from "../../identity/key-package.ts";
import type { Identity } from "../../identity.ts";
import type { WallMs } from "../../time.ts";
import type { ExchangeContext } from "../context.ts";
import { decodeReceiverRecord, decodeSenderRecord } from "./channel-record.ts";
import { sealEndToEndReceipt } from "./receipt.ts";
import { NO_SENDER_RECORD, sealOffer, type SenderRecord } from "./sender-channel.ts";

const SENDER_AT = 49;
const RECEIVER_AT = 81;

/** What somebody makes who holds `record` and signs as `identity`, whoever the context names. */
function forge(
  context: ExchangeContext,
  identity: Identity,
  record: SenderRecord,
  encoded?: Uint8Array,
): OfferOnTheWay {
  const init = { package: encoded, replyPackage: undefined, pairingSecret: undefined };
  const header = headerOf(context);
  const outcome = sealOffer(record, { context, identity, header, message: TEXT, now: NOW, init });
  assert.ok(outcome.kind === "sealed", outcome.kind);
  return outcome.offer;
}

/** The sender's end of a channel as far as the receiver's state tells it: all but signatures. */
function playedBySender(bob: Device, alice: Device): SenderRecord {
  const record = decodeReceiverRecord(
    bob.records.get(`receiving ${hex(alice.identity.fingerprint)}`)!,
  );
  const { epoch, id, expected: next, transcript, chainKey, keyNumber, keys, renewedAt } = record;
  const { kid, publicKey } = keys.at(-1)!;
  const channel = {
    epoch,
    id,
    next,
    transcript,
    chainKey,
    keyNumber,
    kid,
    publicKey,
    renewedAt,
    outbox: [],
  };
  return { lastEpoch: epoch, package: undefined, channel };
}

test("C-13 an offer opens for no third identity, in whichever place (UKS)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const honest = onTheWay(seal(alice, context, () => bob.offerPackage()));
  const before = stored(bob, eve);
  const named = (sender: Device, receiver: Device): OfferOnTheWay => ({
    ...honest,
    outer: put(
      put(honest.outer, SENDER_AT, sender.identity.fingerprint),
      RECEIVER_AT,
      receiver.identity.fingerprint,
    ),
  });
  // The driver gives Eve even the package's secret.
  eve.packages = new Map(bob.packages);
  const cases = [
    [bob, { ...context, sender: eve.party }, honest],
    [bob, { ...context, sender: eve.party }, named(eve, bob)],
    [bob, { ...context, sender: { ...alice.party, id: eve.identity.id } }, honest],
    [eve, { ...context, receiver: eve.party }, honest],
    [eve, { ...context, receiver: eve.party }, named(alice, eve)],
    [bob, { ...context, receiver: { ...bob.party, id: eve.identity.id } }, honest],
  ] as const;
  for (const [i, [at, place, offer]] of cases.entries()) {
    const { kind } = open(at, place, offer);
    assert.ok(kind === "invalid" || kind === "wrong-receiver", `case ${i}: ${kind}`);
  }
  eve.packages.clear();
  assert.deepEqual(stored(bob, eve), before);
  opened(open(bob, context, honest));
});

test("C-13 the receiver's key in another's package binds nobody to what they did not say", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  // Eve cannot open what is sealed to Bob's key, but signs that it is hers.
  const bobs = bob.offerPackage();
  const copied = {
    type: "one-time",
    kid: bobs.subarray(4, 20),
    publicKey: bobs.subarray(20, 1_236),
    notBefore: NOW,
    notAfter: (NOW + 1) as WallMs,
    profiles: 4,
  } as const;
  const evesPackage = encodeKeyPackage(suite, eve.identity, copied);
  const toEve = contextOf(alice, eve, 1);
  const meantForEve = onTheWay(seal(alice, toEve, () => evesPackage));
  const toBob = contextOf(alice, bob, 1);
  assert.equal(open(bob, toBob, meantForEve).kind, "wrong-receiver");
  const renamed = {
    ...meantForEve,
    outer: put(meantForEve.outer, RECEIVER_AT, bob.identity.fingerprint),
  };
  assert.equal(open(bob, toBob, renamed).kind, "invalid");
  const asOwn = { ...renamed, outer: put(renamed.outer, SENDER_AT, eve.identity.fingerprint) };
  assert.equal(open(bob, contextOf(eve, bob, 1), asOwn).kind, "invalid");
});

test("C-13 a sender cannot put its signature under somebody else's name, nor the reverse", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const asAlice = contextOf(alice, bob, 1);
  const own = contextOf(eve, bob, 1);
  const forged = forge(asAlice, eve.identity, NO_SENDER_RECORD, bob.offerPackage());
  assert.equal(open(bob, asAlice, forged).kind, "invalid");
  // Everything says Eve, but what is signed and the transcript: Alice.
  const renamed = { ...forged, outer: put(forged.outer, SENDER_AT, eve.identity.fingerprint) };
  assert.equal(open(bob, own, renamed).kind, "invalid");
  opened(open(bob, own, forge(own, eve.identity, NO_SENDER_RECORD, bob.offerPackage())));
});

test("C-13 with all that the receiver has, nobody writes to it as the sender (KCI, INIT)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const encoded = bob.offerPackage();
  const before = stored(bob);
  for (const thief of [bob.identity, eve.identity]) {
    const forged = forge(context, thief, NO_SENDER_RECORD, encoded);
    assert.equal(open(bob, context, forged).kind, "invalid");
  }
  assert.deepEqual(stored(bob), before);
  opened(open(bob, context, forge(context, alice.identity, NO_SENDER_RECORD, encoded)));
});

test("C-13 with all that the receiver has, nobody goes on with the sender's channel (KCI, OPEN)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  transfer(alice, bob, 1);
  transfer(alice, bob, 2);
  const context = contextOf(alice, bob, 3);
  const before = stored(bob);
  for (const thief of [bob.identity, eve.identity]) {
    const forged = forge(context, thief, playedBySender(bob, alice));
    assert.equal(open(bob, context, forged).kind, "invalid");
  }
  assert.deepEqual(stored(bob), before);
  // The same bytes but for the signature are Alice's: what is forged is right in all else.
  opened(open(bob, context, forge(context, alice.identity, playedBySender(bob, alice))));
});

test("C-13 with all that the sender has, nobody gives it a receipt as the receiver (KCI)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const { channel } = decodeSenderRecord(
    alice.records.get(`sending ${hex(bob.identity.fingerprint)}`)!,
  );
  const [entry] = channel!.outbox;
  const { publicKey } = eve.identity.signing;
  const words = {
    verdict: "accept",
    total: TEXT.length,
    digest: ready.inChannel!.digest!,
    keyNumber: 1,
    kid: publicKey.subarray(0, 16),
    publicKey: suite.generateKem().publicKey,
  } as const;
  const place = { n: 0, epoch: channel!.epoch, channel: channel!.id };
  const made = ({ signing }: Identity) => sealEndToEndReceipt(suite, signing, entry!, place, words);
  const before = stored(alice);
  for (const thief of [alice.identity, eve.identity])
    assert.equal(heard(alice, context, made(thief)), undefined);
  assert.deepEqual(stored(alice), before);
  assert.equal(heard(alice, context, made(bob.identity)), "accept");
});

test("C-13 receipts bind the transfer: who has both states cannot move one to another channel", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const aside = contextOf(eve, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const beside = seal(eve, aside, () => bob.offerPackage());
  opened(open(bob, context, ready));
  const eves = receipt(bob, aside, opened(open(bob, aside, beside)));
  // Eve opens her receipt and seals what Bob signed under the key of Alice's, which she stole.
  const key = suite.expand(beside.keys.receipt, saltLabel(eves), 32);
  const aad = concat(eves.subarray(0, 48), beside.keys.transcript);
  const text = suite.open(key, new Uint8Array(12), aad, eves.subarray(80))!;
  const alices = decodeSenderRecord(alice.records.get(`sending ${hex(bob.identity.fingerprint)}`)!);
  const { id, epoch, outbox } = alices.channel!;
  const prefix = put(put(eves.subarray(0, 80), 16, id), 8, epochBytes(epoch));
  const stolen = suite.expand(outbox[0]!.receiptKey, saltLabel(eves), 32);
  const moved = concat(
    prefix,
    suite.seal(stolen, new Uint8Array(12), concat(prefix.subarray(0, 48), id), text),
  );
  assert.equal(heard(alice, context, moved), undefined);
});

function saltLabel(said: Uint8Array): Uint8Array {
  return concat(new TextEncoder().encode("postern e2e salted receipt/1\0"), said.subarray(48, 80));
}

function epochBytes(epoch: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(epoch));
  return bytes;
}
