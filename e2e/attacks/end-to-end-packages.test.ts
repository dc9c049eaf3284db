/**
 * A relay that hands out other key packages than it should (C-10, C-17, C-08, C-13): somebody
 * else's, changed ones, old ones, one to two people, none. docs/protocol-end-to-end.md 7.3.2.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createIdentity,
  encodeKeyPackage,
  type Identity,
  type KeyPackage,
} from "@postern/core/identity";
import { RESYNCS_PER_TRANSFER_MAX } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { wallOf } from "./lying-relay.ts";
import { copyOf, shownTo, Talk } from "./talk.ts";
import { turned } from "./envelopes.ts";

const DAY_MS = 86_400_000;
/**
 * The start of each field of a package (docs/protocol-end-to-end.md 7.3.2), and places within:
 * suite, type, kid, ML-KEM, X25519, times, profiles, ID, signature.
 */
const PLACES = [
  0, 1, 3, 4, 20, 600, 1_100, 1_204, 1_220, 1_236, 1_243, 1_244, 1_251, 1_252, 1_253, 1_287, 1_288,
  1_320, 1_351,
] as const;

test("C-10 C-13 a package that the receiver did not sign, or signed for something else", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const now = wallOf(talk.stage.clock, 0);
  const mallory = createIdentity(suite);
  const asBob = { ...mallory, id: bob.identity.id };
  const { signing } = bob.identity;
  const wrong: Readonly<Record<string, Uint8Array>> = {
    "of an accomplice": packageOf(mallory, now),
    "of an accomplice under the receiver's name": packageOf(asBob, now),
    "of the sender": packageOf(alice.identity, now),
    "signed by the receiver under another name": packageOf({ ...mallory, signing }, now),
    "for a reply": packageOf(bob.identity, now, { type: "reply" }),
    "past its time": packageOf(bob.identity, now, { notAfter: (now - 1) as WallMs }),
    "before its time": packageOf(bob.identity, now, { notBefore: (now + DAY_MS) as WallMs }),
    "without the profile": packageOf(bob.identity, now, { profiles: 3 }),
    "with a low-order X25519 key": packageOf(bob.identity, now, { publicKey: lowOrder() }),
    "with ML-KEM coefficients out of range": packageOf(bob.identity, now, {
      publicKey: new Uint8Array(1_216).fill(0xff),
    }),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    give(talk, () => bytes);
    assert.equal(await talk.tell(alice, bob), "peer/no-package", what);
  }
  assert.deepEqual(deliveredTo(talk, "bob"), 0, "nothing was sealed to any of them");
  // The same package without a flaw is taken: the refusals above have their reasons.
  give(talk, () => packageOf(bob.identity, now));
  assert.notEqual(await talk.tell(alice, bob), "peer/no-package");
  assert.equal(deliveredTo(talk, "bob"), 1 + RESYNCS_PER_TRANSFER_MAX);
  await talk.goesOn(alice, bob);
});

test("C-01 C-08 C-09 a package with any bit changed is refused", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const at of PLACES)
    for (const mask of [0x01, 0x80]) {
      give(talk, (honest) => turned(honest, at, mask));
      assert.equal(await talk.tell(alice, bob), "peer/no-package", `bit ${mask} of byte ${at}`);
    }
  assert.equal(deliveredTo(talk, "bob"), 0);
  await talk.goesOn(alice, bob);
});

test("C-02 one one-time package for two senders: the second begins anew, and is told", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  let first: Uint8Array | undefined;
  let given = 0;
  give(talk, (honest) => {
    first ??= honest;
    return given++ === 1 ? first : honest;
  });
  assert.equal(await talk.tell(alice, bob), "done");
  const transfer = await talk.stage.start(carol, "bob", { profile: "end-to-end" });
  const kinds: string[] = [];
  for await (const { type } of transfer) kinds.push(type);
  assert.deepEqual(
    kinds.filter((kind) => ["key-renewed", "done"].includes(kind)),
    ["key-renewed", "done"],
  );
  assert.equal(given, 3);
});

test("C-02 a used-up package for ever: the sender gives up, and nothing is shown", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  let first: Uint8Array | undefined;
  give(talk, (honest) => (first ??= honest));
  assert.equal(await talk.tell(alice, bob), "done");
  const before = deliveredTo(talk, "bob");
  assert.equal(await talk.tell(carol, bob), "peer/channel-stale");
  assert.equal(deliveredTo(talk, "bob") - before, 1 + RESYNCS_PER_TRANSFER_MAX);
  assert.equal(shownTo(bob).length, 1);
  await talk.goesOn(carol, bob);
});

test("C-17 the last-resort package for everybody: each has a channel of its own", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  const lastResort = (await bob.store.keyPackages()).find(({ type }) => type === "last-resort");
  give(talk, () => lastResort!.encoded);
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(await talk.tell(carol, bob), "done");
  const inits = talk.relay.said.filter(({ to }) => to === "bob");
  for (const { to, frame } of inits) talk.relay.say(to, frame);
  // Bob forgets them both: what they said is too old by now, though the secret lives.
  await talk.stage.clock.advance(120_000);
  for (const { identity } of [alice, carol]) await bob.store.dropChannels(identity.fingerprint);
  await talk.restart(bob);
  for (const { to, frame } of inits) talk.relay.say(to, frame);
  await talk.settle();
  assert.equal(shownTo(bob).length, 2);
  await talk.goesOn(alice, bob);
  await talk.goesOn(carol, bob);
});

