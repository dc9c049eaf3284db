import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, hex } from "../../bytes.ts";
import { contextOf, Device, NOW } from "../../../test/channel-lab.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeInput, OfferedBytes } from "../steps.ts";
import { encodeHeader } from "../../transfer/header.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { saltKeys } from "./keys.ts";
import type { Verdict } from "../verdict.ts";
import type { WallMs } from "../../time.ts";

type Ready = Extract<ExchangeInput, { kind: "offer-sealed" }>["ready"];
type Outcome = Extract<ExchangeInput, { kind: "offer-opened" }>["outcome"];
const NO_MESSAGE = new Uint8Array(0);
const TEXT = new Uint8Array(256).fill(65);

function pair(): { readonly alice: Device; readonly bob: Device } {
  return { alice: new Device(1), bob: new Device(2) };
}

function headerOf(context: ExchangeContext): Uint8Array {
  const content = { kind: "message", name: "", size: TEXT.length } as const;
  const until = (NOW + 60_000) as WallMs;
  return encodeHeader(context.transfer, { content, created: NOW, until, sessionSeconds: 5 });
}

function seal(from: Device, context: ExchangeContext, fetch?: () => Uint8Array | undefined): Ready {
  const job = { kind: "seal-offer", header: headerOf(context), message: TEXT } as const;
  const input = from.perform(job, context, fetch);
  assert.equal(input.kind, "offer-sealed", JSON.stringify(input));
  return (input as Extract<ExchangeInput, { kind: "offer-sealed" }>).ready;
}

function open(at: Device, context: ExchangeContext, ready: Ready): Outcome {
  const content = ready.inChannel?.content ?? NO_MESSAGE;
  const input = at.perform({ kind: "open-offer", ...bytes(ready), content }, context);
  assert.equal(input.kind, "offer-opened");
  return (input as Extract<ExchangeInput, { kind: "offer-opened" }>).outcome;
}

function bytes({ outer, sealedHeader }: Ready): OfferedBytes {
  return { outer, sealedHeader };
}

function opened(outcome: Outcome): Extract<Outcome, { kind: "opened" }>["offer"] {
  assert.equal(outcome.kind, "opened");
  return (outcome as Extract<Outcome, { kind: "opened" }>).offer;
}

function receipt(
  at: Device,
  context: ExchangeContext,
  place: { readonly n: number; readonly epoch: number },
  verdict: Verdict = "accept",
): Uint8Array {
  const words = { verdict, total: TEXT.length, digest: new Uint8Array(32).fill(3) };
  const { n, epoch } = place;
  const input = at.perform({ kind: "seal-receipt", place: { n, epoch }, words }, context);
  assert.equal(input.kind, "receipt-sealed");
  return (input as Extract<ExchangeInput, { kind: "receipt-sealed" }>).receipt;
}

function heard(at: Device, context: ExchangeContext, sealed: Uint8Array): string | undefined {
  const input = at.perform({ kind: "open-receipt", receipt: sealed }, context);
  assert.equal(input.kind, "receipt-opened");
  return (input as Extract<ExchangeInput, { kind: "receipt-opened" }>).receipt?.verdict;
}

function resync(from: Device, context: ExchangeContext, ready: Ready, outcome: Outcome): string {
  assert.equal(outcome.kind, "out-of-step");
  const { resync: said } = outcome as Extract<Outcome, { kind: "out-of-step" }>;
  const epoch = ready.inChannel?.epoch ?? 0;
  const input = from.perform(
    { kind: "heed-resync", resync: said, epoch, ...bytes(ready) },
    context,
  );
  assert.equal(input.kind, "resync-heeded");
  return (input as Extract<ExchangeInput, { kind: "resync-heeded" }>).outcome.kind;
}

/** One whole transfer. Returns the sender's keys' transcript, as a name of its master key. */
function transfer(from: Device, to: Device, id: number): string {
  const context = contextOf(from, to, id);
  const ready = seal(from, context, () => to.offerPackage());
  const offer = opened(open(to, context, ready));
  assert.deepEqual(offer.message?.content, TEXT);
  assert.deepEqual(offer.keys, saltKeys(suite, ready.keys, offer.salt));
  assert.equal(heard(from, context, receipt(to, context, offer)), "accept");
  return hex(ready.keys.transcript);
}

