import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, NOW, type Device } from "../../../test/channel-lab.ts";
import {
  headerOf,
  heard,
  onTheWay,
  open,
  opened,
  pair,
  receipt,
  resync,
  seal,
  stored,
  TEXT,
  transfer,
} from "../../../test/channel-steps.ts";
import { assertWiped, codeOf, expectKind } from "../../../test/exchange-lab.ts";
import { hex } from "../../bytes.ts";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import type { KemKeyPair, Suite } from "../../crypto/suite.ts";
import { OUTBOX_MAX } from "../../limits.ts";
import { decodeReceiverRecord, decodeSenderRecord, encodeSenderRecord } from "./channel-record.ts";
import { performChannelJob, type ChannelMaterial } from "./channel-jobs.ts";
import { NO_SENDER_RECORD } from "./sender-channel.ts";

const NOTHING: ChannelMaterial = {
  sending: undefined,
  receiving: undefined,
  pairingSecret: undefined,
};

function sendingOf(from: Device, to: Device): Uint8Array {
  return from.records.get(`sending ${hex(to.identity.fingerprint)}`)!;
}

test("performChannelJob() asks for a package when it has neither channel nor package", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const place = { context, identity: alice.identity, now: NOW };
  const job = { kind: "seal-offer", header: headerOf(context), message: TEXT } as const;
  const step = performChannelJob(place, job, NOTHING);
  assert.deepEqual(step, { kind: "needs-package" });
  const peerPackage = bob.offerPackage();
  const done = expectKind(performChannelJob(place, job, { ...NOTHING, peerPackage }), "done");
  assert.equal(done.input.kind, "offer-sealed");
  assert.deepEqual(
    done.saves.map(({ role }) => role),
    ["sending"],
  );
});

test("performChannelJob() saves a sealed offer before it tells of it, to say it again as it was", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const { channel } = decodeSenderRecord(sendingOf(alice, bob));
  const [entry] = channel!.outbox;
  const { outer, sealedHeader, content, transfer: id } = entry!;
  assert.deepEqual({ outer, sealedHeader, content }, onTheWay(ready));
  assert.deepEqual(id, context.transfer);
  const { unreceipted } = expectKind(
    alice.perform(
      { kind: "seal-offer", header: headerOf(contextOf(alice, bob, 2)), message: undefined },
      contextOf(alice, bob, 2),
    ),
    "offer-sealed",
  );
  const { receiptKey, ...rest } = unreceipted[0]!;
  assertWiped(receiptKey);
  assert.deepEqual({ ...rest, receiptKey: entry!.receiptKey }, entry, "but for what is secret");
  assert.equal(unreceipted.length, 1);
});

test("performChannelJob() erases a package with the write that opens its offer", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const encoded = bob.offerPackage();
  const kid = encoded.subarray(4, 20);
  const offer = onTheWay(seal(alice, context, () => encoded));
  const own = bob.packages.get(hex(kid));
  const place = { context, identity: bob.identity, now: NOW };
  for (const kind of ["open-offer", "close-offer"] as const) {
    const step = performChannelJob(place, { kind, ...offer }, { ...NOTHING, package: own });
    const { saves } = expectKind(step, "done");
    const used = saves.filter(({ usedPackage }) => usedPackage !== undefined);
    assert.deepEqual(
      used.map(({ role, usedPackage }) => [role, usedPackage]),
      [["receiving", kid]],
      kind,
    );
  }
  // The seed stays the driver's; the record has none of it.
  const { saves } = expectKind(
    performChannelJob(place, { kind: "open-offer", ...offer }, { ...NOTHING, package: own }),
    "done",
  );
  const record = saves.find(({ role }) => role === "receiving")!;
  assertWiped(...decodeReceiverRecord(record.record).keys.map(({ seed }) => seed));
});

