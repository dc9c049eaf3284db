import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, groupBase32 } from "@postern/core/bytes";
import { createIdentity, formatFingerprint, type Identity } from "@postern/core/identity";
import { safetyNumber } from "@postern/core/pairing";
import { nativeSuite as suite } from "@postern/node";
import { hasCode } from "../test/has-code.ts";
import { bytes, IDENTITY, LATER } from "../test/stored-samples.ts";
import { contactBook, type ContactBook } from "./contacts.ts";
import { memoryStore } from "./memory-store.ts";
import type { Store } from "./store.ts";

const self = createIdentity(suite);
const [bob, eve] = [createIdentity(suite), createIdentity(suite)];

function bookOn(store: Store): ContactBook {
  return contactBook({ store, suite, wall: () => LATER }, self);
}

function newBook(): { readonly store: Store; readonly book: ContactBook } {
  const store = memoryStore(IDENTITY);
  return { store, book: bookOn(store) };
}

function text({ fingerprint }: Identity): string {
  return formatFingerprint(fingerprint);
}

test("contactBook() pins who is met for the first time", async () => {
  const { store, book } = newBook();
  const added = await book.addFirstUse(bob.id, "bob");
  assert.deepEqual(added, {
    name: "bob",
    fingerprint: text(bob),
    relayName: "bob",
    trust: "first-use",
    blocked: false,
    paired: false,
    safetyNumber: safetyNumber(suite, self.id, bob.id),
    addedAt: LATER,
    channels: [],
  });
  assert.equal(added.safetyNumber.length, 12);
  assert.deepEqual(await bookOn(store).list(), [added]);
  assert.deepEqual((await store.contact(bob.fingerprint))?.id, bob.id);
});

test("contactBook() finds by name, and by fingerprint in any grouping", async () => {
  const { book } = newBook();
  const added = await book.addFirstUse(bob.id, "bob");
  await book.addFirstUse(eve.id, "eve");
  const printed = text(bob);
  for (const typed of [
    "bob",
    printed,
    printed.toUpperCase(),
    groupBase32(printed),
    groupBase32(printed).replaceAll("-", " "),
    ` ${printed.match(/.{1,13}/g)?.join("  ")}\n`,
  ])
    assert.deepEqual(await book.find(typed), added, typed);
  const other = text(createIdentity(suite));
  for (const typed of ["", "bo", "BOB", printed.slice(1), `${printed}a`, other, "a".repeat(9_999)])
    assert.equal(await book.find(typed), undefined, typed);
});

test("C-11 contactBook() has no name that could be read as a fingerprint", async () => {
  const { book } = newBook();
  await book.addFirstUse(bob.id, "bob");
  const wrong = hasCode("usage/invalid-argument");
  await assert.rejects(book.rename("bob", text(eve)), wrong);
  await assert.rejects(book.rename("bob", groupBase32(text(eve))), wrong);
  await assert.rejects(book.addFirstUse(eve.id, text(bob)), hasCode("peer/malformed"));
});

test("C-10 contactBook() gives nobody another contact's place for a name", async () => {
  const { book } = newBook();
  const pinned = await book.addFirstUse(bob.id, "bob");
  const impostor = await book.addFirstUse(eve.id, "bob");
  const third = await book.addVerified(createIdentity(suite).id, "bob", bytes(32, 1));
  assert.deepEqual([impostor.name, third.name], ["bob-2", "bob-3"]);
  assert.deepEqual(await book.find("bob"), pinned);
  const known = await book.byRelayName("bob");
  assert.deepEqual(
    known.map(({ name }) => name),
    ["bob-3", "bob", "bob-2"],
    "verified first",
  );
  assert.deepEqual(await book.byRelayName("bob-2"), []);
});

test("contactBook() makes long names unique within their length", async () => {
  const { book } = newBook();
  const long = "x".repeat(32);
  await book.addFirstUse(bob.id, long);
  assert.equal((await book.addFirstUse(eve.id, long)).name, `${"x".repeat(30)}-2`);
});

test("C-10 contactBook() lets no relay lower trust, rename or unblock a contact", async () => {
  const { store, book } = newBook();
  await book.addVerified(bob.id, "bob", bytes(32, 7));
  await book.rename("bob", "bobby");
  await book.block("bobby", true);
  const again = await book.addFirstUse(bob.id, "robert");
  const { name, relayName, trust, blocked, paired } = again;
  assert.deepEqual(
    { name, relayName, trust, blocked, paired },
    { name: "bobby", relayName: "bob", trust: "verified", blocked: true, paired: true },
  );
  assert.deepEqual((await store.contact(bob.fingerprint))?.pairingSecret, bytes(32, 7));
  assert.equal((await book.list()).length, 1);
});

test("contactBook() verifies a pinned contact by a pairing, under the person's name", async () => {
  const { store, book } = newBook();
  await book.addFirstUse(bob.id, "bob");
  const secret = bytes(32, 7);
  const paired = await book.addVerified(bob.id, "impressive", secret);
  secret.fill(0);
  assert.deepEqual([paired.name, paired.trust, paired.paired], ["bob", "verified", true]);
  assert.deepEqual((await store.contact(bob.fingerprint))?.pairingSecret, bytes(32, 7));
  await book.addFirstUse(eve.id, "eve");
  assert.equal((await book.addVerified(bob.id, "b", bytes(32, 8), "bob")).name, "bob");
  assert.equal((await book.addVerified(bob.id, "b", bytes(32, 9), "eve")).name, "eve-2");
  assert.deepEqual((await store.contact(bob.fingerprint))?.pairingSecret, bytes(32, 9));
});