test("C-02 an older first offer under the last-resort package, to a new process of its receiver", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const lastResort = (await bob.store.keyPackages()).find(({ type }) => type === "last-resort");
  give(talk, () => lastResort!.encoded);
  assert.equal(await talk.tell(alice, bob), "done");
  const first = talk.relay.said.filter(
    ({ to, frame }) => to === "bob" && frame.kind === "delivery",
  );
  await alice.store.dropChannels(bob.identity.fingerprint);
  await talk.stage.clock.advance(1_000);
  assert.equal(await talk.tell(alice, bob), "done");
  // It remembers no transfers, and the first offer is not too old yet: its epoch is.
  await talk.restart(bob);
  const epoch = async (): Promise<number | undefined> => {
    const contact = await bob.client.contacts.find("alice");
    return contact?.channels.find(({ role }) => role === "receiving")?.epoch;
  };
  const before = await epoch();
  for (const { to, frame } of first) talk.relay.say(to, frame);
  await talk.settle();
  assert.ok(before !== undefined && before === (await epoch()), "the channel is the same");
  await talk.goesOn(alice, bob);
});

test("C-17 a relay that has no package, or says nothing, is found out", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  give(talk, () => new Uint8Array(0));
  assert.equal(await talk.tell(alice, bob), "peer/no-package");
  talk.relay.onAnswer = (_to, frame) => (frame.kind === "package" ? [] : [frame]);
  assert.equal(await talk.tell(alice, bob), "link/timed-out");
  assert.equal(deliveredTo(talk, "bob"), 0);
  await talk.goesOn(alice, bob);
});

test("C-17 packages of a receiver's past life open nothing, and the sender gets new ones", async () => {
  const talk = await Talk.open();
  const alice = await talk.join("alice");
  const bob = await talk.join("bob");
  const old = (await bob.store.keyPackages()).filter(({ type }) => type === "one-time");
  const empty = await copyOf(bob.store);
  await empty.dropKeyPackages((await empty.keyPackages()).map(({ kid }) => kid));
  await talk.restart(bob, empty);
  let given = 0;
  give(talk, (honest) => (given++ === 0 ? old[0]!.encoded : honest));
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(given, 2);
  await talk.goesOn(alice, bob);
});

test("C-17 a relay that lies about what it holds is not filled without an end", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  talk.relay.onAnswer = (_to, frame) => {
    if (frame.kind !== "packages-held") return [frame];
    const strange = { kid: suite.random(16), type: "one-time" } as const;
    return [{ ...frame, held: [strange] }];
  };
  const before = publishedBy(talk, "bob");
  await talk.restart(bob);
  assert.ok(publishedBy(talk, "bob") - before <= 4, "one question and one answer");
  assert.ok((await bob.store.keyPackages()).length < 140);
  talk.relay.onAnswer = (_to, frame) =>
    frame.kind === "packages-held" ? [{ ...frame, held: [] }] : [frame];
  await talk.restart(bob);
  await talk.goesOn(alice, bob);
});

test("C-13 a reply package in an offer serves its sender's peer alone", async () => {
  // Bob's first offer to Alice carries his; whoever else gets it from the relay cannot use it.
  const { talk, alice, bob } = await Talk.ofTwo();
  const carol = await talk.join("carol");
  assert.equal(await talk.tell(bob, alice), "done");
  const reply = (await bob.store.keyPackages()).find(({ type }) => type === "reply");
  give(talk, () => reply!.encoded);
  assert.equal(await talk.tell(carol, bob), "peer/no-package");
  const fetched = talk.relay.said.filter(({ frame }) => frame.kind === "package").length;
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(talk.relay.said.filter(({ frame }) => frame.kind === "package").length, fetched);
  await talk.goesOn(alice, bob);
});

/** What the relay hands out instead of the package that it should. */
function give({ relay }: Talk, change: (honest: Uint8Array) => Uint8Array): void {
  relay.onAnswer = (_to, frame) =>
    frame.kind === "package" ? [{ ...frame, keyPackage: change(frame.keyPackage) }] : [frame];
}

function packageOf(identity: Identity, now: number, fields: Partial<KeyPackage> = {}): Uint8Array {
  const { publicKey } = suite.generateKem();
  const times = { notBefore: now as WallMs, notAfter: (now + DAY_MS) as WallMs };
  const made = {
    type: "one-time",
    kid: suite.random(16),
    publicKey,
    ...times,
    profiles: 4,
  } as const;
  return encodeKeyPackage(suite, identity, { ...made, ...fields });
}

/** An ML-KEM key of somebody's, and the point of order 1. */
function lowOrder(): Uint8Array {
  const { publicKey } = suite.generateKem();
  publicKey.fill(0, 1_184);
  return publicKey;
}

function deliveredTo({ relay }: Talk, name: string): number {
  return relay.said.filter(({ to, frame }) => to === name && frame.kind === "delivery").length;
}

function publishedBy({ relay }: Talk, name: string): number {
  return relay.heard.filter(({ from, frame }) => from === name && frame.kind === "publish-packages")
    .length;
}
