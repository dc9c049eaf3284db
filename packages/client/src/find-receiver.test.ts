import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf, formatFingerprint } from "@postern/core/identity";
import { FOUND_VALID_MS } from "@postern/core/limits";
import type { FoundFrame } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { hasCode } from "../test/has-code.ts";
import { findReceiver } from "./find-receiver.ts";
import { MetKeys } from "./met-keys.ts";
import { MetPeer } from "./met-peer.ts";
import { PeerBook, type KnownPeer } from "./peer-book.ts";
import { RecentFinds } from "./recent-finds.ts";

const [ANN, BOB] = [idOf(1), idOf(2)];

function idOf(key: number): Uint8Array {
  return Uint8Array.of(1, 0, 1, ...new Uint8Array(32).fill(key));
}

/** A relay at which these names are these people's, all of them free for everything. */
class Names {
  readonly book = new PeerBook();
  readonly asked: string[] = [];
  readonly names = new Map<string, Uint8Array>();
  statuses: FoundFrame["status"][] = [];
  busyProfiles = 0;
  waitedMs = 0;
  readonly recent = new RecentFinds({ now: () => this.waitedMs as InstantMs });

  async find(
    to: Parameters<typeof findReceiver>[1],
    profile: "end-to-end" | "symmetric",
    isBegun = false,
  ) {
    const clock = {
      now: () => this.waitedMs as InstantMs,
      after: (delayMs: number, run: () => void) => {
        this.waitedMs += delayMs;
        queueMicrotask(run);
        return () => undefined;
      },
    };
    const directory = { find: async (name: string) => this.#answer(name) };
    const { book, recent } = this;
    return await findReceiver({ suite, clock, directory, book, recent }, to, profile, isBegun);
  }

  contact(id: Uint8Array, more: Partial<KnownPeer>): void {
    const fingerprint = formatFingerprint(fingerprintOf(suite, id));
    const known = { name: "x", relayName: "x", trust: "first-use", fingerprint } as const;
    this.book.keep({ ...known, blocked: false, paired: false, ...more });
  }

  #answer(name: string): FoundFrame {
    this.asked.push(name);
    const id = this.names.get(name);
    const status = id === undefined ? "unknown" : (this.statuses.shift() ?? "free");
    const profiles = status === "free" ? 7 : status === "busy" ? this.busyProfiles : 0;
    return { kind: "found", request: 1, status, id: id ?? new Uint8Array(35), profiles };
  }
}

test("findReceiver() asks for a contact by its name at the relay", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN).set("mum", BOB);
  relay.contact(ANN, { name: "mum", relayName: "ann" });
  const { party, relayName } = await relay.find("mum", "end-to-end");
  assert.deepEqual([party.id, relayName, relay.asked], [ANN, "ann", ["ann"]]);
});

test("C-10 findReceiver() stops when a contact's name at the relay is another key's", async () => {
  for (const status of ["free", "busy", "absent"] as const)
    for (const to of ["mum", "ann"]) {
      const relay = new Names();
      relay.names.set("ann", BOB);
      relay.statuses = [status];
      relay.contact(ANN, { name: "mum", relayName: "ann" });
      await assert.rejects(relay.find(to, "end-to-end"), hasCode("peer/key-changed"));
    }
});

test("findReceiver() takes either of two contacts that had one name at their relays", async () => {
  const relay = new Names();
  relay.names.set("ann", BOB);
  relay.contact(ANN, { name: "ann", relayName: "ann" });
  relay.contact(BOB, { name: "ann-2", relayName: "ann" });
  assert.deepEqual((await relay.find("ann-2", "end-to-end")).party.id, BOB);
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/key-changed"));
});

test("findReceiver() refuses who is blocked before the relay hears of it, by any name", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN).set("other", ANN);
  relay.contact(ANN, { name: "ann", relayName: "ann", blocked: true });
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/blocked"));
  assert.deepEqual(relay.asked, []);
  await assert.rejects(relay.find("other", "end-to-end"), hasCode("peer/blocked"));
});

test("C-09 findReceiver() takes no step back from end-to-end", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  assert.deepEqual((await relay.find("ann", "symmetric")).party.id, ANN);
  relay.contact(ANN, { name: "ann", relayName: "ann" });
  await assert.rejects(relay.find("ann", "symmetric"), hasCode("contact/downgrade"));
  assert.deepEqual((await relay.find("ann", "end-to-end")).party.id, ANN);
});

test("C-10 findReceiver() means the verified contact of a name, whoever else goes by it", async () => {
  const relay = new Names();
  relay.contact(ANN, { name: "annie", relayName: "ann", trust: "verified" });
  relay.contact(BOB, { name: "mallory", relayName: "ann", trust: "first-use" });
  relay.names.set("ann", BOB);
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/key-changed"));
  relay.names.set("ann", ANN);
  assert.deepEqual((await relay.find("ann", "end-to-end")).party.id, ANN);
});

