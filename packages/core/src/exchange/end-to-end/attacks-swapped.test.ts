/**
 * One thing where another belongs: packages, sealed things, signatures, names. C-10, C-11, C-12,
 * C-19.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, Device, NOW } from "../../../test/channel-lab.ts";
import {
  heard,
  onTheWay,
  open,
  opened,
  pair,
  receipt,
  resync,
  seal,
  sealFails,
  signedBy,
  stored,
  transfer,
} from "../../../test/channel-steps.ts";
import { expectKind, put } from "../../../test/exchange-lab.ts";
import { ByteWriter, concat, hex } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { decodeKeyPackage } from "../../identity/key-package.ts";
import { openAnswer, sealAnswer } from "../../transfer/answer.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { saltedKey } from "./keys.ts";
import { openEndToEndHeader } from "./sealed-header.ts";

test("C-10 a relay that swaps packages gets nothing sealed to them", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  const good = bob.offerPackage();
  const evesKey = eve.offerPackage().subarray(20, 1_236);
  const wrong = {
    "another identity's": eve.offerPackage(),
    "Eve's key in Bob's package": put(good, 20, evesKey),
    "Bob's name in Eve's package": put(eve.offerPackage(), 1_253, bob.identity.id),
    "past its time": bob.offerPackage("one-time", NOW - 1),
    "a reply, which no relay holds": bob.offerPackage("reply"),
    "two in one": concat(good, good),
    nothing: new Uint8Array(0),
  };
  for (const [name, encoded] of Object.entries(wrong)) {
    assert.equal(
      sealFails(alice, context, () => encoded),
      "peer/no-package",
      name,
    );
    assert.equal(alice.records.size, 0, name);
  }
  opened(
    open(
      bob,
      context,
      seal(alice, context, () => good),
    ),
  );
});

test("C-10 a stale package costs one more INIT, and opens for nobody", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const stale = bob.offerPackage();
  bob.packages.clear();
  const ready = seal(alice, context, () => stale);
  assert.equal(resync(alice, context, ready, open(bob, context, ready)), "anew");
  transfer(alice, bob, 2);
});

test("C-10 what comes as a reply must be one, and of the sender itself", () => {
  const { alice, bob } = pair();
  const eve = new Device(3);
  const context = contextOf(alice, bob, 1);
  for (const enclosed of [
    eve.offerPackage("reply"),
    alice.offerPackage("one-time"),
    context.transfer,
  ]) {
    alice.records.clear();
    bob.records.clear();
    const device = new Device(1);
    device.offerPackage = () => enclosed;
    const ready = seal(device, context, () => bob.offerPackage());
    opened(open(bob, context, ready));
    const good = alice.offerPackage();
    const back = seal(bob, contextOf(bob, alice, 2), () => good);
    assert.equal(hex(back.outer.subarray(17, 33)), hex(good.subarray(4, 20)));
  }
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
  bob.pairingSecret = secret;
  opened(open(bob, context, paired));
});

test("C-10 C-16 secrets of two pairings and an altered INIT are told alike: pair again", () => {
  const { alice, bob } = pair();
  alice.pairingSecret = new Uint8Array(32).fill(9);
  // A second pairing that only Bob has kept.
  bob.pairingSecret = new Uint8Array(32).fill(8);
  const context = contextOf(alice, bob, 1);
  const honest = onTheWay(seal(alice, context, () => bob.offerPackage()));
  const back = contextOf(bob, alice, 2);
  const other = onTheWay(seal(bob, back, () => alice.offerPackage()));
  const before = stored(alice, bob);
  assert.deepEqual(open(bob, context, honest), { kind: "key-unknown" });
  assert.deepEqual(open(bob, context, honest, "close-offer"), { kind: "key-unknown" });
  assert.deepEqual(open(alice, back, other), { kind: "key-unknown" });
  bob.pairingSecret = alice.pairingSecret;
  const { outer, sealedHeader, content } = honest;
  const altered = [
    { ...honest, outer: put(outer, 200, [outer[200]! ^ 1]) },
    { ...honest, outer: put(outer, 1_201, new Uint8Array(32)) },
    { ...honest, sealedHeader: put(sealedHeader, 9, [sealedHeader[9]! ^ 1]) },
  ];
  for (const offer of altered) assert.deepEqual(open(bob, context, offer), { kind: "key-unknown" });
  // Alice's header opens here, and shows that the secret is hers.
  const touched = { ...honest, content: put(content, 0, [content[0]! ^ 1]) };
  assert.deepEqual(open(bob, context, touched), { kind: "invalid" });
  assert.deepEqual(stored(alice, bob), before);
  opened(open(bob, context, honest));
});

test("C-11 kids of packages and of receipts are not each other's", () => {
  const { alice, bob } = pair();
  const unused = bob.offerPackage();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 50);
  const honest = onTheWay(seal(alice, context));
  const ofReceipt = honest.outer.subarray(17, 33);
  const before = stored(bob);
  const asPackage = put(put(put(honest.outer, 4, [0]), 5, [0, 0, 0, 0]), 15, [0xff]);
  assert.equal(open(bob, context, { ...honest, outer: asPackage }).kind, "out-of-step");
  const names = { package: unused.subarray(4, 20), transfer: context.transfer };
  for (const [name, kid] of Object.entries(names)) {
    const outer = put(honest.outer, 17, kid);
    assert.equal(open(bob, context, { ...honest, outer }).kind, "out-of-step", name);
  }
  assert.notDeepEqual(ofReceipt, names.package);
  assert.deepEqual(stored(bob), before);
  opened(open(bob, context, honest));
});

test("C-12 nothing that a channel sends is taken for anything else that it sends", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  seal(alice, contextOf(alice, bob, 2));
  const context = contextOf(alice, bob, 3);
  const ahead = seal(alice, context);
  const told = open(bob, context, ahead);
  const fresh = pair();
  const there = contextOf(fresh.alice, fresh.bob, 1);
  const encoded = fresh.bob.offerPackage();
  const honest = onTheWay(seal(fresh.alice, there, () => encoded));
  const at = fresh.bob.snapshot();
  const offer = opened(open(fresh.bob, there, honest));
  const answer = { verdict: "accept", offset: 0, prefixDigest: new Uint8Array(32) } as const;
  const things = {
    ...honest,
    package: encoded,
    answer: concat(offer.salt, sealAnswer(suite, offer.keys.answer, there.transfer, answer)),
    receipt: receipt(fresh.bob, there, offer),
    resync: expectKind(told, "out-of-step").resync,
    nothing: new Uint8Array(0),
  };
  fresh.bob.restore(at);
  for (const [name, thing] of Object.entries(things)) {
    for (const part of ["outer", "sealedHeader", "content"] as const) {
      // Without its content an offer is the one that `close` repeats.
      if (part === name || (part === "content" && name === "nothing")) continue;
      const outcome = open(fresh.bob, there, { ...honest, [part]: thing });
      assert.equal(outcome.kind, "invalid", `${name} as ${part}`);
    }
    const told2 = { kind: "out-of-step", resync: thing } as const;
    const isResync = resync(alice, context, ahead, told2) === "repeat";
    assert.equal(isResync, name === "resync", `${name} as resync`);
    const sealsTo = decodeKeyPackage(suite, fresh.bob.identity.id, thing, NOW);
    assert.equal(sealsTo !== undefined, name === "package", `${name} as package`);
    const opensAs = openAnswer(suite, offer.keys.answer, there.transfer, thing.subarray(32));
    assert.equal(opensAs !== undefined, name === "answer", `${name} as answer`);
    if (name !== "receipt") assert.equal(heard(fresh.alice, there, thing), undefined, name);
  }
  assert.equal(heard(fresh.alice, there, things.receipt), "accept");
});

test("C-12 each key of a transfer opens what it is for, and nothing else", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const keys = { ...ready.keys };
  const copies = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.slice()]));
  const offer = opened(open(bob, context, ready));
  const answer = { verdict: "accept", offset: 0, prefixDigest: new Uint8Array(32) } as const;
  const said = receipt(bob, context, offer);
  const salt = said.subarray(48, 80);
  const boxes = [
    [ready.outer, ready.sealedHeader],
    [
      concat(Uint8Array.of(2), context.transfer, Uint8Array.of(1)),
      sealAnswer(suite, offer.keys.answer, context.transfer, answer),
    ],
    [concat(said.subarray(0, 48), keys.transcript), said.subarray(80)],
    [concat(keys.transcript, new TextEncoder().encode("message")), ready.inChannel!.content],
  ] as const;
  const receiptKey = saltedKey(suite, copies["receipt"]!, "receipt", salt);
  const opens = (key: Uint8Array) =>
    boxes.map(([aad, box]) => suite.open(key, SINGLE_USE_NONCE, aad, box) !== undefined);
  const sessionKey = suite.expand(
    copies["session"]!,
    new TextEncoder().encode("postern e2e session key/1\0"),
    32,
  );
  assert.deepEqual(opens(copies["header"]!), [true, false, false, false]);
  assert.deepEqual(opens(offer.keys.answer), [false, true, false, false]);
  assert.deepEqual(opens(receiptKey), [false, false, true, false]);
  assert.deepEqual(opens(sessionKey), [false, false, false, true]);
  const none = [
    copies["answer"]!,
    copies["receipt"]!,
    copies["reverse"]!,
    copies["session"]!,
    offer.keys.reverse,
    saltedKey(suite, copies["receipt"]!, "receipt", offer.salt),
  ];
  for (const key of none) assert.deepEqual(opens(key), [false, false, false, false]);
});

test("C-19 no signature of one use holds in another", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const body = bob.offerPackage().subarray(0, 1_288);
  const uses = ["hdr", "ack", "resync", "rsa", "link-auth", "identity", "e2e"];
  for (const use of uses) {
    const encoded = concat(body, signedBy(bob, use, body));
    assert.equal(decodeKeyPackage(suite, bob.identity.id, encoded, NOW), undefined, use);
    assert.equal(
      sealFails(alice, context, () => encoded),
      "peer/no-package",
      use,
    );
  }
  assert.ok(
    decodeKeyPackage(suite, bob.identity.id, concat(body, signedBy(bob, "pkg", body)), NOW),
  );
  transfer(alice, bob, 1);
  seal(alice, contextOf(alice, bob, 2));
  const ahead = contextOf(alice, bob, 3);
  const ready = seal(alice, ahead);
  const { resync: said } = expectKind(open(bob, ahead, ready), "out-of-step");
  const state = said.subarray(0, -64);
  for (const use of ["pkg", "hdr", "ack", "rsa", "link-auth"]) {
    const forged = {
      kind: "out-of-step",
      resync: concat(state, signedBy(bob, use, state)),
    } as const;
    assert.equal(resync(alice, ahead, ready, forged), "ignored", use);
  }
});

test("C-19 what is not signed the receiver can make itself: it proves nothing to others", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const text = suite.open(ready.keys.header, SINGLE_USE_NONCE, ready.outer, ready.sealedHeader)!;
  const signedLength = new DataView(text.buffer, text.byteOffset).getUint32(0);
  const kept = text.subarray(0, 4 + signedLength + 64);
  const { header } = openEndToEndHeader(context, ready.keys, ready.outer, ready.sealedHeader)!;
  const other = concat(header.subarray(0, 33), new Uint8Array(header.length - 33).fill(7));
  const parts = new ByteWriter().raw(kept).lv(other).bytes();
  const padded = put(new Uint8Array(text.length), 0, parts);
  const sealed = suite.seal(ready.keys.header, SINGLE_USE_NONCE, ready.outer, padded);
  assert.deepEqual(openEndToEndHeader(context, ready.keys, ready.outer, sealed)?.header, other);
  const early = concat(put(header, 20, [1]));
  const forged = put(new Uint8Array(text.length), 0, new ByteWriter().raw(kept).lv(early).bytes());
  const refused = suite.seal(ready.keys.header, SINGLE_USE_NONCE, ready.outer, forged);
  assert.equal(openEndToEndHeader(context, ready.keys, ready.outer, refused), undefined);
});
