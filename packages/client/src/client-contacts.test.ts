import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf } from "@postern/core/identity";
import type { FoundFrame } from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { ChannelPerson } from "../test/channel-person.ts";
import { hasCode } from "../test/has-code.ts";
import { ClientContacts } from "./client-contacts.ts";
import { contactBook } from "./contacts.ts";
import { findReceiver } from "./find-receiver.ts";
import { RecentFinds } from "./recent-finds.ts";

const [BOB, MALLORY] = [partyOf(1), partyOf(2)];

function partyOf(key: number) {
  const id = Uint8Array.of(1, 0, 1, ...new Uint8Array(32).fill(key));
  return { id, fingerprint: fingerprintOf(suite, id) };
}

/** Ann's contacts, and a relay at which names are whose it says. */
class Ann {
  readonly contacts: ClientContacts;
  readonly names = new Map<string, Uint8Array>();
  readonly person = new ChannelPerson(9);

  constructor() {
    const { store, identity, book, desk } = this.person;
    const stored = contactBook({ store, suite, wall: () => 5 as WallMs }, identity);
    this.contacts = new ClientContacts(stored, book, desk, store);
  }

  async find(to: string): Promise<Uint8Array> {
    const clock = { now: () => 0 as InstantMs, after: () => () => undefined };
    const directory = { find: async (name: string) => this.#answer(name) };
    const recent = new RecentFinds(clock);
    const ports = { suite, clock, directory, recent, book: this.person.book };
    return (await findReceiver(ports, to, "end-to-end")).party.id;
  }

  /** Bob is verified and called robert here. */
  async knowBob(): Promise<void> {
    await this.contacts.pin(BOB, "bob");
    await this.contacts.verify("bob");
    await this.contacts.rename("bob", "robert");
    this.names.set("bob", BOB.id);
  }

  #answer(name: string): FoundFrame {
    const id = this.names.get(name);
    const status = id === undefined ? "unknown" : "free";
    const profiles = id === undefined ? 0 : 7;
    return { kind: "found", request: 1, status, id: id ?? new Uint8Array(35), profiles };
  }
}

test("C-10 pin() gives nobody the relay name of a verified contact, nor does findReceiver()", async () => {
  const ann = new Ann();
  await ann.knowBob();
  await ann.contacts.pin(MALLORY, "bob");
  ann.names.set("bob", MALLORY.id);
  await assert.rejects(ann.find("bob"), hasCode("peer/key-changed"));
  await assert.rejects(ann.find("robert"), hasCode("peer/key-changed"));
  const names = (await ann.contacts.list()).map(({ name }) => name);
  assert.deepEqual(names, ["bob-2", "robert"]);
  ann.names.set("bob", BOB.id);
  assert.deepEqual(await ann.find("bob"), BOB.id);
});

test("C-10 pin() keeps a contact's relay name, whatever a relay calls it later", async () => {
  const ann = new Ann();
  await ann.knowBob();
  await ann.contacts.pin(BOB, "zzz");
  ann.names.set("zzz", MALLORY.id);
  assert.deepEqual(await ann.find("robert"), BOB.id);
  assert.equal((await ann.contacts.find("robert"))?.relayName, "bob");
});

test("keep() takes the relay name of a new pairing, drops the channels and serves once", async () => {
  const ann = new Ann();
  const { store } = ann.person;
  await ann.knowBob();
  const peer = BOB.fingerprint;
  await store.saveChannel({ peer, role: "sending" }, new Uint8Array(9));
  const met = ann.contacts.meet({ ...BOB, name: "bobby", secret: new Uint8Array(32).fill(3) });
  assert.notEqual(await store.channel({ peer, role: "sending" }), undefined);
  const { name, relayName, paired } = await met.keep();
  assert.deepEqual([name, relayName, paired], ["robert", "bobby", true]);
  assert.equal(await store.channel({ peer, role: "sending" }), undefined);
  await assert.rejects(met.keep(), hasCode("usage/wrong-state"));
});

test("wipe() erases the secrets of all meetings that nobody kept", () => {
  const { contacts } = new Ann();
  const secrets = [1, 2].map((value) => new Uint8Array(32).fill(value));
  for (const secret of secrets) contacts.meet({ ...BOB, name: "bob", secret });
  contacts.wipe();
  assert.deepEqual(
    secrets.map(([first]) => first),
    [0, 0],
  );
});