test("contactBook() verifies, renames and blocks one contact", async () => {
  const { book } = newBook();
  await book.addFirstUse(bob.id, "bob");
  await book.addFirstUse(eve.id, "eve");
  assert.equal((await book.verify("bob")).trust, "verified");
  assert.equal((await book.rename(text(bob), "rob")).name, "rob");
  assert.equal((await book.rename("rob", "rob")).name, "rob");
  await assert.rejects(book.rename("rob", "eve"), hasCode("contact/name-taken"));
  await assert.rejects(book.rename("rob", "R\u{f6}b"), hasCode("usage/invalid-argument"));
  assert.equal((await book.block("rob", true)).blocked, true);
  assert.equal((await book.block("rob", false)).blocked, false);
  assert.deepEqual(
    (await book.list()).map(({ name, trust }) => [name, trust]),
    [
      ["eve", "first-use"],
      ["rob", "verified"],
    ],
  );
  const unknown = hasCode("contact/unknown");
  for (const name of ["bob", text(createIdentity(suite)), "no name"]) {
    await assert.rejects(book.verify(name), unknown);
    await assert.rejects(book.rename(name, "new"), unknown);
    await assert.rejects(book.block(name, true), unknown);
    await assert.rejects(book.remove(name), unknown);
  }
});

test("contactBook() forgets pin, pairing and keys of a removed contact alone", async () => {
  const { store, book } = newBook();
  const relay = bytes(32, 3);
  await store.pinRelay("relay.example:7000", relay);
  for (const { id, fingerprint: peer } of [bob, eve]) {
    await book.addFirstUse(id, peer === bob.fingerprint ? "bob" : "eve");
    for (const role of ["sending", "receiving"] as const) {
      await store.saveChannel({ peer, role }, receiverRecord(1));
      await store.keepPairKey({ relay, peer, role }, { counter: 1, key: bytes(32, 1) });
    }
  }
  await book.remove("bob");
  assert.deepEqual(
    (await book.list()).map(({ name }) => name),
    ["eve"],
  );
  assert.equal((await store.channels()).length, 2);
  for (const role of ["sending", "receiving"] as const) {
    const at = (peer: Uint8Array) => ({ relay, peer, role });
    assert.equal(await store.channel({ peer: bob.fingerprint, role }), undefined);
    assert.equal(await store.pairKey(at(bob.fingerprint)), undefined);
    assert.notEqual(await store.pairKey(at(eve.fingerprint)), undefined);
  }
  assert.equal((await book.addFirstUse(bob.id, "bob")).trust, "first-use");
});

test("contactBook() shows each direction's keys", async () => {
  const { store, book } = newBook();
  await book.addFirstUse(bob.id, "bob");
  await store.saveChannel({ peer: bob.fingerprint, role: "receiving" }, receiverRecord(5));
  const expected = { role: "receiving", epoch: 5, transfers: 3, unacknowledged: 0 };
  assert.deepEqual((await book.find("bob"))?.channels, [{ ...expected, renewedAt: LATER }]);
});

test("contactBook() takes no id and no name that is none", async () => {
  const { book } = newBook();
  const malformed = hasCode("peer/malformed");
  const otherSuite = bob.id.slice();
  otherSuite[2] = 9;
  for (const id of [bob.id.slice(1), otherSuite, bytes(0, 0), self.id]) {
    await assert.rejects(book.addFirstUse(id, "bob"), malformed);
    await assert.rejects(book.addVerified(id, "bob", bytes(32, 1)), malformed);
  }
  for (const name of ["", "\u{1b}]0;owned\u{7}", "Bob", "b/../c", "x".repeat(33)]) {
    await assert.rejects(book.addFirstUse(bob.id, name), malformed);
    await assert.rejects(book.addVerified(bob.id, name, bytes(32, 1)), malformed);
  }
  await assert.rejects(
    book.addVerified(bob.id, "bob", bytes(32, 1), "No Name"),
    hasCode("usage/invalid-argument"),
  );
  const short = book.addVerified(bob.id, "bob", bytes(31, 1));
  await assert.rejects(short, hasCode("usage/invalid-argument"));
  assert.deepEqual(await book.list(), []);
});

test("contactBook() loses no change of those that come together", async () => {
  const { book } = newBook();
  await Promise.all([
    book.addFirstUse(bob.id, "bob"),
    book.addVerified(bob.id, "bob", bytes(32, 1)),
    book.addFirstUse(bob.id, "bob"),
    book.addFirstUse(eve.id, "bob"),
    book.block("bob", true),
    assert.rejects(book.verify("nobody")),
    book.rename("bob-2", "eve"),
  ]);
  const [first, second] = await book.list();
  assert.deepEqual([first?.trust, first?.blocked, first?.paired], ["verified", true, true]);
  assert.equal(second?.name, "eve");
});

/** As in docs/protocol-end-to-end.md 7.3.6: three transfers, no receipts left, no keys. */
function receiverRecord(epoch: number): Uint8Array {
  const hash = bytes(32, 1);
  const writer = new ByteWriter().u8(1).u8(2).u64(epoch).raw(hash).u32(3).raw(hash).raw(hash);
  return writer.u32(0).u8(0).u64(LATER).u8(0).bytes();
}
