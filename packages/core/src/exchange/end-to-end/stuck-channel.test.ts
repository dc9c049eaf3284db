/** Channels that the simulator found to stay stuck for ever. docs/protocol-end-to-end.md 7.3.5. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device, NOW } from "../../../test/channel-lab.ts";
import { contentOf, expectKind } from "../../../test/exchange-lab.ts";
import { hex } from "../../bytes.ts";
import { KEM_PUBLIC_BYTES, type Suite } from "../../crypto.ts";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import { OUTBOX_MAX } from "../../limits.ts";
import type { InstantMs, WallMs } from "../../time.ts";
import { encodeHeader } from "../../transfer/header.ts";
import { answered } from "../../transfer/send-answer.ts";
import type { ExchangeContext, SenderContext } from "../context.ts";
import type { ExchangeInput } from "../steps.ts";
import { encodeSenderRecord } from "./channel-record.ts";
import { receiveEndToEndOffer, stepEndToEndReceiver } from "./receiver.ts";
import { encodeResync, offerDigest } from "./resync.ts";
import { NO_SENDER_RECORD } from "./sender-channel.ts";
import { startEndToEndSender, stepEndToEndSender, type EndToEndSenderState } from "./sender.ts";

type Sealed = Extract<ExchangeInput, { kind: "offer-sealed" }>;
type Ready = Extract<EndToEndSenderState, { kind: "ready" }>;

function headerOf(context: ExchangeContext): Uint8Array {
  const content = contentOf({ kind: "file", name: "f", size: 5 });
  const until = (NOW + 60_000) as WallMs;
  return encodeHeader(context.transfer, { content, created: NOW, until, sessionSeconds: 5 });
}

function seal(from: Device, to: Device, id: number): Sealed & { readonly context: SenderContext } {
  const context = { ...contextOf(from, to, id), header: new Uint8Array(0) };
  const job = { kind: "seal-offer", header: headerOf(context), message: undefined } as const;
  const input = from.perform(job, context, () => to.offerPackage());
  return { ...expectKind(input, "offer-sealed"), context };
}

function open(at: Device, { ready, context }: ReturnType<typeof seal>) {
  const { outer, sealedHeader } = ready;
  const job = { kind: "open-offer", outer, sealedHeader, content: new Uint8Array(0) } as const;
  return expectKind(at.perform(job, context), "offer-opened").outcome;
}

/** One whole transfer, refused; `suite` makes the receiver's next key. */
function transfer(from: Device, to: Device, id: number, suite: Suite = nobleSuite): void {
  const sealed = seal(from, to, id);
  const { offer } = expectKind(open(to, sealed), "opened");
  const words = { verdict: "decline", total: 0, digest: new Uint8Array(32) } as const;
  const place = { n: offer.n, epoch: offer.epoch };
  const { receipt } = expectKind(
    to.perform({ kind: "seal-receipt", place, words }, { ...sealed.context, suite }),
    "receipt-sealed",
  );
  const heard = from.perform({ kind: "open-receipt", receipt }, sealed.context);
  assert.equal(expectKind(heard, "receipt-opened").receipt?.verdict, "decline");
}

/** What the sender makes of a resync, as the transfer's exchange asks for it. */
function heed(
  from: Device,
  { ready, context }: ReturnType<typeof seal>,
  resync: Uint8Array,
  repeatedFrom?: number,
) {
  const { outer, sealedHeader, inChannel } = ready;
  const epoch = inChannel?.epoch ?? 0;
  const asked = { kind: "heed-resync", resync, epoch, outer, sealedHeader, repeatedFrom } as const;
  return expectKind(from.perform(asked, context), "resync-heeded").outcome;
}

/** Whose every new key is none: no coefficient of it is one. */
const keyless: Suite = {
  ...nobleSuite,
  generateKem: () => ({
    ...nobleSuite.generateKem(),
    publicKey: new Uint8Array(KEM_PUBLIC_BYTES).fill(0xff),
  }),
};

test("C-08 a key that is none, in a receipt, ends its channel and not the pair", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1, keyless);
  assert.equal(nobleSuite.encapsulate(keyless.generateKem().publicKey), undefined);
  const anew = seal(alice, bob, 2);
  assert.equal(anew.ready.counter, 0);
  assert.equal(anew.ready.source, "key-package");
  expectKind(open(bob, anew), "opened");
});

