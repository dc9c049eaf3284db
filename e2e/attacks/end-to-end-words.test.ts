/**
 * What a receiver says, changed, forged or passed off as something else (C-01, C-02, C-07, C-12):
 * answers, receipts, resyncs, closes, and the words that anybody can say.
 * docs/protocol-end-to-end.md 7.3.4, 7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { formatFingerprint } from "@postern/core/identity";
import { encodeTransferEnvelope, type TransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { Actor } from "./cast.ts";
import { carrying, changeDeliveries, envelopeOf, turned } from "./envelopes.ts";
import { HeldEnvelope } from "./held-envelopes.ts";
import { shownTo, Talk } from "./talk.ts";

const FILE = suite.random(150_000);
/** Of every body: its kind and the transfer's id. */
const PREFIX_BYTES = 17;
/** The order of Ed25519's base point: RFC 8032. */
const L = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

test("C-01 C-03 a receipt with any byte changed or missing is not heard", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const round of ["first", "later"]) {
    const sending = talk.start(alice, bob);
    const held = await HeldEnvelope.next(talk, "receipt");
    const { body } = held.genuine;
    // The place and the salt in full; of what is sealed, samples.
    for (let at = PREFIX_BYTES; at < body.length; at += at < PREFIX_BYTES + 80 ? 1 : 67)
      assert.equal(await held.answerTo(turned(body, at, 0x10)), "nothing");
    for (const end of [PREFIX_BYTES, PREFIX_BYTES + 48, PREFIX_BYTES + 80, body.length - 1])
      assert.equal(await held.answerTo(body.subarray(0, end)), "nothing");
    assert.equal(await isPending(sending), true, round);
    held.release();
    assert.equal(await talk.until(sending), "done", round);
  }
  await talk.goesOn(alice, bob);
});

test("C-01 an answer with any byte changed ends the transfer, and the channel goes on", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const at of [17, 18, 49, 50, 60, -16, -1]) {
    const sending = talk.startFile(alice, bob, FILE);
    const held = await HeldEnvelope.next(talk, "answer");
    const body = turned(held.genuine.body, at, at === 17 ? 0x01 : 0x10);
    talk.relay.onAnswer = (_to, frame) => [frame];
    talk.relay.say(held.to, { ...held.genuine, body });
    const outcome = await talk.until(sending);
    // Form 0 is a verdict in the clear, which it is not.
    assert.equal(outcome, at === 17 ? "transfer/pipe-lost" : "transfer/invalid", `byte ${at}`);
  }
  await talk.goesOn(alice, bob);
});

test("C-01 C-07 a resync with any byte changed, or its signature malleated, is not heeded", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.store.dropChannels(alice.identity.fingerprint);
  const sending = talk.start(alice, bob);
  const held = await HeldEnvelope.next(talk, "resync");
  const { body } = held.genuine;
  for (let at = PREFIX_BYTES; at < body.length; at++)
    assert.equal(await held.answerTo(turned(body, at, 0x01)), "nothing");
  assert.equal(await held.answerTo(malleated(body)), "nothing");
  assert.equal(await isPending(sending), true);
  held.release();
  assert.equal(await talk.until(sending), "done");
  await talk.goesOn(alice, bob);
});

test("C-02 a resync for one offer is none for another, nor for the same later", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.store.dropChannels(alice.identity.fingerprint);
  const renewing = talk.start(alice, bob);
  const old = await HeldEnvelope.next(talk, "resync");
  old.release();
  assert.equal(await talk.until(renewing), "done");
  for (const as of ["its own transfer", "the running one"]) {
    const sending = talk.start(alice, bob);
    const held = await HeldEnvelope.next(talk, "receipt");
    const { transfer } = held.envelope;
    const body = old.genuine.body.slice();
    if (as === "the running one") body.set(transfer, 1);
    assert.equal(await held.answerTo(body), "nothing", as);
    held.release();
    assert.equal(await talk.until(sending), "done", as);
  }
  const { channels } = (await alice.client.contacts.find("bob"))!;
  assert.equal(channels.find(({ role }) => role === "sending")?.transfers, 3, "no new channel");
  await talk.goesOn(alice, bob);
});

