/**
 * A relay that lies about who is who, who is there and what they take (C-09, C-10, C-11, C-17).
 * docs/protocol-end-to-end.md 7.3.5, docs/security.md.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageSource } from "@postern/client";
import { concat } from "@postern/core/bytes";
import { outcomeOf, type Actor } from "./cast.ts";
import { changeDeliveries, carrying, envelopeOf, turned } from "./envelopes.ts";
import { HeldEnvelope } from "./held-envelopes.ts";
import { shownTo, Talk } from "./talk.ts";

const ALL = ["end-to-end", "asymmetric", "symmetric"] as const;

test("C-10 first contact: whom the relay names is pinned, and the safety numbers tell", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  nameInstead(talk, mallory);
  // The relay's word is all there is yet (docs/security.md): she gets it, and it shows.
  assert.equal(await sendTo(talk, alice, "bob"), "done");
  const pinned = (await alice.client.contacts.find("bob"))!;
  assert.equal(pinned.trust, "first-use");
  assert.equal(pinned.fingerprint, mallory.client.fingerprint);
  talk.relay.onAnswer = (_to, frame) => [frame];
  assert.equal(await sendTo(talk, bob, "alice"), "done");
  const bobs = (await bob.client.contacts.find("alice"))!;
  assert.notDeepEqual(pinned.safetyNumber, bobs.safetyNumber);
  // The truth, later, is told as what it is.
  assert.equal(await sendTo(talk, alice, "bob"), "peer/key-changed");
  assert.equal(mallory.shown.length, 1);
});

test("C-10 a known contact: another identity under its name is refused, before any offer", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  assert.equal(await talk.tell(alice, bob), "done");
  for (const isVerified of [false, true]) {
    if (isVerified) await alice.client.contacts.verify("bob");
    nameInstead(talk, mallory);
    for (const profile of ALL)
      assert.equal(await sendTo(talk, alice, "bob", profile), "peer/key-changed");
    assert.equal(
      (await alice.client.contacts.find("bob"))!.trust,
      isVerified ? "verified" : "first-use",
    );
    await talk.goesOn(alice, bob);
  }
  assert.deepEqual(mallory.offers, []);
});

test("C-10 C-11 a stranger under a contact's name, or a fingerprint as a name, is no contact", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.client.contacts.verify("alice");
  const { fingerprint } = alice.client;
  for (const name of ["alice", fingerprint.slice(0, 32)]) {
    changeDeliveries(talk.relay, (to, delivery) => [
      to === "bob" ? { ...delivery, name } : delivery,
    ]);
    assert.equal(await talk.tell(mallory, bob), "done");
    const { from } = bob.offers.at(-1)!;
    assert.equal(from.fingerprint, mallory.client.fingerprint);
    assert.notEqual(from.trust, "verified");
  }
  const pinned = await bob.client.contacts.find("alice");
  assert.equal(pinned?.fingerprint, fingerprint);
  // And the contact is called what the person calls it, whatever the relay says.
  changeDeliveries(talk.relay, (_to, delivery) => [{ ...delivery, name: "boss" }]);
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(bob.offers.at(-1)!.from.name, "alice");
  await talk.goesOn(alice, bob);
});

test("C-07 C-10 an identity of low order, or none, is nobody to send to", async () => {
  const { talk, alice } = await Talk.ofTwo();
  const start = Uint8Array.of(1, 0, 1);
  for (const point of [
    "00",
    "01",
    "ec",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  ]) {
    const key = new Uint8Array(32);
    key.set(Buffer.from(point, "hex"));
    if (point === "ec") key.fill(0xff, 1, 31).fill(0x7f, 31);
    talk.relay.onAnswer = (_to, frame) =>
      frame.kind === "found" && frame.status !== "unknown"
        ? [{ ...frame, id: concat(start, key) }]
        : [frame];
    assert.notEqual(await sendTo(talk, alice, "bob"), "done");
  }
});

test("C-09 a relay that hides the profile gets no message, and no step back", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const profiles of [0, 1, 2, 3]) {
    talk.relay.onAnswer = (_to, frame) => [frame.kind === "found" ? { ...frame, profiles } : frame];
    const before = talk.relay.heard.length;
    assert.equal(await talk.tell(alice, bob), "peer/profile-refused");
    const kinds = talk.relay.heard.slice(before).map(({ frame }) => frame.kind);
    assert.deepEqual(kinds, ["find"]);
  }
  await talk.goesOn(alice, bob);
});

test("C-09 an RSA offer from before the channel, and one made later, are refused unseen", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const person of [alice, bob]) await talk.stage.certify(person);
  await talk.restart(bob, bob.store, ALL);
  const early = sendTo(talk, alice, "bob", "asymmetric");
  const held = await HeldEnvelope.next(talk, "offer");
  talk.relay.onAnswer = (_to, frame) => [frame];
  assert.equal(await talk.tell(alice, bob), "done");
  // The pair has a channel now; the offer from before it comes late.
  const before = bob.offers.length;
  talk.relay.say("bob", held.genuine);
  assert.equal(await early, "peer/profile-refused");
  assert.equal(await sendTo(talk, alice, "bob", "asymmetric"), "contact/downgrade");
  assert.equal(await sendTo(talk, alice, "bob", "symmetric"), "contact/downgrade");
  // A sender that has forgotten, as after a reinstallation.
  await alice.client.contacts.remove("bob");
  assert.equal(await sendTo(talk, alice, "bob", "asymmetric"), "peer/profile-refused");
  assert.equal(bob.offers.length, before);
});

test("C-09 version, suite and profile of an offer are all bound", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  await talk.restart(bob, bob.store, ALL);
  const sending = talk.start(alice, bob);
  const held = await HeldEnvelope.next(talk, "offer");
  const { envelope } = held;
  assert.ok(envelope.kind === "offer");
  for (const [at, mask] of [
    [0, 3],
    [2, 3],
    [3, 1],
    [3, 2],
    [3, 3],
    [3, 4],
    [4, 2],
  ] as const) {
    const changed = { ...envelope, outer: turned(envelope.outer, at, mask) };
    const answer = await held.answerTo(carrying(held.genuine, changed).body);
    assert.match(answer, /^(?:invalid|profile-refused|key-unknown)$/, `${at} ${mask}`);
  }
  assert.deepEqual(bob.offers, []);
  held.release();
  assert.equal(await talk.until(sending), "done");
  await talk.goesOn(alice, bob);
});

test("C-17 who is there, busy or gone, by the relay's word alone: nothing is lost or made up", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const [status, code] of [
    ["unknown", "peer/unknown"],
    ["absent", "peer/absent"],
  ] as const) {
    talk.relay.onAnswer = (_to, frame) => {
      if (frame.kind !== "found") return [frame];
      const id = status === "unknown" ? new Uint8Array(35) : frame.id;
      return [{ ...frame, status, id, profiles: 0 }];
    };
    assert.equal(await talk.tell(alice, bob), code);
    await talk.goesOn(alice, bob);
  }
  for (const status of ["absent", "refused", "overloaded", "unknown"] as const) {
    talk.relay.onAnswer = (to, frame) => [
      to === "alice" && frame.kind === "result" ? { ...frame, status } : frame,
    ];
    assert.notEqual(await talk.tell(alice, bob), "done");
    await talk.goesOn(alice, bob);
  }
  talk.relay.onAnswer = (_to, frame) => {
    if (frame.kind !== "delivery" || envelopeOf(frame).kind !== "receipt") return [frame];
    return [{ kind: "peer-gone", peer: bob.identity.fingerprint }, frame];
  };
  assert.equal(await talk.tell(alice, bob), "peer/gone");
  await talk.goesOn(alice, bob);
  assert.equal(new Set(shownTo(bob)).size, shownTo(bob).length);
});

/** The relay says that `other` is whoever is looked for. */
function nameInstead({ relay }: Talk, { identity }: Actor): void {
  relay.onAnswer = (_to, frame) => [
    frame.kind === "found" && frame.status !== "unknown" ? { ...frame, id: identity.id } : frame,
  ];
}

async function sendTo(
  talk: Talk,
  from: Actor,
  to: string,
  profile: (typeof ALL)[number] = "end-to-end",
): Promise<string> {
  const content = messageSource("to whom it may concern");
  return await talk.until(outcomeOf(talk.stage.start(from, to, { profile, content })));
}