test("C-08 a key that is none, in an enclosed package, leaves the relay's packages", () => {
  const [alice, bob] = [new Device(1, keyless), new Device(2)];
  transfer(alice, bob, 1);
  const mended = new Device(1);
  expectKind(open(mended, seal(bob, mended, 2)), "opened");
});

test("C-04 a restored sender whose later numbers the receiver lacks starts a new channel", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const backup = alice.snapshot();
  transfer(alice, bob, 2);
  alice.restore(backup);
  const other = seal(alice, bob, 3);
  seal(alice, bob, 4);
  // Bob expects 2, and Alice has a 2: but it follows another 1 than Bob's.
  const { resync } = expectKind(open(bob, other), "out-of-step");
  assert.equal(heed(alice, other, resync).kind, "anew");
});

test("C-04 heedResync() gives a channel up when sending again has come to nothing", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const backup = alice.snapshot();
  transfer(alice, bob, 2);
  alice.restore(backup);
  seal(alice, bob, 3);
  const second = seal(alice, bob, 4);
  const third = seal(alice, bob, 5);
  const { resync } = expectKind(open(bob, third), "out-of-step");
  const outcome = expectKind(heed(alice, third, resync), "repeat");
  assert.deepEqual(
    outcome.offers.map(({ n }) => n),
    [2, 3],
  );
  assert.equal(open(bob, second).kind, "invalid", "it follows another 1 than Bob's");
  const again = expectKind(open(bob, third), "out-of-step");
  assert.deepEqual(again.resync, resync);
  assert.equal(heed(alice, third, again.resync, 2).kind, "anew");
});

test("stepEndToEndSender() remembers from where it has had offers sent again", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  seal(alice, bob, 2);
  const { context, ...input } = seal(alice, bob, 3);
  const { resync } = expectKind(open(bob, { context, ...input }), "out-of-step");
  const outcome = heed(alice, { context, ...input }, resync);
  const started = startEndToEndSender(context).state;
  const ready = stepEndToEndSender(context, started, input).state as Ready;
  assert.equal(ready.repeatedFrom, undefined);
  const heeded = stepEndToEndSender(context, ready, { kind: "resync-heeded", outcome });
  assert.equal((heeded.state as Ready).repeatedFrom, 1);
});

test("heedResync() ignores a resync for an offer whose receipt has come", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const lost = seal(alice, bob, 2);
  const offer = seal(alice, bob, 3);
  const { resync } = expectKind(open(bob, offer), "out-of-step");
  open(bob, lost);
  const { offer: opened } = expectKind(open(bob, offer), "opened");
  const words = { verdict: "decline", total: 0, digest: new Uint8Array(32) } as const;
  const place = { n: opened.n, epoch: opened.epoch };
  const sealed = bob.perform({ kind: "seal-receipt", place, words }, offer.context);
  const { receipt } = expectKind(sealed, "receipt-sealed");
  alice.perform({ kind: "open-receipt", receipt }, offer.context);
  assert.equal(heed(alice, offer, resync).kind, "ignored");
});

test("sealOffer() with a full outbox asks for the receipts that would make room", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const lost = Array.from({ length: OUTBOX_MAX }, (_, i) => seal(alice, bob, 2 + i));
  const context = { ...contextOf(alice, bob, 200), header: new Uint8Array(0) };
  const job = { kind: "seal-offer", header: headerOf(context), message: undefined } as const;
  const input = expectKind(alice.perform(job, context), "job-failed");
  assert.equal(input.error.code, "peer/busy");
  const started = startEndToEndSender(context).state;
  const [effect] = stepEndToEndSender(context, started, input).effects;
  const { offers, which } = expectKind(effect, "repeat-offers");
  assert.equal(which, "ended");
  assert.deepEqual(
    offers.map(({ outer }) => outer),
    lost.map(({ ready }) => ready.outer),
  );
});