test("C-01 a close with any byte changed opens nothing; the genuine one is heard", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const first = talk.start(alice, bob);
  const dropped = await HeldEnvelope.next(talk, "offer");
  await talk.until(first);
  const sending = talk.start(alice, bob);
  const held = await HeldEnvelope.next(talk, "close");
  const { body } = held.genuine;
  for (let at = PREFIX_BYTES; at < body.length; at += 37)
    assert.match(await held.answerTo(turned(body, at, 0x10)), /^(?:nothing|resync)$/);
  assert.deepEqual(await bob.store.channels(), []);
  const [receipt] = await held.envelopesFor(held.genuine);
  assert.equal(envelopeOf({ body: receipt! }).kind, "receipt");
  talk.relay.say("bob", dropped.genuine);
  await talk.settle();
  assert.deepEqual(shownTo(bob), [], "what was given up is not shown");
  talk.relay.onAnswer = (_to, frame) => [frame];
  assert.notEqual(await talk.until(sending), "done", "its offer was held back as well");
  await talk.goesOn(alice, bob);
});

test("C-12 one kind of envelope in the place of another is nothing, or ends the transfer", async () => {
  const outcomes: Record<string, string> = {};
  for (const kind of ["answer", "receipt", "resync"] as const)
    for (const as of [1, 2, 3, 4, 5, 7, 8]) {
      const { talk, alice, bob } = await Talk.ofTwo();
      if (kind === "resync") await unsettle(talk, alice, bob);
      const sending = talk.startFile(alice, bob, FILE);
      const held = await HeldEnvelope.next(talk, kind);
      const body = held.genuine.body.slice();
      if (body[0] === as) continue;
      body[0] = as;
      talk.relay.say(held.to, { ...held.genuine, body });
      await talk.settle();
      held.release();
      outcomes[`${kind} as ${as}`] = await talk.until(sending);
      await talk.goesOn(alice, bob);
    }
  const wanted = ["done", "peer/unexpected-frame", "transfer/invalid", "peer/cancelled"];
  for (const [what, outcome] of Object.entries(outcomes))
    assert.ok(wanted.includes(outcome), `${what}: ${outcome}`);
});

test("C-12 an offer that is turned into a close is told as interrupted, and never shown", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const start of [talk.start(alice, bob), talk.startFile(alice, bob, FILE)]) {
    changeDeliveries(talk.relay, (_to, delivery, envelope) => {
      if (envelope.kind !== "offer") return [delivery];
      const { transfer, outer, sealedHeader } = envelope;
      return [carrying(delivery, { kind: "close", transfer, outer, sealedHeader })];
    });
    assert.equal(await talk.until(start), "transfer/interrupted");
    assert.deepEqual(bob.offers, []);
  }
  await talk.goesOn(alice, bob);
});

test("C-12 a close that is turned into an offer asks for nothing that was given up", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const first = talk.start(alice, bob);
  await HeldEnvelope.next(talk, "offer");
  await talk.until(first);
  changeDeliveries(talk.relay, (_to, delivery, envelope) => {
    if (envelope.kind !== "close") return [delivery];
    const { transfer, outer, sealedHeader } = envelope;
    const content = new Uint8Array(0);
    return [carrying(delivery, { kind: "offer", transfer, outer, sealedHeader, content })];
  });
  assert.equal(await talk.tell(alice, bob), "done");
  assert.equal(bob.offers.length, 1, "the one that was sent");
  await talk.goesOn(alice, bob);
});

