/**
 * Bytes changed on the way: nothing that was touched is taken, nothing stored changes, and what the
 * honest end sent is still good. C-01, C-07, C-08, C-09.
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
  type OfferOnTheWay,
} from "../../../test/channel-steps.ts";
import { expectKind, flipped, put } from "../../../test/exchange-lab.ts";
import { withToyKem } from "../../../test/toy-kem.ts";
import { concat } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { decodeKeyPackage, encodeKeyPackage } from "../../identity/key-package.ts";
import type { WallMs } from "../../time.ts";
import { decodeEndToEndOuter } from "./outer.ts";

const CLEAR_BYTES = 113;
const N_AT = 5;
const X25519_BYTES = 32;
/** The ML-KEM part of a key or ciphertext stands before X25519's. */
const SHARE_AT = CLEAR_BYTES + 1_088;
const KEY_AT = 20;
const KEY_SHARE_AT = KEY_AT + 1_184;

const ONES = put(new Uint8Array(32).fill(0xff), 31, [0x7f]);
/** Points of small order, and one that is not reduced (RFC 7748; vodozemac 0.10). */
const LOW_ORDER = [
  new Uint8Array(32),
  put(new Uint8Array(32), 0, [1]),
  put(ONES, 0, [0xec]),
  put(ONES, 0, [0xed]),
  put(ONES, 0, [0xee]),
];

/** Every bit of the clear header; a bit of every `stride`th byte of the rest, each time another. */
function alterations(honest: OfferOnTheWay, stride: number): readonly OfferOnTheWay[] {
  const { outer, sealedHeader, content } = honest;
  const clear = Array.from({ length: 8 * CLEAR_BYTES }, (_, bit) => flipped(outer, bit));
  const rest = everyByte(outer, CLEAR_BYTES, stride);
  return [
    ...[...clear, ...rest].map((each) => ({ ...honest, outer: each })),
    ...everyByte(sealedHeader, 0, stride).map((each) => ({ ...honest, sealedHeader: each })),
    ...everyByte(content, 0, stride).map((each) => ({ ...honest, content: each })),
  ];
}

function everyByte(bytes: Uint8Array, start: number, stride = 1): readonly Uint8Array[] {
  const count = Math.ceil((bytes.length - start) / stride);
  const places = Array.from({ length: count }, (_, i) => start + i * stride);
  return places.map((at) => flipped(bytes, 8 * at + (at % 8)));
}

test("C-01 no bit of an offer can be turned: INIT, OPEN on the chain, OPEN under a key", () => {
  // The ciphertext of the toy is hashed into its secret: as with implicit rejection.
  const toy = withToyKem(suite);
  const [alice, bob] = [new Device(1, toy), new Device(2, toy)];
  const heardOf: (() => void)[] = [];
  for (const id of [1, 2, 3]) {
    if (id === 3) for (const hear of heardOf) hear();
    const context = contextOf(alice, bob, id, toy);
    const honest = onTheWay(seal(alice, context, () => bob.offerPackage()));
    const before = stored(alice, bob);
    const kinds = new Set<string>();
    for (const altered of alterations(honest, id === 1 ? 1 : 17))
      kinds.add(open(bob, context, altered).kind);
    // The type of an INIT turns into that of a pair with a pairing, which this is not.
    if (id === 1) assert.ok(kinds.delete("key-unknown"));
    assert.deepEqual([...kinds].toSorted(), ["invalid", "out-of-step", "wrong-receiver"]);
    assert.deepEqual(stored(alice, bob), before);
    const offer = opened(open(bob, context, honest));
    const said = receipt(bob, context, offer);
    heardOf.push(() => assert.equal(heard(alice, context, said), "accept"));
  }
});