test("performChannelJob() keeps an enclosed package until there is a channel to its owner", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const kept = decodeSenderRecord(sendingOf(bob, alice)).package;
  assert.ok(kept);
  assert.equal(seal(bob, contextOf(bob, alice, 2)).counter, 0);
  const { package: used, channel } = decodeSenderRecord(sendingOf(bob, alice));
  assert.equal(used, undefined, "it served");
  // Another INIT, with a channel the other way: its package is not needed.
  alice.records.delete(`sending ${hex(bob.identity.fingerprint)}`);
  alice.records.delete(`receiving ${hex(bob.identity.fingerprint)}`);
  const context = contextOf(alice, bob, 3);
  const anew = seal(alice, context, () => bob.offerPackage());
  assert.equal(resync(alice, context, anew, open(bob, context, anew)), "anew");
  opened(
    open(
      bob,
      context,
      seal(alice, context, () => bob.offerPackage()),
    ),
  );
  const after = decodeSenderRecord(sendingOf(bob, alice));
  assert.equal(after.package, undefined);
  assert.deepEqual(after.channel?.id, channel?.id);
});

test("C-02 performChannelJob() takes a receipt under another transfer's name for nobody's", () => {
  const { alice, bob } = pair();
  const contexts = [1, 2].map((id) => contextOf(alice, bob, id));
  const sealed = contexts.map((context) => seal(alice, context, () => bob.offerPackage()));
  const said = receipt(bob, contexts[0]!, opened(open(bob, contexts[0]!, sealed[0]!)));
  const before = stored(alice);
  assert.equal(heard(alice, contexts[1]!, said), undefined);
  assert.deepEqual(stored(alice), before);
  assert.equal(heard(alice, contexts[0]!, said), "accept");
});

test("performChannelJob() fails a receipt for a transfer that its channel does not have", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const words = { verdict: "accept", total: 1, digest: new Uint8Array(32) } as const;
  const place = { n: 0, epoch: NOW };
  const job = { kind: "seal-receipt", place, words } as const;
  assert.equal(
    expectKind(bob.perform(job, context), "job-failed").error.code,
    "peer/channel-stale",
  );
  transfer(alice, bob, 1);
  for (const other of [
    { n: 1, epoch: NOW },
    { n: 0, epoch: NOW + 1 },
  ]) {
    const failed = bob.perform({ ...job, place: other }, context);
    assert.equal(expectKind(failed, "job-failed").error.code, "peer/channel-stale");
  }
});

test("P-08 performChannelJob() refuses a damaged record in every job, and saves nothing", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const ready = onTheWay(seal(alice, context));
  const damaged = { ...NOTHING, sending: TEXT, receiving: TEXT };
  const words = { verdict: "accept", total: 1, digest: new Uint8Array(32) } as const;
  const jobs = [
    [alice, { kind: "seal-offer", header: headerOf(context), message: undefined }],
    [bob, { kind: "open-offer", ...ready }],
    [bob, { kind: "close-offer", ...ready }],
    [bob, { kind: "seal-receipt", place: { n: 0, epoch: NOW }, words }],
    [alice, { kind: "open-receipt", receipt: TEXT }],
    [alice, { kind: "heed-resync", resync: TEXT, epoch: 1, ...ready }],
  ] as const;
  for (const [{ identity }, job] of jobs) {
    const place = { context, identity, now: NOW };
    assert.equal(
      codeOf(() => performChannelJob(place, job, damaged)),
      "store/failed",
      job.kind,
    );
  }
});

test("performChannelJob() ends a channel by the receiver's word, once for all its transfers", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  bob.records.clear();
  const contexts = [2, 3].map((id) => contextOf(alice, bob, id));
  const sealed = contexts.map((context) => seal(alice, context));
  const told = sealed.map((ready, i) => open(bob, contexts[i]!, ready));
  assert.equal(resync(alice, contexts[0]!, sealed[0]!, told[0]!), "anew");
  const gone = sendingOf(alice, bob);
  assert.equal(decodeSenderRecord(gone).channel, undefined);
  assert.equal(resync(alice, contexts[1]!, sealed[1]!, told[1]!), "anew");
  assert.deepEqual(sendingOf(alice, bob), gone, "nothing more to end");
  assert.notDeepEqual(gone, encodeSenderRecord(NO_SENDER_RECORD), "the epoch is remembered");
});