test("C-10 findReceiver() lets no relay say which of two contacts a name means", async () => {
  const relay = new Names();
  const asks = async (): Promise<void> => {
    const isAmbiguous = hasCode("contact/ambiguous");
    for (const id of [ANN, BOB]) {
      relay.names.set("ann", id).set("mallory", id);
      await assert.rejects(relay.find("ann", "end-to-end"), isAmbiguous);
      await assert.rejects(relay.find("ann", "symmetric"), isAmbiguous);
    }
  };
  relay.contact(ANN, { name: "annie", relayName: "ann", trust: "verified" });
  // The person's own name for the other is that one, too: it was there first.
  relay.contact(BOB, { name: "ann", relayName: "mallory" });
  await asks();
  relay.contact(BOB, { name: "ann", relayName: "ann" });
  await asks();
  relay.contact(BOB, { name: "other", relayName: "ann", trust: "verified" });
  await asks();
  relay.contact(ANN, { name: "annie", relayName: "ann" });
  relay.contact(BOB, { name: "other", relayName: "ann" });
  await asks();
  assert.deepEqual(relay.asked, []);
  assert.deepEqual((await relay.find("other", "end-to-end")).party.id, BOB);
});

test("findReceiver() waits a while for who was met by a code, and for nobody else", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  relay.statuses = ["absent", "busy", "busy"];
  const met = metAs(ANN);
  assert.deepEqual((await relay.find(met, "end-to-end")).party.id, ANN);
  assert.equal(relay.asked.length, 4);
  relay.statuses = Array.from({ length: 1_000 }, () => "busy");
  await assert.rejects(relay.find(met, "end-to-end"), hasCode("peer/busy"));
  assert.ok(relay.waitedMs > 10_000 && relay.waitedMs < 25_000, `${relay.waitedMs} ms`);
  relay.statuses = ["busy"];
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/busy"));
  relay.statuses = [];
  relay.names.set("ann", BOB);
  await assert.rejects(relay.find(met, "end-to-end"), hasCode("peer/key-changed"));
});

test("C-10 findReceiver() asks again for a contact in time to notice another key", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  relay.contact(ANN, { name: "ann", relayName: "ann" });
  for (const _ of [1, 2, 3])
    assert.deepEqual((await relay.find("ann", "end-to-end")).party.id, ANN);
  assert.deepEqual(relay.asked, ["ann"]);
  relay.names.set("ann", BOB);
  relay.waitedMs = FOUND_VALID_MS;
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/key-changed"));
});

test("findReceiver() remembers nobody as busy, though asked in spite of it", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  relay.contact(ANN, { name: "ann", relayName: "ann" });
  relay.busyProfiles = 4;
  relay.statuses = ["busy"];
  for (const isBegun of [true, false])
    assert.deepEqual((await relay.find("ann", "end-to-end", isBegun)).party.id, ANN);
  assert.deepEqual(relay.asked, ["ann", "ann"]);
});

test("findReceiver() asks each time for who is no contact, and in the RSA profiles", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN).set("bob", BOB);
  for (const _ of [1, 2]) await relay.find("ann", "end-to-end");
  for (const _ of [1, 2]) await relay.find("bob", "symmetric");
  assert.deepEqual(relay.asked, ["ann", "ann", "bob", "bob"]);
});

test("findReceiver() takes a remembered contact only as the book still has it", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  relay.contact(ANN, { name: "ann", relayName: "ann" });
  await relay.find("ann", "end-to-end");
  relay.contact(ANN, { name: "ann", relayName: "ann", blocked: true });
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/blocked"));
  relay.book.forget(fingerprintOf(suite, ANN));
  relay.contact(BOB, { name: "ann", relayName: "ann" });
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/key-changed"));
});

test("findReceiver() takes no Paired that an application made itself", async () => {
  const peer = { name: "ann", fingerprint: "", trust: undefined };
  const made = { peer, keep: async () => await new Promise<never>(() => undefined) };
  const finding = new Names().find(made, "end-to-end");
  await assert.rejects(finding, hasCode("usage/invalid-argument"));
});

function metAs(id: Uint8Array): MetPeer {
  const fingerprint = fingerprintOf(suite, id);
  const peer = { name: "ann", fingerprint: formatFingerprint(fingerprint), trust: undefined };
  const keys = new MetKeys(new Uint8Array(32));
  return new MetPeer({ id, fingerprint, relayName: "ann", peer, keys }, async () => {
    throw new Error("not here");
  });
}

test("T-01 findReceiver() finds a busy one for what it has begun to take, if it takes anything", async () => {
  const relay = new Names();
  relay.names.set("ann", ANN);
  relay.statuses = ["busy", "busy", "busy", "absent"];
  await assert.rejects(relay.find("ann", "end-to-end", true), hasCode("peer/busy"));
  relay.busyProfiles = 4;
  await assert.rejects(relay.find("ann", "end-to-end"), hasCode("peer/busy"));
  assert.deepEqual((await relay.find("ann", "end-to-end", true)).party.id, ANN);
  await assert.rejects(relay.find("ann", "end-to-end", true), hasCode("peer/absent"));
});