test("C-01 what was altered on the way makes nobody say that the channel is over", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const ready = seal(alice, context);
  const { outer, sealedHeader, content } = onTheWay(ready);
  const before = stored(alice);
  const altered = [
    { outer: flipped(outer, 8 * 500), sealedHeader, content },
    { outer: flipped(outer, 8 * N_AT), sealedHeader, content },
    { outer, sealedHeader: flipped(sealedHeader, 9), content },
    { outer, sealedHeader, content: flipped(content, 9) },
    { outer, sealedHeader, content: content.subarray(1) },
  ];
  for (const [i, offer] of altered.entries()) {
    const outcome = open(bob, context, offer);
    assert.ok(outcome.kind === "invalid" || outcome.kind === "out-of-step");
    // The driver sends what resync there is; it must name other bytes than Alice's.
    if (outcome.resync === undefined) continue;
    const told = { kind: "out-of-step", resync: outcome.resync } as const;
    assert.equal(resync(alice, context, ready, told), "ignored", `${i}`);
  }
  assert.deepEqual(stored(alice), before);
  opened(open(bob, context, ready));
});

test("C-01 an offer that is cut or longer anywhere is invalid", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const honest = onTheWay(seal(alice, context, () => bob.offerPackage()));
  const before = stored(bob);
  for (const part of ["outer", "sealedHeader", "content"] as const)
    for (const length of [0, 1, 15, 16, 17, honest[part].length - 1, honest[part].length + 1]) {
      // Without its content an offer is the one that `close` repeats.
      if (part === "content" && length === 0) continue;
      const other = concat(honest[part], Uint8Array.of(0)).subarray(0, length);
      assert.equal(open(bob, context, { ...honest, [part]: other }).kind, "invalid");
    }
  assert.deepEqual(stored(bob), before);
  opened(open(bob, context, honest));
});

test("C-01 no byte of a receipt can be turned, and no length is another", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const ready = seal(alice, context, () => bob.offerPackage());
  const said = receipt(bob, context, opened(open(bob, context, ready)));
  const before = stored(alice);
  for (const altered of everyByte(said, 0)) assert.equal(heard(alice, context, altered), undefined);
  for (let length = 0; length < said.length; length += 31)
    assert.equal(heard(alice, context, said.subarray(0, length)), undefined);
  assert.equal(heard(alice, context, concat(said, Uint8Array.of(0))), undefined);
  assert.deepEqual(stored(alice), before);
  assert.equal(heard(alice, context, said), "accept");
});

test("C-01 no byte of a resync can be turned, and no length is another", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  seal(alice, contextOf(alice, bob, 2));
  const context = contextOf(alice, bob, 3);
  const ready = seal(alice, context);
  const outcome = expectKind(open(bob, context, ready), "out-of-step");
  const said = outcome.resync;
  const before = stored(alice);
  const cut = [0, 1, 63, 64, 65, said.length - 1].map((length) => said.subarray(0, length));
  for (const forged of [...everyByte(said, 0), ...cut, concat(said, Uint8Array.of(0))])
    assert.equal(resync(alice, context, ready, { ...outcome, resync: forged }), "ignored");
  assert.deepEqual(stored(alice), before);
  assert.equal(resync(alice, context, ready, outcome), "repeat");
});

test("C-01 C-09 no byte of a key package can be turned, profiles among them", () => {
  const { bob } = pair();
  const encoded = bob.offerPackage();
  const decode = (bytes: Uint8Array) => decodeKeyPackage(suite, bob.identity.id, bytes, NOW);
  const start = encoded.subarray(0, KEY_AT);
  const rest = encoded.subarray(KEY_AT);
  for (const altered of everyByte(start, 0)) assert.equal(decode(concat(altered, rest)), undefined);
  for (const altered of everyByte(encoded, KEY_AT, 7)) assert.equal(decode(altered), undefined);
  for (const altered of everyByte(encoded, KEY_SHARE_AT)) assert.equal(decode(altered), undefined);
  assert.ok(decode(encoded));
});

test("C-07 C-08 a key package with a hostile key is used by nobody", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const { publicKey } = suite.generateKem();
  const times = { notBefore: NOW, notAfter: (NOW + 1) as WallMs };
  const kid = new Uint8Array(16);
  const unreduced = put(publicKey, 0, [0xff, 0xff]);
  const shares = LOW_ORDER.map((share) => put(publicKey, 1_184, share));
  for (const key of [unreduced, ...shares]) {
    const fields = { type: "one-time", kid, publicKey: key, ...times, profiles: 4 } as const;
    const encoded = encodeKeyPackage(suite, bob.identity, fields);
    assert.equal(
      sealFails(alice, context, () => encoded),
      "peer/no-package",
    );
    assert.equal(alice.records.size, 0);
  }
});

