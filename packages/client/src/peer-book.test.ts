import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf, formatFingerprint } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { contactBook } from "./contacts.ts";
import { memoryStore } from "./memory-store.ts";
import { PeerBook, type KnownPeer } from "./peer-book.ts";

const ANN = new Uint8Array(32).fill(1);
const BOB = new Uint8Array(32).fill(2);

function known(fingerprint: Uint8Array, more: Partial<KnownPeer> = {}): KnownPeer {
  const contact = { name: "ann", relayName: "ann-at-relay", trust: "first-use" } as const;
  const rest = { blocked: false, paired: false, fingerprint: formatFingerprint(fingerprint) };
  return { ...contact, ...rest, ...more };
}

test("C-09 admits() takes strangers, and a contact end-to-end alone", () => {
  const book = new PeerBook();
  book.keep(known(ANN));
  for (const profile of ["end-to-end", "symmetric", "asymmetric"] as const)
    assert.equal(book.admits(BOB, profile), "welcome", "no contact has agreed to anything");
  assert.equal(book.admits(ANN, "end-to-end"), "welcome");
  assert.equal(book.admits(ANN, "symmetric"), "profile-refused");
  assert.equal(book.isDowngrade(ANN, "asymmetric"), true);
  book.forget(ANN);
  assert.equal(book.admits(ANN, "symmetric"), "welcome");
});

test("admits() blocks who is blocked, in every profile", () => {
  const book = new PeerBook();
  book.keep(known(ANN, { blocked: true }));
  for (const profile of ["end-to-end", "symmetric"] as const)
    assert.equal(book.admits(ANN, profile), "blocked");
});

test("peerName() is what the person calls it, or what was said", () => {
  const book = new PeerBook();
  book.keep(known(ANN, { name: "mum", trust: "verified" }));
  const named = { name: "mum", fingerprint: formatFingerprint(ANN), trust: "verified" };
  assert.deepEqual(book.peerName(ANN, "ann"), named);
  const stranger = { name: "ann", fingerprint: formatFingerprint(BOB), trust: undefined };
  assert.deepEqual(book.peerName(BOB, "ann"), stranger);
});

test("load() reads the contacts of a store", async () => {
  const linkSeed = new Uint8Array(32).fill(4);
  const store = memoryStore({ name: "me", signingSeed: new Uint8Array(32).fill(3), linkSeed });
  const self = { id: new Uint8Array(35), fingerprint: new Uint8Array(32) };
  const contacts = contactBook({ store, suite, wall: () => 5 as WallMs }, self);
  const id = Uint8Array.of(1, 0, 1, ...new Uint8Array(32).fill(8));
  const contact = await contacts.addVerified(id, "carl", new Uint8Array(32).fill(7));
  const fingerprint = fingerprintOf(suite, id);
  const book = new PeerBook();
  await book.load(store);
  assert.equal(book.of(fingerprint)?.paired, true);
  assert.equal(book.named("carl")?.fingerprint, contact.fingerprint);
  assert.deepEqual(
    book.byRelayName("carl").map(({ trust }) => trust),
    ["verified"],
  );
  assert.equal(book.admits(fingerprint, "symmetric"), "profile-refused");
});
