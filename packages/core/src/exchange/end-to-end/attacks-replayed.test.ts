/**
 * A relay that repeats, reorders, reflects, crosses, or counts ahead. C-02, C-06.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device } from "../../../test/channel-lab.ts";
import {
  heard,
  onTheWay,
  open,
  opened,
  pair,
  receipt,
  resync,
  seal,
  stored,
  transfer,
  WorkWatch,
} from "../../../test/channel-steps.ts";
import { expectKind, put } from "../../../test/exchange-lab.ts";
import { ByteWriter } from "../../bytes.ts";

const TYPE_AT = 4;
const N_AT = 5;
const EPOCH_AT = 9;
const TRANSFER_AT = 33;
const SENDER_AT = 49;

const u32 = (value: number): Uint8Array => new ByteWriter().u32(value).bytes();
const u64 = (value: number): Uint8Array => new ByteWriter().u64(value).bytes();

test("C-02 an offer again gets the stored receipt, byte for byte", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const first = receipt(bob, context, opened(open(bob, context, ready)));
  const before = stored(bob);
  for (const again of [open(bob, context, ready), open(bob, context, ready, "close-offer")])
    assert.deepEqual(again, { kind: "receipt", receipt: first });
  const place = { n: 0, epoch: ready.inChannel!.epoch };
  assert.deepEqual(receipt(bob, context, place, "decline"), first);
  assert.deepEqual(stored(bob), before);
});

test("C-02 offers that come in another order open in theirs alone", () => {
  const { alice, bob } = pair();
  const contexts = [1, 2, 3].map((id) => contextOf(alice, bob, id));
  const sealed = contexts.map((context) => seal(alice, context, () => bob.offerPackage()));
  for (const i of [2, 1, 0]) {
    const before = stored(bob);
    const outcome = open(bob, contexts[i]!, sealed[i]!);
    if (i === 0) opened(outcome);
    else {
      assert.equal(outcome.kind, "out-of-step");
      assert.deepEqual(stored(bob), before);
    }
  }
  assert.equal(open(bob, contexts[2]!, sealed[2]!).kind, "out-of-step");
  opened(open(bob, contexts[1]!, sealed[1]!));
  opened(open(bob, contexts[2]!, sealed[2]!));
});

test("C-02 no offer comes back to who made it, nor opens for anybody else", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  transfer(alice, bob, 1);
  transfer(bob, alice, 2);
  transfer(alice, eve, 3);
  const context = contextOf(alice, bob, 4);
  const honest = onTheWay(seal(alice, context));
  const back = contextOf(bob, alice, 4);
  const before = stored(alice, bob, eve);
  const at = (sender: Device, receiver: Device) => ({ ...contextOf(sender, receiver, 4) });
  assert.equal(open(alice, back, honest).kind, "invalid", "reflected");
  const turned = {
    ...honest,
    outer: put(
      put(honest.outer, SENDER_AT, bob.identity.fingerprint),
      SENDER_AT + 32,
      alice.identity.fingerprint,
    ),
  };
  assert.notEqual(open(alice, back, turned).kind, "opened", "turned round");
  assert.equal(open(eve, at(alice, eve), honest).kind, "wrong-receiver");
  assert.equal(open(bob, at(eve, bob), honest).kind, "invalid", "another contact's");
  assert.deepEqual(stored(alice, bob, eve), before);
  opened(open(bob, context, honest));
});

test("C-02 an offer of one transfer is no offer of another, nor of an older epoch", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const honest = onTheWay(seal(alice, context));
  const other = contextOf(alice, bob, 3);
  assert.equal(open(bob, other, honest).kind, "invalid");
  const renamed = { ...honest, outer: put(honest.outer, TRANSFER_AT, other.transfer) };
  assert.equal(open(bob, other, renamed).kind, "invalid");
  alice.records.clear();
  const anew = contextOf(alice, bob, 4);
  const init = seal(alice, anew, () => bob.offerPackage());
  // Alice's clock stands still in this test: she hears of the epoch that Bob knows.
  const told = open(bob, anew, init);
  assert.equal(resync(alice, anew, init, told), "anew");
  transfer(alice, bob, 5);
  assert.equal(open(bob, context, honest).kind, "out-of-step");
  assert.equal(open(bob, anew, init).kind, "out-of-step");
});

test("C-02 one receipt is not another's, whichever channel, direction or epoch", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const contexts = [1, 2].map((id) => contextOf(alice, bob, id));
  const sealed = contexts.map((context) => seal(alice, context, () => bob.offerPackage()));
  const offers = sealed.map((ready, i) => opened(open(bob, contexts[i]!, ready)));
  const [first, second] = offers.map((offer, i) => receipt(bob, contexts[i]!, offer));
  const back = contextOf(bob, alice, 3);
  const there = seal(bob, back);
  const answer = receipt(alice, back, opened(open(alice, back, there)));
  const aside = contextOf(alice, eve, 4);
  const beside = seal(alice, aside, () => eve.offerPackage());
  const eves = receipt(eve, aside, opened(open(eve, aside, beside)));
  const before = stored(alice, bob);
  for (const other of [second!, answer, eves])
    assert.equal(heard(alice, contexts[0]!, other), undefined);
  assert.equal(heard(alice, { ...contexts[0]!, receiver: eve.party }, first!), undefined);
  assert.equal(heard(bob, back, first!), undefined, "reflected");
  assert.deepEqual(stored(alice, bob), before);
  assert.equal(heard(alice, contexts[1]!, second!), "accept");
  assert.equal(heard(alice, contexts[0]!, first!), "accept");
  assert.equal(heard(alice, contexts[0]!, first!), undefined, "only once");
  assert.equal(heard(bob, back, answer), "accept");
});

test("C-02 a receipt that came late never brings back an older key", () => {
  const { alice, bob } = pair();
  const contexts = [1, 2, 3].map((id) => contextOf(alice, bob, id));
  const early = contexts.slice(0, 2).map((each) => seal(alice, each, () => bob.offerPackage()));
  const offers = early.map((ready, i) => opened(open(bob, contexts[i]!, ready)));
  const [old, newer] = offers.map((offer, i) => receipt(bob, contexts[i]!, offer));
  assert.equal(heard(alice, contexts[1]!, newer!), "accept");
  const third = seal(alice, contexts[2]!);
  const latest = receipt(bob, contexts[2]!, opened(open(bob, contexts[2]!, third)));
  assert.equal(heard(alice, contexts[2]!, latest), "accept");
  assert.equal(heard(alice, contexts[0]!, old!), "accept");
  const kid = seal(alice, contextOf(alice, bob, 4)).outer.subarray(17, 33);
  assert.notDeepEqual(kid, third.outer.subarray(17, 33));
});

test("C-02 a resync is for one offer, from its receiver to its sender", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  transfer(alice, bob, 1);
  transfer(alice, eve, 9);
  seal(alice, contextOf(alice, bob, 2));
  const contexts = [3, 4].map((id) => contextOf(alice, bob, id));
  const sealed = contexts.map((context) => seal(alice, context));
  const outcomes = sealed.map((ready, i) => open(bob, contexts[i]!, ready));
  const before = stored(alice);
  assert.equal(resync(alice, contexts[0]!, sealed[0]!, outcomes[1]!), "ignored");
  const { resync: said } = expectKind(outcomes[0], "out-of-step");
  const asEve = { ...contexts[0]!, receiver: eve.party };
  const job = { kind: "heed-resync", resync: said, epoch: 0, ...onTheWay(sealed[0]!) } as const;
  assert.equal(expectKind(alice.perform(job, asEve), "resync-heeded").outcome.kind, "ignored");
  assert.deepEqual(stored(alice), before);
  assert.equal(resync(alice, contexts[0]!, sealed[0]!, outcomes[0]!), "repeat");
});

test("C-02 a one-time package serves one INIT, whoever comes second", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const encoded = bob.offerPackage();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => encoded);
  const late = seal(eve, contextOf(eve, bob, 2), () => encoded);
  opened(open(bob, context, ready));
  const told = open(bob, contextOf(eve, bob, 2), late);
  assert.equal(resync(eve, contextOf(eve, bob, 2), late, told), "anew");
  transfer(eve, bob, 3);
  transfer(alice, bob, 4);
});

test("C-02 an INIT under a living last-resort secret is known, or of an epoch that is over", () => {
  const { alice, bob } = pair();
  const encoded = bob.offerPackage("last-resort");
  const context = contextOf(alice, bob, 1);
  const first = seal(alice, context, () => encoded);
  const said = receipt(bob, context, opened(open(bob, context, first)));
  assert.equal(bob.packages.size, 1, "its secret lives");
  assert.deepEqual(open(bob, context, first), { kind: "receipt", receipt: said });
  alice.records.clear();
  const again = contextOf(alice, bob, 2);
  const same = seal(alice, again, () => encoded);
  assert.equal(resync(alice, again, same, open(bob, again, same)), "anew");
  transfer(alice, bob, 3);
  for (const [at, ready] of [[context, first] as const, [again, same] as const])
    assert.equal(open(bob, at, ready).kind, "out-of-step");
});

test("C-02 epochs only grow: the receiver's word moves them up, never down", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  alice.records.clear();
  const epochs = [2, 3].map((id) => {
    const context = contextOf(alice, bob, id);
    const ready = seal(alice, context, () => bob.offerPackage());
    const outcome = open(bob, context, ready);
    if (id === 2) assert.equal(resync(alice, context, ready, outcome), "anew");
    else opened(outcome);
    return ready.inChannel!.epoch;
  });
  assert.ok(epochs[1]! > epochs[0]!);
});

test("C-06 a number that counts ahead costs no KEM, no key, and changes nothing", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const honest = onTheWay(seal(alice, context));
  const work = new WorkWatch();
  const watched = { ...context, suite: work.suite };
  const before = stored(bob);
  for (const n of [0, 2, 3, 2 ** 31 + 1, 2 ** 32 - 1]) {
    const outer = put(put(honest.outer, N_AT, u32(n)), TYPE_AT, [n === 0 ? 0 : 1]);
    assert.equal(open(bob, watched, { ...honest, outer }).kind, "out-of-step");
  }
  for (const epoch of [0, 1, Number.MAX_SAFE_INTEGER]) {
    const outer = put(honest.outer, EPOCH_AT, u64(epoch));
    assert.equal(open(bob, watched, { ...honest, outer }).kind, "out-of-step");
  }
  assert.deepEqual([...new Set(work.done)], ["sign"], "but for the word that it does not fit");
  assert.deepEqual(stored(bob), before);
  opened(open(bob, context, honest));
});