test("performChannelJob() says a kept receipt again from its slot, and no other transfer's", () => {
  const { alice, bob } = pair();
  const [first, second] = [transfer(alice, bob, 1), transfer(alice, bob, 2)];
  const name = (slot: number): string => `receipt ${hex(alice.identity.fingerprint)} ${slot}`;
  const [one, two] = [0, 1].map((slot) => bob.records.get(name(slot))!);
  const before = stored(bob);
  for (const [{ context, ready }, kept] of [
    [first, one],
    [second, two],
  ] as const) {
    const said = expectKind(open(bob, context, ready, "close-offer"), "receipt");
    assert.deepEqual(said.receipt, kept);
  }
  assert.deepEqual(stored(bob), before, "saying it changes nothing");
  bob.records.set(name(0), two!);
  assert.equal(
    codeOf(() => open(bob, first.context, first.ready, "close-offer")),
    "store/failed",
  );
});

test("performChannelJob() keeps as many receipts as a sender may lack, each in a slot", () => {
  const { alice, bob } = pair();
  const held = transfer(alice, bob, 200);
  const running = contextOf(alice, bob, 201);
  const offer = opened(open(bob, running, seal(alice, running)));
  for (let id = 1; id <= OUTBOX_MAX + 2; id++) transfer(alice, bob, id);
  const slots = [...bob.records.keys()].filter((key) => key.startsWith("receipt "));
  assert.equal(slots.length, OUTBOX_MAX - 1, "the running transfer has none yet");
  assert.equal(open(bob, held.context, held.ready, "close-offer").kind, "out-of-step");
  assert.equal(heard(alice, running, receipt(bob, running, offer)), "accept");
});

test("performChannelJob() opens with the keys that are ready, and wipes those it retires", () => {
  const { alice, bob } = pair();
  const peer = hex(alice.identity.fingerprint);
  const newest = (): KemKeyPair => {
    const { keys } = decodeReceiverRecord(bob.records.get(`receiving ${peer}`)!);
    return bob.readyKeys.get(peer)!.of(keys.at(-1)!.kid)!;
  };
  transfer(alice, bob, 1);
  const first = newest();
  const decapsulated: KemKeyPair[] = [];
  const suite: Suite = {
    ...nobleSuite,
    decapsulate: (keys, ct) => {
      decapsulated.push(keys);
      return nobleSuite.decapsulate(keys, ct);
    },
  };
  transfer(alice, bob, 2, suite);
  assert.deepEqual(decapsulated, [first], "not one made of a seed again");
  const second = newest();
  transfer(alice, bob, 3, suite);
  assert.equal(decapsulated[1], second);
  assertWiped(first.seed);
  bob.readyKeys.get(peer)!.wipe();
  transfer(alice, bob, 4, suite);
  assert.equal(decapsulated.length, 3, "it goes on from the record");
  assertWiped(second.seed);
});

test("performChannelJob() leaves no secret behind what it says of a full outbox", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  for (let id = 2; id < OUTBOX_MAX + 2; id++) seal(alice, contextOf(alice, bob, id));
  const context = contextOf(alice, bob, 200);
  const sending = sendingOf(alice, bob).slice();
  const chainKey = decodeSenderRecord(sending).channel!.chainKey.slice();
  const place = { context, identity: alice.identity, now: NOW };
  const job = { kind: "seal-offer", header: headerOf(context), message: TEXT } as const;
  const { input } = expectKind(performChannelJob(place, job, { ...NOTHING, sending }), "done");
  assert.ok(input.kind === "job-failed" && input.error.code === "peer/busy");
  assert.equal(input.unreceipted?.length, OUTBOX_MAX);
  for (const { outer, receiptKey } of input.unreceipted ?? []) {
    assertWiped(receiptKey);
    assert.ok(!hex(new Uint8Array(outer.buffer)).includes(hex(chainKey)));
  }
});
