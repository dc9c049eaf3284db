import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allDifferent,
  CONTEXT,
  flipped,
  otherLengths,
  put,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { concat, hex, label } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { identityFromSeed } from "../../identity.ts";
import { decodeResync, encodeResync, offerDigest } from "./resync.ts";

const RECEIVER = identityFromSeed(suite, secret("receiver"));
const RESYNC = { offer: secret("offer"), epoch: 0x0102030405, expected: 0x06070809 };
const SAID = encodeResync(CONTEXT, RECEIVER.signing, RESYNC);
const STATE = SAID.subarray(0, -64);

function signed(state: Uint8Array, use = "resync", signing = RECEIVER.signing): Uint8Array {
  return concat(state, suite.sign(signing, concat(label(use), state)));
}

test("encodeResync() lays out what docs/protocol-end-to-end.md 7.3.5 says", () => {
  const ends = [CONTEXT.sender.fingerprint, CONTEXT.receiver.fingerprint, RESYNC.offer];
  const parts = ["01", "0001", ...ends.map(hex), "0000000102030405", "06070809"];
  assert.equal(hex(STATE), parts.join(""));
  assert.deepEqual(signed(STATE), SAID);
});

test("decodeResync() gives back what encodeResync() took", () => {
  for (const epoch of [0, 1, Number.MAX_SAFE_INTEGER])
    for (const expected of [0, 2 ** 32 - 1]) {
      const resync = { ...RESYNC, epoch, expected };
      const said = encodeResync(CONTEXT, RECEIVER.signing, resync);
      assert.deepEqual(decodeResync(CONTEXT, said), resync);
    }
});

test("decodeResync() copies what it keeps", () => {
  const bytes = SAID.slice();
  const decoded = decodeResync(CONTEXT, bytes);
  bytes.fill(0);
  assert.deepEqual(decoded, RESYNC);
});

test("C-01 P-01 decodeResync() takes nothing altered, cut or longer", () => {
  for (let at = 0; at < SAID.length; at++)
    assert.equal(decodeResync(CONTEXT, flipped(SAID, 8 * at + (at % 8))), undefined, `${at}`);
  for (const other of otherLengths(SAID)) assert.equal(decodeResync(CONTEXT, other), undefined);
});

test("C-13 decodeResync() takes it from the receiver, to this sender, alone", () => {
  const others = [
    { ...CONTEXT, sender: STRANGER },
    { ...CONTEXT, receiver: STRANGER },
    { ...CONTEXT, receiver: { ...CONTEXT.receiver, fingerprint: STRANGER.fingerprint } },
    { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: secret("no id", 35) } },
    { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
  ];
  for (const context of others) assert.equal(decodeResync(context, SAID), undefined);
  const stranger = identityFromSeed(suite, secret("stranger"));
  assert.equal(decodeResync(CONTEXT, signed(STATE, "resync", stranger.signing)), undefined);
});

test("C-19 decodeResync() takes no signature of another use", () => {
  for (const use of ["hdr", "ack", "pkg", "rsa", "link-auth"])
    assert.equal(decodeResync(CONTEXT, signed(STATE, use)), undefined, use);
});

test("P-03 decodeResync() refuses what the receiver itself wrote wrongly", () => {
  const wrong = [
    put(STATE, 0, [2]),
    put(STATE, 1, [0, 2]),
    put(STATE, 3, STRANGER.fingerprint),
    put(STATE, 35, STRANGER.fingerprint),
    put(STATE, 99, [0, 0x20, 0, 0, 0, 0, 0, 0]),
    STATE.subarray(0, -1),
    concat(STATE, Uint8Array.of(0)),
    new Uint8Array(0),
  ];
  for (const [i, state] of wrong.entries())
    assert.equal(decodeResync(CONTEXT, signed(state)), undefined, `${i}`);
});

test("decodeResync() gives undefined for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 250 }), (bytes) => {
      assert.equal(decodeResync(CONTEXT, bytes), undefined);
    }),
    { numRuns: 40 },
  );
});

test("S-12 offerDigest() names both parts, each in its place", () => {
  const [outer, sealedHeader] = [secret("outer"), secret("sealed")];
  const digests = [
    { outer, sealedHeader },
    { outer: sealedHeader, sealedHeader: outer },
    { outer: flipped(outer, 3), sealedHeader },
    { outer, sealedHeader: flipped(sealedHeader, 3) },
    { outer: concat(outer, sealedHeader.subarray(0, 1)), sealedHeader: sealedHeader.subarray(1) },
  ].map((offer) => offerDigest(suite, offer));
  assert.ok(allDifferent(digests));
});