/** What the sender makes of a resync for a transfer that has ended. */
function heedStray(from: Device, { context }: ReturnType<typeof seal>, resync: Uint8Array) {
  const input = from.perform({ kind: "heed-stray-resync", resync }, context);
  return expectKind(input, "resync-heeded").outcome.kind;
}

function close(at: Device, { ready, context }: ReturnType<typeof seal>) {
  const { outer, sealedHeader } = ready;
  const input = at.perform({ kind: "close-offer", outer, sealedHeader }, context);
  return expectKind(input, "offer-opened").outcome;
}

test("C-04 a full outbox ends with its channel when the receiver has lost its end", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const lost = Array.from({ length: OUTBOX_MAX }, (_, i) => seal(alice, bob, 2 + i));
  bob.records.clear();
  const [first] = lost;
  assert.ok(first !== undefined);
  const { resync } = expectKind(close(bob, first), "out-of-step");
  assert.equal(heedStray(alice, { ...first, context: lost[1]!.context }, resync), "ignored");
  assert.equal(heedStray(alice, first, resync.with(90, resync[90]! ^ 1)), "ignored");
  assert.equal(heedStray(alice, first, resync), "anew");
  assert.equal(heedStray(alice, first, resync), "ignored", "it is over already");
  assert.equal(seal(alice, bob, 100).ready.counter, 0);
});

test("heed-stray-resync drops what the receiver has forgotten, and goes on in the channel", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const lost = seal(alice, bob, 2);
  expectKind(open(bob, lost), "opened");
  assert.equal(close(bob, lost).kind, "receipt", "which never arrives");
  for (let id = 0; id < OUTBOX_MAX; id++) transfer(alice, bob, 3 + id);
  const { resync } = expectKind(close(bob, lost), "out-of-step");
  assert.equal(heedStray(alice, lost, resync), "forgotten");
  assert.equal(heedStray(alice, lost, resync), "ignored");
  const next = seal(alice, bob, 99);
  assert.equal(next.ready.counter, OUTBOX_MAX + 2, "the channel goes on");
  assert.deepEqual(next.unreceipted, []);
  expectKind(open(bob, next), "opened");
});

test("heed-stray-resync leaves a gap to the next transfer that meets it", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const lost = seal(alice, bob, 2);
  const ended = seal(alice, bob, 3);
  const { resync } = expectKind(close(bob, ended), "out-of-step");
  assert.equal(heedStray(alice, ended, resync), "ignored");
  expectKind(open(bob, lost), "opened");
  expectKind(close(bob, ended), "receipt");
});

test("C-04 the expected number that does not open begins a new channel", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const backup = alice.snapshot();
  transfer(alice, bob, 2);
  alice.restore(backup);
  const ended = seal(alice, bob, 3);
  const offer = seal(alice, bob, 4);
  const { resync } = expectKind(open(bob, offer), "invalid");
  assert.ok(resync !== undefined, "the receiver says where its channel is");
  const opening = receiveEndToEndOffer(offer.ready, new Uint8Array(0)).state;
  const outcome = { kind: "invalid", resync } as const;
  const { state } = stepEndToEndReceiver(opening, { kind: "offer-opened", outcome });
  assert.deepEqual(state, { kind: "resync", resync });
  const again = alice.snapshot();
  assert.equal(heed(alice, offer, resync).kind, "anew");
  alice.restore(again);
  const said = expectKind(close(bob, offer), "out-of-step");
  assert.equal(heedStray(alice, offer, said.resync), "anew");
  assert.equal(close(bob, ended).kind, "out-of-step");
});

test("C-02 an offer made anew of a transfer that was received is a replay, also after a restart", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const received = seal(alice, bob, 2);
  const first = expectKind(open(bob, received), "opened").offer;
  assert.equal(first.isReplayed, undefined);
  // The relay keeps Bob's receipt back, and an old word of his makes Alice begin anew.
  const offerName = offerDigest(received.context.suite, received.ready);
  const said = { offer: offerName, epoch: first.epoch, expected: first.n };
  const resync = encodeResync(received.context, bob.identity.signing, said);
  assert.equal(heed(alice, received, resync).kind, "anew");
  const again = seal(alice, bob, 2);
  const { offer } = expectKind(open(bob, again), "opened");
  assert.equal(offer.isReplayed, true);
  const opening = receiveEndToEndOffer(again.ready, new Uint8Array(0)).state;
  const outcome = { kind: "opened", offer } as const;
  const { state } = stepEndToEndReceiver(opening, { kind: "offer-opened", outcome });
  assert.equal(expectKind(state, "ready").isReplayed, true);
  transfer(alice, bob, 3);
});

