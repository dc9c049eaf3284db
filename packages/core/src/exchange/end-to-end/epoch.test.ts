/** Whoever had an identity key for a while cannot use up a pair's epochs. C-04, C-05. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, NOW, type Device } from "../../../test/channel-lab.ts";
import {
  onTheWay,
  open,
  opened,
  pair,
  resync,
  seal,
  sealFails,
  stored,
  transfer,
} from "../../../test/channel-steps.ts";
import { expectKind } from "../../../test/exchange-lab.ts";
import { hex } from "../../bytes.ts";
import { EPOCH_AHEAD_MS, EPOCHS_SKIPPED_MAX } from "../../limits.ts";
import type { ExchangeContext } from "../context.ts";
import { decodeSenderRecord, encodeSenderRecord } from "./channel-record.ts";
import { isEpochInReach, nextEpoch } from "./epoch.ts";
import { encodeResync, offerDigest } from "./resync.ts";
import { NO_SENDER_RECORD } from "./sender-channel.ts";

const REACH = NOW + EPOCH_AHEAD_MS;

/** The next channel of `from` begins just above this epoch. */
function setLast(from: Device, to: Device, lastEpoch: number): void {
  const record = encodeSenderRecord({ ...NO_SENDER_RECORD, lastEpoch });
  from.records.set(`sending ${hex(to.identity.fingerprint)}`, record);
}

function sealAbove(from: Device, to: Device, context: ExchangeContext, lastEpoch: number) {
  setLast(from, to, lastEpoch);
  return seal(from, context, () => to.offerPackage());
}

function claim(
  by: Device,
  context: ExchangeContext,
  ready: ReturnType<typeof seal>,
  epoch: number,
): Extract<ReturnType<typeof open>, { kind: "out-of-step" }> {
  const offer = offerDigest(context.suite, ready);
  const said = encodeResync(context, by.identity.signing, { offer, epoch, expected: 1 });
  return { kind: "out-of-step", resync: said };
}

test("isEpochInReach() measures from the clock, or from the last where that is ahead", () => {
  for (const last of [0, NOW, REACH - EPOCHS_SKIPPED_MAX]) {
    assert.ok(isEpochInReach(REACH, last, NOW));
    assert.ok(!isEpochInReach(REACH + 1, last, NOW));
  }
  // Both clocks were set back: the pair goes on from where it is.
  const ahead = 10 * REACH;
  assert.ok(isEpochInReach(nextEpoch(ahead, NOW), ahead, NOW));
  assert.ok(isEpochInReach(ahead + EPOCHS_SKIPPED_MAX, ahead, NOW));
  assert.ok(!isEpochInReach(ahead + EPOCHS_SKIPPED_MAX + 1, ahead, NOW));
});

test("C-04 an INIT too far ahead opens nothing, and the next honest one does", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  for (const last of [Number.MAX_SAFE_INTEGER - 1, REACH]) {
    const ready = sealAbove(alice, bob, context, last);
    const before = stored(bob);
    assert.equal(open(bob, context, ready).kind, "out-of-step");
    assert.equal(open(bob, context, ready, "close-offer").kind, "out-of-step");
    assert.deepEqual(stored(bob), before);
  }
  alice.records.clear();
  transfer(alice, bob, 2);
});

test("C-04 a thief's INIT as far ahead as may be costs the owner one resync", () => {
  const { alice, bob } = pair();
  const stolen = contextOf(alice, bob, 1);
  opened(open(bob, stolen, sealAbove(alice, bob, stolen, REACH - 1)));
  alice.records.clear();
  const context = contextOf(alice, bob, 2);
  const ready = seal(alice, context, () => bob.offerPackage());
  const outcome = open(bob, context, ready);
  assert.equal(expectKind(outcome, "out-of-step").kind, "out-of-step");
  assert.equal(resync(alice, context, ready, outcome), "anew");
  transfer(alice, bob, 3);
});

test("C-04 a signed resync too far ahead is not heeded, live or stray, and changes nothing", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const before = stored(alice);
  for (const epoch of [REACH + 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]) {
    const told = claim(bob, context, ready, epoch);
    assert.equal(resync(alice, context, ready, told), "ignored");
    const stray = alice.perform({ kind: "heed-stray-resync", resync: told.resync }, context);
    assert.equal(expectKind(stray, "resync-heeded").outcome.kind, "ignored");
  }
  assert.deepEqual(stored(alice), before);
  opened(open(bob, context, onTheWay(ready)));
});

test("C-04 after a thief's resync as far ahead as may be the receiver takes the next INIT", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  // A millisecond less: here no time passes until the next offer.
  assert.equal(resync(alice, context, ready, claim(bob, context, ready, REACH - 1)), "anew");
  transfer(alice, bob, 2);
});

test("C-04 a sender that has no epoch left says so, and damages no record", () => {
  const { alice, bob } = pair();
  setLast(alice, bob, Number.MAX_SAFE_INTEGER);
  const context = contextOf(alice, bob, 1);
  assert.equal(
    sealFails(alice, context, () => bob.offerPackage()),
    "peer/channel-stale",
  );
  const kept = alice.records.get(`sending ${hex(bob.identity.fingerprint)}`);
  assert.equal(decodeSenderRecord(kept!).lastEpoch, Number.MAX_SAFE_INTEGER);
});
