/**
 * What every {@link Store} does; each implementation's test runs it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS_LENGTH_MAX, RELAY_PINS_MAX } from "@postern/core/limits";
import type { PairKeyId } from "../src/store.ts";
import { hasCode } from "./has-code.ts";
import { channelConformance } from "./store-channels.ts";
import { contactConformance } from "./store-contacts.ts";
import { unfinishedConformance } from "./store-unfinished.ts";
import type { StoreMakers } from "./store-makers.ts";
import {
  bytes,
  CONTACT,
  IDENTITY,
  LATER,
  packageOf,
  PAIR,
  unfinishedOf,
} from "./stored-samples.ts";

export function storeConformance(name: string, makers: StoreMakers): void {
  const { make, makeWith } = makers;
  channelConformance(name, makers);
  contactConformance(name, makers);
  unfinishedConformance(name, makers);

  test(`${name} gives back its identity`, async (t) => {
    const store = await make(t);
    assert.deepEqual(await store.identity(), IDENTITY);
  });

  test(`${name} keeps a pair's key until it is dropped, and its counter after that`, async (t) => {
    const store = await make(t);
    assert.equal(await store.pairKey(PAIR), undefined);
    assert.equal(await store.pairCounter(PAIR), 0);
    await store.keepPairKey(PAIR, { counter: 7, key: bytes(32, 9) });
    assert.deepEqual(await store.pairKey(PAIR), { counter: 7, key: bytes(32, 9) });
    const [one, two] = await Promise.all([store.takePairKey(PAIR), store.takePairKey(PAIR)]);
    assert.equal(Number(one === undefined) + Number(two === undefined), 1);
    assert.equal(await store.pairKey(PAIR), undefined);
    assert.equal(await store.pairCounter(PAIR), 7);
    await store.keepPairKey(PAIR, { counter: 8, key: bytes(32, 10) });
    await store.keepPairKey(PAIR, { counter: 9, key: bytes(32, 11) });
    assert.deepEqual(await store.pairKey(PAIR), { counter: 9, key: bytes(32, 11) });
  });

  test(`${name} tells relay, peer and role apart`, async (t) => {
    const store = await make(t);
    await store.keepPairKey(PAIR, { counter: 1, key: bytes(32, 9) });
    const others: PairKeyId[] = [
      { ...PAIR, role: "receiving" },
      { ...PAIR, relay: bytes(32, 5) },
      { ...PAIR, peer: bytes(32, 5) },
      { ...PAIR, relay: PAIR.peer, peer: PAIR.relay },
    ];
    for (const other of others) {
      assert.equal(await store.pairKey(other), undefined);
      await store.takePairKey(other);
      assert.equal(await store.pairCounter(other), 0);
    }
    assert.equal((await store.pairKey(PAIR))?.counter, 1);
  });

  test(`${name} copies keys on the way in and on the way out`, async (t) => {
    const store = await make(t);
    const key = bytes(32, 9);
    await store.keepPairKey(PAIR, { counter: 1, key });
    key.fill(0);
    (await store.pairKey(PAIR))?.key.fill(0);
    assert.deepEqual((await store.pairKey(PAIR))?.key, bytes(32, 9));
    (await store.identity()).signingSeed.fill(0);
    assert.deepEqual(await store.identity(), IDENTITY);
    const pkcs8 = bytes(1_800, 1);
    await store.saveRsaKey({ pkcs8, notAfter: LATER });
    pkcs8.fill(0);
    (await store.rsaKey())?.pkcs8.fill(0);
    assert.deepEqual((await store.rsaKey())?.pkcs8, bytes(1_800, 1));
  });

  test(`${name} keeps one RSA key and its end`, async (t) => {
    const store = await make(t);
    assert.equal(await store.rsaKey(), undefined);
    await store.saveRsaKey({ pkcs8: bytes(1_794, 1), notAfter: LATER });
    await store.saveRsaKey({ pkcs8: bytes(1_793, 2), notAfter: LATER });
    assert.deepEqual(await store.rsaKey(), { pkcs8: bytes(1_793, 2), notAfter: LATER });
  });

  test(`${name} keeps a pin for each relay`, async (t) => {
    const store = await make(t);
    assert.equal(await store.relayPin("a.example:7000"), undefined);
    await store.pinRelay("a.example:7000", bytes(32, 1));
    await store.pinRelay("b.example:7000", bytes(32, 2));
    await store.pinRelay("b.example:7000", bytes(32, 3));
    assert.deepEqual(await store.relayPin("a.example:7000"), bytes(32, 1));
    assert.deepEqual(await store.relayPin("b.example:7000"), bytes(32, 3));
    assert.deepEqual(await store.relayPins(), [
      { address: "a.example:7000", fingerprint: bytes(32, 1) },
      { address: "b.example:7000", fingerprint: bytes(32, 3) },
    ]);
  });

  test(`${name} refuses what does not fit`, async (t) => {
    const store = await make(t);
    const refused = hasCode("usage/invalid-argument");
    const key = bytes(32, 9);
    await assert.rejects(store.pairKey({ ...PAIR, relay: bytes(31, 0) }), refused);
    await assert.rejects(store.pairCounter({ ...PAIR, peer: bytes(33, 0) }), refused);
    await assert.rejects(store.keepPairKey(PAIR, { counter: 1, key: bytes(31, 0) }), refused);
    for (const counter of [-1, 0.5, 2 ** 53])
      await assert.rejects(store.keepPairKey(PAIR, { counter, key }), refused);
    const endless = "a".repeat(ADDRESS_LENGTH_MAX + 1);
    await assert.rejects(store.pinRelay("a", bytes(31, 0)), refused);
    await assert.rejects(store.pinRelay("", bytes(32, 0)), refused);
    await assert.rejects(store.pinRelay(endless, bytes(32, 0)), refused);
    const role = "both" as "sending";
    await assert.rejects(store.keepPairKey({ ...PAIR, role }, { counter: 1, key }), refused);
    await assert.rejects(store.saveRsaKey({ pkcs8: bytes(0, 0), notAfter: LATER }), refused);
    await assert.rejects(store.saveRsaKey({ pkcs8: bytes(2_049, 0), notAfter: LATER }), refused);
  });

  test(`${name} has room for so many relays and no more`, async (t) => {
    const store = await makeWith(t, { relays: RELAY_PINS_MAX });
    await assert.rejects(store.pinRelay("one more", bytes(32, 0)), hasCode("store/failed"));
    await store.pinRelay("a7", bytes(32, 8));
    assert.equal((await store.relayPins()).length, RELAY_PINS_MAX);
  });

  test(`${name} takes the largest counter of the protocol`, async (t) => {
    const store = await make(t);
    await store.keepPairKey(PAIR, { counter: Number.MAX_SAFE_INTEGER, key: bytes(32, 9) });
    assert.equal(await store.pairCounter(PAIR), Number.MAX_SAFE_INTEGER);
  });

  test(`${name} does nothing more once it is closed`, async (t) => {
    const store = await make(t);
    await store.close();
    await store.close();
    await assert.rejects(store.identity(), hasCode("usage/wrong-state"));
    for (const call of [
      store.pairKey(PAIR),
      store.keepPairKey(PAIR, { counter: 1, key: bytes(32, 1) }),
      store.channel(PAIR),
      store.saveChannel(PAIR, bytes(9, 1)),
      store.receipt(PAIR.peer, 0),
      store.channels(),
      store.dropChannels(PAIR.peer),
      store.keyPackages(),
      store.saveKeyPackages([packageOf(1)]),
      store.dropKeyPackages([packageOf(1).kid]),
      store.contacts(),
      store.saveContact(CONTACT),
      store.removeContact(CONTACT.fingerprint),
      store.unfinished(),
      store.unfinishedOne(unfinishedOf(1)),
      store.saveUnfinished(unfinishedOf(1)),
      store.dropUnfinished(unfinishedOf(1)),
      store.rsaKey(),
      store.relayPins(),
    ])
      await assert.rejects(call, hasCode("usage/wrong-state"));
  });
}
