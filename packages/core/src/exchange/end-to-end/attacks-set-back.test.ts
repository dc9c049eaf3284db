/**
 * States that were set back to an older copy, at either end or both: found out, and never twice the
 * same key and nonce. C-04.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device } from "../../../test/channel-lab.ts";
import {
  heard,
  open,
  opened,
  pair,
  receipt,
  resync,
  seal,
  SealWatch,
  transfer,
  type Ready,
} from "../../../test/channel-steps.ts";
import { allDifferent } from "../../../test/exchange-lab.ts";
import { withToyKem } from "../../../test/toy-kem.ts";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import { sealAnswer } from "../../transfer/answer.ts";
import type { Verdict } from "../verdict.ts";

test("C-04 a restored sender is told, starts a new channel, and repeats no key", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const old = alice.snapshot();
  const used = [transfer(alice, bob, 2), transfer(alice, bob, 3)].map(({ ready }) => ready);
  alice.restore(old);
  const context = contextOf(alice, bob, 4);
  const ready = seal(alice, context);
  assert.ok(allDifferent([...used, ready].map(({ keys }) => keys.transcript)));
  assert.ok(allDifferent([...used, ready].map(({ keys }) => keys.header)));
  assert.equal(resync(alice, context, ready, open(bob, context, ready)), "anew");
  transfer(alice, bob, 4);
});

test("C-04 a sender restored before its first receipt repeats no key either", () => {
  const { alice, bob } = pair();
  seal(alice, contextOf(alice, bob, 1), () => bob.offerPackage());
  const old = alice.snapshot();
  const keys = [2, 3, 4].map((id) => {
    alice.restore(old);
    return seal(alice, contextOf(alice, bob, id)).keys;
  });
  for (const name of ["transcript", "header", "session", "receipt"] as const)
    assert.ok(allDifferent(keys.map((each) => each[name])), name);
});

test("C-04 a restored receiver is found out, and a new channel begins", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const old = bob.snapshot();
  transfer(alice, bob, 2);
  bob.restore(old);
  const context = contextOf(alice, bob, 3);
  const ready = seal(alice, context);
  assert.equal(resync(alice, context, ready, open(bob, context, ready)), "anew");
  transfer(alice, bob, 3);
});

test("C-04 a sender restored into an older epoch begins anew, however well the numbers fit", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const old = alice.snapshot();
  bob.records.clear();
  const lost = contextOf(alice, bob, 2);
  const offer = seal(alice, lost);
  assert.equal(resync(alice, lost, offer, open(bob, lost, offer)), "anew");
  transfer(alice, bob, 3);
  alice.restore(old);
  seal(alice, contextOf(alice, bob, 4));
  const context = contextOf(alice, bob, 5);
  const ready = seal(alice, context);
  // Bob expects 1, and Alice's outbox holds 1 and 2: of a channel that is over.
  assert.equal(resync(alice, context, ready, open(bob, context, ready)), "anew");
  transfer(alice, bob, 6);
});

test("C-04 a restored receiver opens the same offer again, but seals nothing under the same key", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const ready = seal(alice, context);
  const backup = bob.snapshot();
  const first = opened(open(bob, context, ready));
  const said = receipt(bob, context, first, "accept");
  bob.restore(backup);
  const again = opened(open(bob, context, ready));
  assert.deepEqual(again.keys.session, first.keys.session, "it is the same offer");
  assert.notDeepEqual(again.keys.answer, first.keys.answer);
  assert.notDeepEqual(again.keys.reverse, first.keys.reverse);
  // The key of a receipt is made when it is sealed: the salts show it.
  const second = receipt(bob, context, again, "decline");
  assert.notDeepEqual(second.subarray(48, 80), said.subarray(48, 80));
  assert.equal(heard(alice, context, second), "decline");
  assert.equal(heard(alice, context, said), undefined, "one receipt for one transfer");
});

/** Two ends whose every seal is watched, and all states they were ever in. */
class Watched {
  readonly watch = new SealWatch();
  readonly #suite = withToyKem(this.watch.suite);
  readonly alice = new Device(1, this.#suite);
  readonly bob = new Device(2, this.#suite);
  readonly states = { alice: [this.alice.snapshot()], bob: [this.bob.snapshot()] };
  #transfers = 0;

  /** An offer goes as far as it can; the receiver answers, and says a verdict of its own. */
  run(verdict: Verdict, ready?: Ready, id = ++this.#transfers): Ready {
    const { alice, bob } = this;
    const context = contextOf(alice, bob, id, this.#suite);
    const offer = ready ?? seal(alice, context, () => bob.offerPackage(), text(id));
    this.#keep();
    const outcome = open(bob, context, offer);
    this.#keep();
    if (outcome.kind === "opened") {
      const { keys, n, epoch } = outcome.offer;
      const answer = { verdict, offset: 0, prefixDigest: new Uint8Array(32) };
      sealAnswer(this.#suite, keys.answer, context.transfer, answer);
      const said = receipt(bob, context, { n, epoch }, verdict);
      this.#keep();
      heard(alice, context, said);
    }
    if (outcome.kind === "receipt") heard(alice, context, outcome.receipt);
    if (outcome.kind === "out-of-step") resync(alice, context, offer, outcome);
    this.#keep();
    return offer;
  }

  #keep(): void {
    this.states.alice.push(this.alice.snapshot());
    this.states.bob.push(this.bob.snapshot());
  }
}

function text(id: number): Uint8Array {
  return new Uint8Array(256).fill(id);
}

test("C-04 whatever copies both ends are set back to, no key and nonce seal two texts", () => {
  const lab = new Watched();
  const offers = [1, 2, 3].map((id) => [id, lab.run("accept")] as const);
  const alices = lab.states.alice.slice();
  const bobs = lab.states.bob.slice();
  for (const [i, alice] of alices.entries())
    for (const [k, bob] of bobs.entries()) {
      if ((i + k) % 3 > 0) continue;
      lab.alice.restore(alice);
      lab.bob.restore(bob);
      // The relay has kept every offer, and what is sealed now is another text.
      for (const [id, ready] of offers) lab.run("decline", ready, id);
      lab.run("timed-out");
      lab.run("interrupted");
    }
  assert.deepEqual(lab.watch.repeated, []);
  assert.ok(lab.watch.count > 300, `${lab.watch.count} seals were watched`);
});

test("C-04 SealWatch sees a key and nonce that seal twice", () => {
  const { suite, repeated } = new SealWatch();
  const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
  suite.seal(key, nonce, nonce, text(1));
  assert.equal(repeated.length, 0);
  suite.seal(key, nonce, nonce, text(2));
  assert.equal(repeated.length, 1);
  assert.equal(nobleSuite.implementation, suite.implementation);
});
