/** What every {@link Store} does with contacts. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTACTS_MAX, NAME_BYTES_MAX } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import type { StoredContact } from "../src/store.ts";
import { hasCode } from "./has-code.ts";
import type { StoreMakers } from "./store-makers.ts";
import { bytes, CONTACT, contactOf, fingerprint, LATER } from "./stored-samples.ts";

const refused = hasCode("usage/invalid-argument");

export function contactConformance(name: string, { make, makeWith }: StoreMakers): void {
  test(`${name} keeps contacts by fingerprint, in the order of their names`, async (t) => {
    const store = await make(t);
    assert.deepEqual(await store.contacts(), []);
    assert.equal(await store.contact(CONTACT.fingerprint), undefined);
    const zoe: StoredContact = {
      id: bytes(35, 21),
      fingerprint: fingerprint(1),
      name: "zoe",
      relayName: "z",
      trust: "verified",
      blocked: true,
      pairingSecret: bytes(32, 50),
      addedAt: 1 as WallMs,
    };
    const al = { ...zoe, fingerprint: fingerprint(2), name: "al" };
    for (const one of [zoe, CONTACT, al]) await store.saveContact(one);
    assert.deepEqual(await store.contacts(), [al, CONTACT, zoe]);
    assert.deepEqual(await store.contact(zoe.fingerprint), zoe);
    const changed = { ...zoe, name: "bobby", blocked: false, pairingSecret: undefined };
    await store.saveContact(changed);
    assert.deepEqual(await store.contacts(), [al, CONTACT, changed]);
    await store.removeContact(CONTACT.fingerprint);
    await store.removeContact(CONTACT.fingerprint);
    assert.deepEqual(await store.contacts(), [al, changed]);
  });

  test(`${name} finds contacts by the person's name for them and by a relay's`, async (t) => {
    const store = await make(t);
    const [one, other] = [
      { ...contactOf(1), name: "ann", relayName: "bob" },
      { ...contactOf(2), name: "bob-2", relayName: "zoe" },
    ];
    for (const each of [other, one, CONTACT]) await store.saveContact(each);
    assert.equal(CONTACT.name, "bob");
    assert.deepEqual(await store.contacts("bob"), [one, CONTACT]);
    assert.deepEqual(await store.contacts("zoe"), [other]);
    assert.deepEqual(await store.contacts("bo"), []);
  });

  test(`${name} never has two contacts of one name`, async (t) => {
    const store = await make(t);
    await store.saveContact(CONTACT);
    const taken = hasCode("contact/name-taken");
    await assert.rejects(store.saveContact({ ...contactOf(1), name: "bob" }), taken);
    await store.saveContact(contactOf(1));
    await assert.rejects(store.saveContact({ ...contactOf(1), name: "bob" }), taken);
    assert.deepEqual(await store.contacts(), [CONTACT, contactOf(1)]);
    await store.saveContact({ ...CONTACT, name: "rob" });
    await store.saveContact({ ...contactOf(1), name: "bob" });
    assert.deepEqual(
      (await store.contacts()).map((one) => one.name),
      ["bob", "rob"],
    );
  });

  test(`${name} has room for so many contacts and no more`, async (t) => {
    const store = await makeWith(t, { contacts: CONTACTS_MAX });
    const full = hasCode("store/failed");
    await assert.rejects(store.saveContact(contactOf(CONTACTS_MAX)), full);
    await store.saveContact({ ...contactOf(7), name: "seven" });
    assert.equal((await store.contacts()).length, CONTACTS_MAX);
    await store.removeContact(fingerprint(8));
    await store.saveContact(contactOf(CONTACTS_MAX));
  });

  test(`${name} refuses a contact that is none`, async (t) => {
    const store = await make(t);
    await assert.rejects(store.contact(bytes(31, 0)), refused);
    await assert.rejects(store.removeContact(bytes(31, 0)), refused);
    for (const wrong of [
      { id: bytes(34, 0) },
      { fingerprint: bytes(33, 0) },
      { name: "" },
      { name: "Bob" },
      { name: "b\u{1b}[2J" },
      { name: "x".repeat(NAME_BYTES_MAX + 1) },
      { relayName: "../x" },
      { trust: "sure" as "verified" },
      { pairingSecret: bytes(31, 0) },
      { addedAt: -1 as WallMs },
      { addedAt: Number.NaN as WallMs },
    ])
      await assert.rejects(store.saveContact({ ...CONTACT, ...wrong }), refused);
    assert.deepEqual(await store.contacts(), []);
  });

  test(`${name} copies contacts on the way in and on the way out`, async (t) => {
    const store = await make(t);
    const saving = { ...CONTACT, pairingSecret: bytes(32, 50) };
    await store.saveContact(saving);
    saving.pairingSecret.fill(0);
    (await store.contact(CONTACT.fingerprint))?.pairingSecret?.fill(0);
    for (const one of await store.contacts()) one.pairingSecret?.fill(0);
    const kept = await store.contact(CONTACT.fingerprint);
    assert.deepEqual(kept, { ...CONTACT, pairingSecret: bytes(32, 50), addedAt: LATER });
  });
}