test("C-08 a package with the halves of two keys opens with neither", () => {
  const { alice, bob } = pair();
  const context = contextOf(alice, bob, 1);
  const one = bob.offerPackage();
  const two = bob.offerPackage();
  // The signature keeps a relay from it; that Bob signs it himself shows that both halves count.
  const body = concat(one.subarray(0, KEY_SHARE_AT), two.subarray(KEY_SHARE_AT, 1_288));
  const ready = seal(alice, context, () => concat(body, signedBy(bob, "pkg", body)));
  assert.equal(open(bob, context, ready).kind, "invalid");
});

test("C-07 C-08 a hostile ciphertext is invalid, whichever half of it", () => {
  const { alice, bob } = pair();
  transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const honest = onTheWay(seal(alice, context));
  const { outer } = honest;
  const before = stored(bob);
  const other = suite.encapsulate(suite.generateKem().publicKey)!.ciphertext;
  const outers = [
    ...LOW_ORDER.map((share) => put(outer, SHARE_AT, share)),
    put(outer, CLEAR_BYTES, other),
    put(outer, CLEAR_BYTES, other.subarray(0, 1_088)),
    put(outer, SHARE_AT, other.subarray(1_088)),
    put(outer, CLEAR_BYTES, new Uint8Array(1_120)),
    ...[0, 500, 1_087, 1_088, 1_119].map((at) => flipped(outer, 8 * (CLEAR_BYTES + at))),
    // The top bit of a share is not looked at by X25519; the transcript has it.
    flipped(outer, 8 * (SHARE_AT + X25519_BYTES - 1) + 7),
  ];
  for (const each of outers)
    assert.equal(open(bob, context, { ...honest, outer: each }).kind, "invalid");
  assert.deepEqual(stored(bob), before);
  opened(open(bob, context, honest));
});

test("C-07 a receipt with a hostile key is heard, but nothing is ever sealed to that key", () => {
  for (const share of [new Uint8Array(32), LOW_ORDER[2]!]) {
    const { alice, bob } = pair();
    const context = contextOf(alice, bob, 1);
    const hostile = {
      ...suite,
      generateKem: () => {
        const made = suite.generateKem();
        return { ...made, publicKey: put(made.publicKey, 1_184, share) };
      },
    };
    const offer = opened(
      open(
        bob,
        context,
        seal(alice, context, () => bob.offerPackage()),
      ),
    );
    const said = receipt(bob, { ...context, suite: hostile }, offer);
    assert.equal(heard(alice, context, said), "accept");
    // Another channel begins, with a key of the relay's.
    const next = contextOf(alice, bob, 2);
    const anew = onTheWay(seal(alice, next, () => bob.offerPackage()));
    opened(open(bob, next, anew));
    assert.equal(decodeEndToEndOuter(next, anew.outer).type, "init");
  }
});

test("C-09 an INIT whose pairing is stripped off by the relay opens nowhere", () => {
  const { alice, bob } = pair();
  alice.pairingSecret = new Uint8Array(32).fill(9);
  const context = contextOf(alice, bob, 1);
  const honest = onTheWay(seal(alice, context, () => bob.offerPackage()));
  const stripped = { ...honest, outer: put(honest.outer, 4, [0]) };
  assert.equal(open(bob, context, stripped).kind, "invalid");
  bob.pairingSecret = alice.pairingSecret;
  assert.equal(open(bob, context, stripped).kind, "key-unknown");
  opened(open(bob, context, honest));
});

test("C-07 a signature with a second form of its number, or a point of small order, is none", () => {
  const { bob } = pair();
  const encoded = bob.offerPackage();
  const start = encoded.length - 32;
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  const s = encoded.subarray(start).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const other = Uint8Array.from({ length: 32 }, (_, i) =>
    Number(((s + order) >> BigInt(8 * i)) & 255n),
  );
  const zero = put(encoded, encoded.length - 64, new Uint8Array(64));
  for (const forged of [put(encoded, start, other), zero])
    assert.equal(decodeKeyPackage(suite, bob.identity.id, forged, NOW), undefined);
});