test("C-02 a transfer made anew in a channel that another began is a replay, after a restart too", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  transfer(alice, bob, 1);
  const x = seal(alice, bob, 2);
  const z = seal(alice, bob, 3);
  // The relay delivers Z first, twice: two words of Bob, of which it passes on the first.
  const [first, second] = [open(bob, z), open(bob, z)].map(
    (outcome) => expectKind(outcome, "out-of-step").resync,
  );
  assert.equal(heed(alice, z, first!).kind, "repeat");
  assert.equal(expectKind(open(bob, x), "opened").offer.isReplayed, undefined);
  // Bob's receipt of X is held back, and his older word ends the channel: Z begins the next.
  assert.equal(heed(alice, z, second!, 1).kind, "anew");
  const zAnew = seal(alice, bob, 3);
  assert.equal(zAnew.ready.counter, 0);
  assert.equal(expectKind(open(bob, zAnew), "opened").offer.isReplayed, undefined);
  // The old offer of X once more, and Bob's word on it: Alice makes X anew.
  const { resync } = expectKind(open(bob, x), "out-of-step");
  assert.equal(heed(alice, x, resync).kind, "anew");
  const xAnew = seal(alice, bob, 2);
  assert.equal(xAnew.ready.counter, 1);
  assert.equal(expectKind(open(bob, xAnew), "opened").offer.isReplayed, true);
});

test("C-02 an id is known through later channels, and when its receipt has made room", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  const isReplay = (id: number) =>
    expectKind(open(bob, seal(alice, bob, id)), "opened").offer.isReplayed;
  for (let id = 1; id <= OUTBOX_MAX + 1; id++) transfer(alice, bob, id);
  for (const [i, id] of [100, 101].entries()) {
    // As when a resync has ended the channel.
    const over = encodeSenderRecord({ ...NO_SENDER_RECORD, lastEpoch: NOW + i });
    alice.records.set(`sending ${hex(bob.identity.fingerprint)}`, over);
    assert.equal(isReplay(id), undefined);
  }
  // Of 35 the newest 33: the last two channels, and of the first all but 1 and 2.
  assert.equal(isReplay(3), true);
  assert.equal(isReplay(2), undefined, "bounded: the oldest are forgotten");
});

test("C-02 a transfer whose receipt made room is a replay when it is made anew", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  for (let id = 1; id <= OUTBOX_MAX + 1; id++) transfer(alice, bob, id);
  const again = seal(alice, bob, 1);
  assert.equal(expectKind(open(bob, again), "opened").offer.isReplayed, true);
});

test("an answer to the offer of before, late, costs the transfer and accuses nobody", () => {
  const [alice, bob] = [new Device(1), new Device(2)];
  const { context, ...sealed } = seal(alice, bob, 1);
  const { state } = stepEndToEndSender(context, startEndToEndSender(context).state, sealed);
  const ready = expectKind(state, "ready");
  const content = contentOf({ kind: "file", name: "f", size: 5 });
  const plan = { context, content, profile: "end-to-end", sessionSeconds: 5 } as const;
  const now = { instant: 0 as InstantMs, wall: NOW };
  const codeAfter = (resyncs: number) => {
    const exchange = { profile: "end-to-end", state: { ...ready, resyncs } } as const;
    const before = { exchange, ready, deadline: now.instant, receipt: undefined };
    const late = answered(plan, { kind: "expect-answer", ...before }, new Uint8Array(57), now);
    const emitted = late.effects.flatMap((each) => (each.kind === "emit" ? [each.event] : []));
    return emitted.flatMap((event) => (event.kind === "failed" ? [event.error.code] : []));
  };
  assert.deepEqual(codeAfter(0), ["transfer/invalid"]);
  assert.deepEqual(codeAfter(1), ["transfer/interrupted"]);
});
