/** Channels that the simulator found to stay stuck for ever. docs/protocol-end-to-end.md 7.3.5. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device, NOW } from "../../../test/channel-lab.ts";
import { expectKind } from "../../../test/exchange-lab.ts";
import { OUTBOX_MAX } from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import { encodeHeader } from "../../transfer/header.ts";
import type { ExchangeContext, SenderContext } from "../context.ts";
import type { ExchangeInput } from "../steps.ts";
import { startEndToEndSender, stepEndToEndSender, type EndToEndSenderState } from "./sender.ts";

type Sealed = Extract<ExchangeInput, { kind: "offer-sealed" }>;
type Ready = Extract<EndToEndSenderState, { kind: "ready" }>;

function headerOf({ transfer }: ExchangeContext): Uint8Array {
  const content = { kind: "file", name: "f", size: 5 } as const;
  const until = (NOW + 60_000) as WallMs;
  return encodeHeader(transfer, { content, created: NOW, until, sessionSeconds: 5 });
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

/** One whole transfer, refused. */
function transfer(from: Device, to: Device, id: number): void {
  const sealed = seal(from, to, id);
  const { offer } = expectKind(open(to, sealed), "opened");
  const words = { verdict: "decline", total: 0, digest: new Uint8Array(32) } as const;
  const place = { n: offer.n, epoch: offer.epoch };
  const { receipt } = expectKind(
    to.perform({ kind: "seal-receipt", place, words }, sealed.context),
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