test("a channel carries transfer after transfer, each under keys of its own", () => {
  const { alice, bob } = pair();
  const seen = [1, 2, 3, 4].map((id) => transfer(alice, bob, id));
  assert.equal(new Set(seen).size, 4);
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

test("up to 32 transfers may be open; a receipt makes room", () => {
  const { alice, bob } = pair();
  const contexts = Array.from({ length: 33 }, (_, id) => contextOf(alice, bob, id + 1));
  const sealed = contexts
    .slice(0, 32)
    .map((context) => seal(alice, context, () => bob.offerPackage()));
  const last = contexts[32]!;
  const job = { kind: "seal-offer", header: headerOf(last), message: undefined } as const;
  assert.equal(alice.perform(job, last).kind, "job-failed");
  const offers = sealed.map((ready, i) => opened(open(bob, contexts[i]!, ready)));
  for (const i of [5, 31, 0, 17])
    assert.equal(heard(alice, contexts[i]!, receipt(bob, contexts[i]!, offers[i]!)), "accept");
  opened(open(bob, last, seal(alice, last)));
});

test("C-02 an offer again gets the stored receipt, byte for byte", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const first = receipt(bob, context, opened(open(bob, context, ready)));
  for (const again of [open(bob, context, ready), open(bob, context, ready)])
    assert.deepEqual(again, { kind: "receipt", receipt: first });
  assert.deepEqual(
    receipt(bob, context, { n: 0, epoch: ready.inChannel!.epoch }, "decline"),
    first,
  );
});

test("an offer again whose transfer nobody works on any more is interrupted", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  opened(open(bob, context, ready));
  const again = open(bob, context, ready);
  assert.equal(again.kind, "receipt");
  assert.equal(
    heard(alice, context, (again as Extract<Outcome, { kind: "receipt" }>).receipt),
    "interrupted",
  );
});

test("close-offer settles a number that never arrived, and shows its content to nobody", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const input = bob.perform({ kind: "close-offer", ...bytes(ready) }, context);
  const { outcome } = input as Extract<ExchangeInput, { kind: "offer-opened" }>;
  assert.equal(outcome.kind, "receipt");
  const said = (outcome as Extract<Outcome, { kind: "receipt" }>).receipt;
  assert.equal(heard(alice, context, said), "interrupted");
  transfer(alice, bob, 2);
});

test("C-02 a gap is asked for and filled with the same bytes", () => {
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

test("C-04 a restored sender is told, starts a new channel, and repeats no key", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const old = alice.snapshot();
  const used = [transfer(alice, bob, 2), transfer(alice, bob, 3)];
  alice.restore(old);
  const context = contextOf(alice, bob, 4);
  const ready = seal(alice, context);
  assert.ok(!used.includes(hex(ready.keys.transcript)));
  assert.equal(resync(alice, context, ready, open(bob, context, ready)), "anew");
  transfer(alice, bob, 4);
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

test("C-02 a one-time package serves one INIT; the same INIT later is refused", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const encoded = bob.offerPackage();
  const ready = seal(alice, context, () => encoded);
  opened(open(bob, context, ready));
  const eve = new Device(3);
  const other = contextOf(eve, bob, 2);
  const second = seal(eve, other, () => encoded);
  assert.equal(open(bob, other, second).kind, "out-of-step");
});

test("C-02 with a last-resort package an INIT again is known, an older epoch refused", () => {
  const { alice, bob } = pair();
  const encoded = bob.offerPackage("last-resort");
  const kept = new Map(bob.packages);
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => encoded);
  opened(open(bob, context, ready));
  bob.packages = new Map(kept);
  assert.equal(open(bob, context, ready).kind, "receipt");
  alice.records.clear();
  const anew = seal(alice, contextOf(alice, bob, 2), () => encoded);
  // The clock stood still, so the epoch is the same: a second channel needs a greater one.
  assert.equal(open(bob, contextOf(alice, bob, 2), anew).kind, "out-of-step");
});

test("C-01 C-08 any bit turned is invalid, changes nothing, and the honest offer still opens", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const before = bob.snapshot();
  const { outer, sealedHeader } = ready;
  const content = ready.inChannel!.content;
  const kinds = new Set<string>();
  for (let at = 0; at < outer.length; at += at < 120 ? 1 : 97) {
    const input = bob.perform(
      { kind: "open-offer", outer: flip(outer, at), sealedHeader, content },
      context,
    );
    kinds.add((input as Extract<ExchangeInput, { kind: "offer-opened" }>).outcome.kind);
    assert.deepEqual(bob.snapshot(), before);
  }
  kinds.delete("wrong-receiver");
  assert.deepEqual([...kinds].toSorted(), ["invalid", "out-of-step"]);
  for (const [header, box] of [
    [flip(sealedHeader, 40), content],
    [sealedHeader, flip(content, 7)],
  ] as const) {
    const job = { kind: "open-offer", outer, sealedHeader: header, content: box } as const;
    const input = bob.perform(job, context);
    assert.deepEqual(input, { kind: "offer-opened", outcome: { kind: "invalid" } });
    assert.deepEqual(bob.snapshot(), before);
  }
  opened(open(bob, context, ready));
});

