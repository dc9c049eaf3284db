/**
 * Channels as honest ends and a slow relay use them. What a hostile relay does stands in
 * `attacks-*.test.ts`.
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
  sealFails,
  transfer,
} from "../../../test/channel-steps.ts";
import { allDifferent, expectKind } from "../../../test/exchange-lab.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { OUTBOX_MAX } from "../../limits.ts";
import { saltKeys } from "./keys.ts";

test("a channel carries transfer after transfer, each under keys of its own", () => {
  const { alice, bob } = pair();
  const done = [1, 2, 3, 4].map((id) => transfer(alice, bob, id));
  for (const name of ["header", "answer", "receipt", "reverse", "session", "transcript"] as const)
    assert.ok(allDifferent(done.map(({ ready }) => ready.keys[name])), name);
  for (const { ready, offer } of done)
    assert.deepEqual(offer.keys, saltKeys(suite, ready.keys, offer.salt));
  assert.equal(bob.packages.size, 0, "the one-time package is used up");
});

test("the enclosed reply package opens the other direction without the relay", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(bob, alice, 2);
  const ready = seal(bob, context, () => assert.fail("no package is asked for"));
  opened(open(alice, context, ready));
  assert.equal(alice.packages.size, 0);
});

test("both directions may start at once", () => {
  const { alice, bob } = pair();
  const there = contextOf(alice, bob, 1);
  const back = contextOf(bob, alice, 2);
  const first = seal(alice, there, () => bob.offerPackage());
  const second = seal(bob, back, () => alice.offerPackage());
  opened(open(alice, back, second));
  opened(open(bob, there, first));
});

test("offers before the first receipt rest on the chain, later ones on the receipt's key", () => {
  const { alice, bob } = pair();
  const contexts = [1, 2, 3, 4].map((id) => contextOf(alice, bob, id));
  const early = contexts
    .slice(0, 3)
    .map((context) => seal(alice, context, () => bob.offerPackage()));
  const offers = early.map((ready, i) => opened(open(bob, contexts[i]!, ready)));
  assert.equal(heard(alice, contexts[1]!, receipt(bob, contexts[1]!, offers[1]!)), "accept");
  const late = seal(alice, contexts[3]!);
  const kids = [...early, late].map(({ outer }) => outer.subarray(17, 33));
  assert.deepEqual([kids[1], kids[2]], [kids[0], kids[0]]);
  assert.notDeepEqual(kids[3], kids[0]);
  opened(open(bob, contexts[3]!, late));
});

test("up to 32 transfers may be open; a receipt makes room", () => {
  const { alice, bob } = pair();
  const contexts = Array.from({ length: OUTBOX_MAX + 1 }, (_, id) => contextOf(alice, bob, id + 1));
  const sealed = contexts
    .slice(0, OUTBOX_MAX)
    .map((context) => seal(alice, context, () => bob.offerPackage()));
  const last = contexts[OUTBOX_MAX]!;
  assert.equal(sealFails(alice, last), "peer/busy");
  const offers = sealed.map((ready, i) => opened(open(bob, contexts[i]!, ready)));
  for (const i of [5, 31, 0, 17])
    assert.equal(heard(alice, contexts[i]!, receipt(bob, contexts[i]!, offers[i]!)), "accept");
  opened(open(bob, last, seal(alice, last)));
});

test("a transfer that runs long gets its receipt, however many have come and gone since", () => {
  const { alice, bob } = pair();
  const long = contextOf(alice, bob, 200);
  const offer = opened(
    open(
      bob,
      long,
      seal(alice, long, () => bob.offerPackage()),
    ),
  );
  for (let id = 1; id <= OUTBOX_MAX + 2; id++) transfer(alice, bob, id);
  assert.equal(heard(alice, long, receipt(bob, long, offer)), "accept");
});

test("an offer again whose transfer nobody works on any more is interrupted", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  opened(open(bob, context, ready));
  const again = expectKind(open(bob, context, ready), "receipt");
  assert.equal(heard(alice, context, again.receipt), "interrupted");
});

test("close-offer settles a number that never arrived, and shows its content to nobody", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const closed = expectKind(open(bob, context, ready, "close-offer"), "receipt");
  assert.equal(heard(alice, context, closed.receipt), "interrupted");
  transfer(alice, bob, 2);
});

test("a gap is asked for and filled with the same bytes", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const lost = contextOf(alice, bob, 2);
  const first = seal(alice, lost);
  const context = contextOf(alice, bob, 3);
  const second = seal(alice, context);
  assert.equal(resync(alice, context, second, open(bob, context, second)), "repeat");
  opened(open(bob, lost, first));
  opened(open(bob, context, second));
});

test("a package of last resort begins the channels of many", () => {
  const { alice, bob } = pair();
  const encoded = bob.offerPackage("last-resort");
  for (const [i, from] of [alice, new Device(7)].entries()) {
    const context = contextOf(from, bob, i + 1);
    opened(
      open(
        bob,
        context,
        seal(from, context, () => encoded),
      ),
    );
  }
  assert.equal(bob.packages.size, 1);
});