test("C-16 refusals and withdrawals that the relay makes up end a transfer, and confirm nothing", async () => {
  const refusals = {
    decline: "peer/declined",
    busy: "peer/busy",
    "wrong-receiver": "transfer/wrong-receiver",
    invalid: "transfer/invalid",
    "key-unknown": "peer/pairing-lost",
    "profile-refused": "peer/profile-refused",
  } as const;
  for (const [verdict, code] of entriesOf(refusals))
    await instead({ kind: "refusal", verdict }, code);
  await instead({ kind: "withdraw", reason: 1 }, "peer/cancelled");
  await instead({ kind: "withdraw", reason: 2 }, "peer/no-space");
});

test("C-17 a receipt that the relay drops is heard before the next offer, and told", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  for (const outcome of ["arrived", "declined"] as const) {
    bob.answer = () => (outcome === "arrived" ? "accept" : "decline");
    const sending = talk.start(alice, bob);
    const { transfer } = (await HeldEnvelope.next(talk, "receipt")).envelope;
    assert.equal(await talk.until(sending), "peer/timed-out");
    talk.relay.onAnswer = (_to, frame) => [frame];
    bob.answer = () => "accept";
    assert.equal(await talk.tell(alice, bob), "done");
    await talk.settle();
    const told = alice.events.filter(({ type }) => type === "late-receipt");
    const fingerprint = formatFingerprint(bob.identity.fingerprint);
    const name = "bob";
    const late = { type: "late-receipt", transfer: hex(transfer), fingerprint, name, outcome };
    assert.deepEqual(told, [late]);
    alice.events.length = 0;
  }
  await talk.goesOn(alice, bob);
});

test("C-16 what the receiver signed is told as its own word", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  bob.answer = () => "decline";
  assert.equal(await talk.tell(alice, bob), "peer/declined");
  assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), "peer/declined");
  for (const { details } of talk.failures) assert.deepEqual(details, { verdict: "decline" });
  bob.answer = () => "accept";
  await talk.goesOn(alice, bob);
});

test("C-16 C-17 whoever is blocked hears no more than anybody at the relay could say", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.client.contacts.block("alice", true);
  assert.equal(await talk.tell(alice, bob), "peer/declined");
  assert.deepEqual(talk.failures[0]?.details, { verdict: "decline", confirmed: "no" });
  await bob.client.contacts.block("alice", false);
  await talk.goesOn(alice, bob);
});

type Forged =
  | Omit<Extract<TransferEnvelope, { kind: "refusal" }>, "transfer">
  | Omit<Extract<TransferEnvelope, { kind: "withdraw" }>, "transfer">;

/** A message whose receipt never comes; this does. */
async function instead(forged: Forged, code: string): Promise<void> {
  const { talk, alice, bob } = await Talk.ofTwo();
  const sending = talk.start(alice, bob);
  const held = await HeldEnvelope.next(talk, "receipt");
  const { transfer } = held.envelope;
  talk.relay.onAnswer = (_to, frame) => [frame];
  const envelope: TransferEnvelope = { ...forged, transfer };
  talk.relay.say("alice", { ...held.genuine, body: encodeTransferEnvelope(envelope) });
  assert.equal(await talk.until(sending), code);
  assert.equal(talk.failures[0]?.details["confirmed"], "no", code);
  await talk.goesOn(alice, bob);
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): readonly [K, V][] {
  return Object.entries(record) as [K, V][];
}

async function unsettle(talk: Talk, alice: Actor, bob: Actor): Promise<void> {
  assert.equal(await talk.tell(alice, bob), "done");
  await bob.store.dropChannels(alice.identity.fingerprint);
}

async function isPending(sending: Promise<string>): Promise<boolean> {
  return (await Promise.race([sending, Promise.resolve("pending")])) === "pending";
}

/** The same signature with L added to its s, which a lax verifier takes for the same. */
function malleated(body: Uint8Array): Uint8Array {
  const copy = body.slice();
  const s = copy.subarray(copy.length - 32);
  let value = L;
  for (const [i, byte] of s.entries()) value += BigInt(byte) << BigInt(8 * i);
  for (let i = 0; i < 32; i++) s[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return copy;
}
