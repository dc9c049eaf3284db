import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { decodeFrameHeader, FRAME_HEADER_BYTES } from "./record-header.ts";
import { sealFrame } from "./record-seal.ts";
import { ReverseOpener, ReverseSealer, type ReverseFrame } from "./reverse-frame.ts";

const TH = new Uint8Array(32).fill(1);
const KEY = new Uint8Array(32).fill(2);
const DIGEST = new Uint8Array(32).fill(3);

const EVERY_KIND: readonly ReverseFrame[] = [
  { kind: "progress", offset: 2 ** 40 },
  { kind: "resend", j: 65, offset: 7 },
  { kind: "pause" },
  { kind: "continue" },
  { kind: "cancel", reason: 6 },
  { kind: "done", total: 12, digest: DIGEST, statement: new Uint8Array(0) },
  { kind: "done", total: 12, digest: DIGEST, statement: DIGEST },
  { kind: "proceed" },
];

function sealAll(): readonly Uint8Array[] {
  const sealer = new ReverseSealer(suite, TH, KEY);
  return EVERY_KIND.map((frame) => sealer.seal(frame));
}

function open(by: ReverseOpener, frame: Uint8Array): ReverseFrame {
  const header = decodeFrameHeader(frame);
  assert.ok(header !== undefined);
  return by.open(header, frame.subarray(FRAME_HEADER_BYTES));
}

function opener(th = TH, key = KEY): ReverseOpener {
  return new ReverseOpener(suite, th, key);
}

/** Seals any body, as a peer with the key could. */
function forge(body: readonly number[], direction: 0 | 1 = 1): Uint8Array {
  const header = { type: 3, flags: 0, j: 0, seq: 0, offset: 0, elapsedMs: 0 };
  return sealFrame({ suite, th: TH, direction }, KEY, header, Uint8Array.from(body));
}

const DAMAGED = { code: "transfer/damaged" };
const MALFORMED = { code: "peer/malformed" };

test("ReverseOpener gives back every kind that ReverseSealer took, in order", () => {
  const receiver = opener();
  assert.deepEqual(
    sealAll().map((frame) => open(receiver, frame)),
    EVERY_KIND,
  );
});

test("C-01 ReverseOpener refuses a frame with any bit turned", () => {
  const frame = sealAll()[0]!;
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const altered = frame.slice();
    altered[bit >> 3]! ^= 1 << (bit & 7);
    const header = decodeFrameHeader(altered);
    if (header === undefined || header.length !== frame.length - FRAME_HEADER_BYTES) continue;
    assert.throws(() => opener().open(header, altered.subarray(FRAME_HEADER_BYTES)), DAMAGED);
  }
});

test("C-02 ReverseOpener refuses frames that repeat, skip, or come from elsewhere", () => {
  const [first, second] = sealAll();
  const receiver = opener();
  assert.throws(() => open(receiver, second!), DAMAGED);
  open(receiver, first!);
  assert.throws(() => open(receiver, first!), DAMAGED);
  open(receiver, second!);
  assert.throws(() => open(opener(new Uint8Array(32)), first!), DAMAGED);
  assert.throws(() => open(opener(TH, new Uint8Array(32)), first!), DAMAGED);
  assert.throws(() => open(opener(), forge([3], 0)), DAMAGED);
});

test("C-02 ReverseOpener takes a gap as the first on a new pipe, nothing old, and no gap after", () => {
  const frames = sealAll();
  const receiver = opener();
  open(receiver, frames[0]!);
  receiver.newPipe();
  assert.throws(() => open(receiver, frames[0]!), DAMAGED);
  open(receiver, frames[2]!);
  assert.equal(receiver.seq, 3);
  assert.throws(() => open(receiver, frames[1]!), DAMAGED);
  assert.throws(() => open(receiver, frames[4]!), DAMAGED);
  open(receiver, frames[3]!);
});

test("P-03 ReverseOpener refuses unknown kinds, short and long bodies", () => {
  for (const body of [[0], [8], [255], [1, 0], [3, 0], [5], [5, 1, 0], [6, ...DIGEST], [7, 0]])
    assert.throws(() => open(opener(), forge(body)), MALFORMED);
  const beyond = [1, 0xff, 0, 0, 0, 0, 0, 0, 0];
  assert.throws(() => open(opener(), forge(beyond)), MALFORMED);
});
