/** What every {@link Store} does with channels and key packages. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CHANNEL_RECORD_BYTES_MAX,
  KEY_PACKAGE_BYTES,
  OUTBOX_MAX,
  RECEIPT_BYTES_MAX,
  STORED_PACKAGES_MAX,
  STRANGERS_CHANNELS_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import type { ChannelId, StoredChannel, StoredPackage } from "../src/store.ts";
import { hasCode } from "./has-code.ts";
import type { StoreMakers } from "./store-makers.ts";
import { bytes, CONTACT, fingerprint, LATER, packageOf, strangerOf } from "./stored-samples.ts";

const AT: ChannelId = { peer: CONTACT.fingerprint, role: "sending" };
const refused = hasCode("usage/invalid-argument");

export function channelConformance(name: string, { make, makeWith }: StoreMakers): void {
  test(`${name} keeps each end of a channel, the last record of it`, async (t) => {
    const store = await make(t);
    assert.equal(await store.channel(AT), undefined);
    await store.saveChannel(AT, bytes(90, 1));
    await store.saveChannel(AT, bytes(70, 2));
    await store.saveChannel({ ...AT, role: "receiving" }, bytes(80, 3));
    await store.saveChannel({ ...AT, peer: fingerprint(5) }, bytes(60, 4));
    assert.deepEqual(await store.channel(AT), bytes(70, 2));
    assert.deepEqual(await store.channel({ ...AT, role: "receiving" }), bytes(80, 3));
    assert.deepEqual(byRecord(await store.channels()), [
      { peer: fingerprint(5), role: "sending", record: bytes(60, 4) },
      { ...AT, record: bytes(70, 2) },
      { ...AT, role: "receiving", record: bytes(80, 3) },
    ]);
    await store.dropChannels(AT.peer);
    assert.deepEqual(await store.channels(), [
      { peer: fingerprint(5), role: "sending", record: bytes(60, 4) },
    ]);
    await store.dropChannels(AT.peer);
  });

  test(`${name} takes a channel's record up to its bound, and no more`, async (t) => {
    const store = await make(t);
    const largest = bytes(CHANNEL_RECORD_BYTES_MAX, 1);
    await store.saveChannel(AT, largest);
    const tooLarge = new Uint8Array(CHANNEL_RECORD_BYTES_MAX + 1);
    await assert.rejects(store.saveChannel(AT, tooLarge), refused);
    await assert.rejects(store.saveChannel(AT, bytes(0, 1)), refused);
    assert.deepEqual(await store.channel(AT), largest);
  });

  test(`${name} keeps receipts beside a channel, the last one of each slot`, async (t) => {
    const store = await make(t);
    const at: ChannelId = { ...AT, role: "receiving" };
    const keep = async (slot: number, receipt: Uint8Array, to = at): Promise<void> =>
      store.saveChannel(to, bytes(80, slot), undefined, { receipt: { slot, receipt } });
    assert.equal(await store.receipt(AT.peer, 0), undefined);
    await keep(0, bytes(RECEIPT_BYTES_MAX, 1));
    await keep(OUTBOX_MAX - 1, bytes(70, 2));
    await keep(0, bytes(60, 3));
    await keep(0, bytes(50, 4), { ...at, peer: fingerprint(5) });
    await store.saveChannel(at, bytes(90, 1));
    const given = await store.receipt(AT.peer, 0);
    assert.deepEqual(given, bytes(60, 3));
    given?.fill(0);
    assert.deepEqual(await store.receipt(AT.peer, 0), bytes(60, 3));
    assert.deepEqual(await store.receipt(AT.peer, OUTBOX_MAX - 1), bytes(70, 2));
    for (const [slot, receipt, to] of [
      [OUTBOX_MAX, bytes(9, 1), at],
      [-1, bytes(9, 1), at],
      [0.5, bytes(9, 1), at],
      [0, bytes(RECEIPT_BYTES_MAX + 1, 1), at],
      [0, bytes(0, 1), at],
      [0, bytes(9, 1), AT],
    ] as const)
      await assert.rejects(keep(slot, receipt, to), refused);
    await assert.rejects(store.receipt(AT.peer, OUTBOX_MAX), refused);
    await assert.rejects(store.receipt(bytes(31, 0), 0), refused);
    assert.deepEqual(await store.channel(at), bytes(90, 1));
    await store.dropChannels(AT.peer);
    assert.equal(await store.receipt(AT.peer, 0), undefined);
    assert.deepEqual(await store.receipt(fingerprint(5), 0), bytes(50, 4));
  });

  test(`${name} erases the package that a channel has used, or changes nothing`, async (t) => {
    const store = await make(t);
    await store.saveKeyPackages([packageOf(1), packageOf(2)]);
    await store.saveChannel(AT, bytes(90, 1), packageOf(1).kid);
    assert.equal(await store.keyPackage(packageOf(1).kid), undefined);
    assert.deepEqual(await store.keyPackages(), [packageOf(2)]);
    await assert.rejects(store.saveChannel(AT, bytes(0, 2), packageOf(2).kid), refused);
    await assert.rejects(store.saveChannel(AT, bytes(90, 2), bytes(15, 2)), refused);
    assert.deepEqual(await store.channel(AT), bytes(90, 1));
    assert.deepEqual(await store.keyPackages(), [packageOf(2)]);
    // A package that is no longer there is no reason to lose the channel's step.
    await store.saveChannel(AT, bytes(90, 3), packageOf(1).kid);
    assert.deepEqual(await store.channel(AT), bytes(90, 3));
  });

  test(`${name} keeps key packages in their order until they are dropped`, async (t) => {
    const store = await make(t);
    assert.deepEqual(await store.keyPackages(), []);
    const lastResort: StoredPackage = { ...packageOf(3), type: "last-resort" };
    const reply: StoredPackage = { ...packageOf(2), type: "reply", keepUntil: 0 as WallMs };
    await store.saveKeyPackages([packageOf(9), lastResort]);
    await store.saveKeyPackages([reply]);
    assert.deepEqual(await store.keyPackages(), [packageOf(9), lastResort, reply]);
    assert.deepEqual(await store.keyPackage(reply.kid), reply);
    assert.equal(await store.keyPackage(packageOf(4).kid), undefined);
    await store.saveKeyPackages([{ ...packageOf(9), type: "reply" }]);
    assert.deepEqual(
      (await store.keyPackages()).map(({ type }) => type),
      ["last-resort", "reply", "reply"],
    );
    await store.dropKeyPackages([packageOf(9).kid, packageOf(4).kid, lastResort.kid]);
    assert.deepEqual(await store.keyPackages(), [reply]);
  });

  test(`${name} keeps the latest key packages when there are too many`, async (t) => {
    const store = await make(t);
    const many = Array.from({ length: STORED_PACKAGES_MAX }, (_, n) => packageOf(n));
    await assert.rejects(store.saveKeyPackages([...many, packageOf(many.length)]), refused);
    assert.deepEqual(await store.keyPackages(), []);
    await store.saveKeyPackages(many);
    await store.saveKeyPackages([packageOf(0), packageOf(10_000), packageOf(10_001)]);
    const kept = await store.keyPackages();
    assert.equal(kept.length, STORED_PACKAGES_MAX);
    assert.deepEqual(kept[0], packageOf(3));
    assert.deepEqual(kept.slice(-3), [packageOf(0), packageOf(10_000), packageOf(10_001)]);
  });

  test(`${name} forgets the strangers' channels used longest ago, never a contact's`, async (t) => {
    const store = await makeWith(t, { strangers: STRANGERS_CHANNELS_MAX });
    await store.saveContact(CONTACT);
    await store.saveChannel(AT, bytes(90, 1));
    await store.saveChannel(strangerOf(0), bytes(9, 77));
    assert.deepEqual(await store.receipt(strangerOf(1).peer, 0), bytes(8, 1));
    assert.equal((await store.channels()).length, STRANGERS_CHANNELS_MAX + 1);
    await store.saveChannel(strangerOf(5_000), bytes(9, 78));
    assert.equal((await store.channels()).length, STRANGERS_CHANNELS_MAX + 1);
    assert.equal(await store.channel(strangerOf(1)), undefined);
    assert.equal(await store.receipt(strangerOf(1).peer, 0), undefined, "and what lies beside it");
    assert.deepEqual(await store.receipt(strangerOf(0).peer, 0), bytes(8, 0));
    assert.deepEqual(await store.channel(strangerOf(0)), bytes(9, 77));
    assert.deepEqual(await store.channel(strangerOf(5_000)), bytes(9, 78));
    assert.deepEqual(await store.channel(AT), bytes(90, 1));
  });

  test(`${name} refuses channels and packages that are none`, async (t) => {
    const store = await make(t);
    await assert.rejects(store.channel({ ...AT, peer: bytes(31, 0) }), refused);
    await assert.rejects(store.channel({ ...AT, role: "both" as "sending" }), refused);
    await assert.rejects(store.dropChannels(bytes(33, 0)), refused);
    await assert.rejects(store.keyPackage(bytes(17, 0)), refused);
    await assert.rejects(store.dropKeyPackages([bytes(16, 0), bytes(15, 0)]), refused);
    const good = packageOf(1);
    for (const wrong of [
      { ...good, kid: bytes(15, 0) },
      { ...good, seed: bytes(31, 0) },
      { ...good, encoded: bytes(KEY_PACKAGE_BYTES - 1, 0) },
      { ...good, type: "other" as "reply" },
      { ...good, keepUntil: -1 as WallMs },
      { ...good, keepUntil: 0.5 as WallMs },
    ])
      await assert.rejects(store.saveKeyPackages([packageOf(2), wrong]), refused);
    assert.deepEqual(await store.keyPackages(), []);
  });

  test(`${name} copies records and packages on the way in and on the way out`, async (t) => {
    const store = await make(t);
    const record = bytes(90, 1);
    const saved = packageOf(1);
    await store.saveChannel(AT, record);
    await store.saveKeyPackages([saved]);
    record.fill(0);
    saved.seed.fill(0);
    (await store.channel(AT))?.fill(0);
    for (const each of await store.channels()) each.record.fill(0);
    (await store.keyPackage(saved.kid))?.seed.fill(0);
    for (const each of await store.keyPackages()) each.seed.fill(0);
    assert.deepEqual(await store.channel(AT), bytes(90, 1));
    assert.deepEqual(await store.keyPackages(), [{ ...packageOf(1), keepUntil: LATER }]);
  });
}

function byRecord(channels: readonly StoredChannel[]): readonly StoredChannel[] {
  return channels.toSorted((a, b) => a.record.length - b.record.length);
}