test("C-13 an offer for one receiver or from one sender opens for no other (UKS)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  assert.equal(open(bob, { ...context, sender: eve.party }, ready).kind, "invalid");
  assert.equal(open(eve, { ...context, receiver: eve.party }, ready).kind, "wrong-receiver");
});

test("C-13 whoever stole the receiver's keys cannot write to it as somebody else (KCI)", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const forged = { ...contextOf(alice, bob, 1) };
  // Eve has a valid package of Bob, even its secret, and signs with her own key.
  const job = { kind: "seal-offer", header: headerOf(context), message: TEXT } as const;
  const input = eve.perform(job, { ...forged, sender: alice.party }, () => bob.offerPackage());
  const { ready } = input as Extract<ExchangeInput, { kind: "offer-sealed" }>;
  assert.equal(open(bob, context, ready).kind, "invalid");
});

test("C-02 a receipt is for one transfer of one channel, and only as the receiver signed it", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const one = contextOf(alice, bob, 1);
  const two = contextOf(alice, bob, 2);
  const first = seal(alice, one, () => bob.offerPackage());
  const second = seal(alice, two);
  const said = receipt(bob, one, opened(open(bob, one, first)));
  opened(open(bob, two, second));
  for (let at = 0; at < said.length; at += 13)
    assert.equal(heard(alice, one, flip(said, at)), undefined);
  assert.equal(heard(alice, one, said.subarray(0, 60)), undefined);
  assert.equal(heard(alice, { ...one, receiver: eve.party }, said), undefined);
  assert.equal(heard(alice, one, said), "accept");
  assert.equal(heard(alice, one, said), undefined, "only once");
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

test("C-02 a resync counts only if the receiver signed it for an offer that waits", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const lost = contextOf(alice, bob, 2);
  seal(alice, lost);
  const context = contextOf(alice, bob, 3);
  const ready = seal(alice, context);
  const outcome = open(bob, context, ready) as Extract<Outcome, { kind: "out-of-step" }>;
  for (let at = 0; at < outcome.resync.length; at += 5) {
    const forged = { ...outcome, resync: flip(outcome.resync, at) };
    assert.equal(resync(alice, context, ready, forged), "ignored");
  }
  const other = { ...ready, outer: flip(ready.outer, 50) };
  assert.equal(resync(alice, context, other, outcome), "ignored");
});

test("C-10 a pair with a pairing's secret takes no INIT without it, nor the other way round", () => {
  const { alice, bob } = pair();
  const secret = new Uint8Array(32).fill(9);
  const context = contextOf(alice, bob, 1);
  bob.pairingSecret = secret;
  const bare = seal(alice, context, () => bob.offerPackage());
  assert.equal(open(bob, context, bare).kind, "key-unknown");
  alice.records.clear();
  alice.pairingSecret = secret;
  const paired = seal(alice, context, () => bob.offerPackage());
  bob.pairingSecret = undefined;
  assert.equal(open(bob, context, paired).kind, "key-unknown");
  bob.pairingSecret = new Uint8Array(32).fill(8);
  assert.equal(open(bob, context, paired).kind, "invalid");
  bob.pairingSecret = secret;
  opened(open(bob, context, paired));
});

test("C-10 a package that the receiver did not sign, or that is past its time, is refused", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const old = bob.offerPackage("one-time", NOW - 1);
  for (const wrong of [eve.offerPackage(), flip(bob.offerPackage(), 700), old, concat(old, old)]) {
    const job = { kind: "seal-offer", header: headerOf(context), message: undefined } as const;
    const input = alice.perform(job, context, () => wrong);
    assert.equal(input.kind, "job-failed");
    assert.equal(alice.records.size, 0);
  }
});

test("P-08 a record cut or turned anywhere is refused as damaged, or means the same length", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const [name, record] = [...alice.records][0]!;
  for (let length = 0; length < record.length; length += 7) {
    alice.records.set(name, record.subarray(0, length));
    const job = { kind: "seal-offer", header: headerOf(context), message: undefined } as const;
    assert.throws(() => alice.perform(job, context), { code: "store/failed" });
  }
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice();
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
}
