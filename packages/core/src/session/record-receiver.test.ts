import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BODY_BYTES,
  counted,
  flip,
  RecordLab,
  REVERSE_KEY,
  TH,
  unwrapKey,
  wrapKey,
  type LabOptions,
} from "../../test/record-lab.ts";
import { concat } from "../bytes/writer.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { SESSION_ARRIVAL_MS_MAX, SESSION_GRACE_MS, SESSION_RECORDS_MAX } from "../limits.ts";
import type { InstantMs } from "../time.ts";
import { RecordReceiver, type Incoming, type Outcome } from "./record-receiver.ts";
import { sealFrame, sealSession } from "./record-seal.ts";

const CONTENT = counted(100);
const at = (ms: number): InstantMs => ms as InstantMs;
const forward = { suite, th: TH, direction: 0 } as const;

function lab(options: Partial<LabOptions> = {}): RecordLab {
  return new RecordLab({ content: CONTENT, recordBytes: 10, sessionMs: 5_000, ...options });
}

interface Fields {
  readonly j?: number;
  readonly seq?: number;
  readonly offset?: number;
  readonly elapsedMs?: number;
}

/** Frames that a sender who has the keys but no rules could seal. */
function session(fields: Fields = {}): Uint8Array {
  const { j = 1, seq = 0, offset = 0, elapsedMs = 0 } = fields;
  const { key, body } = wrapKey(j);
  return sealSession(forward, key, { type: 1, flags: 0x80, j, seq, offset, elapsedMs }, body);
}

function record(plaintext: Uint8Array, fields: Fields = {}, flags = 0): Uint8Array {
  const { j = 1, seq = 0, offset = 0, elapsedMs = 0 } = fields;
  const header = { type: 2, flags, j, seq, offset, elapsedMs };
  return sealFrame(forward, wrapKey(j).key, header, plaintext);
}

function last(total: number, digest: Uint8Array, fields: Fields): Uint8Array {
  const body = new Uint8Array(40);
  new DataView(body.buffer).setBigUint64(0, BigInt(total));
  body.set(digest, 8);
  return record(body, fields, 1);
}

/** Hands the frames to a fresh receiver; the last outcome. */
function outcomeOf(...frames: readonly Uint8Array[]): Incoming | Outcome {
  const to = lab();
  return frames.map((frame) => to.arrive(frame)).at(-1)!;
}

function assertFailed(outcome: Incoming | Outcome | undefined, code: string): void {
  assert.ok(outcome?.kind === "failed", "has not failed");
  assert.equal(outcome.error.code, code);
}

const TEN = CONTENT.subarray(0, 10);

test("S-16 RecordReceiver cuts off a sender that never renews its key, by the sender's clock", () => {
  const lifeMs = 5_000 + SESSION_GRACE_MS;
  const first = session({ elapsedMs: 1_000 });
  assert.equal(outcomeOf(first, record(TEN, { elapsedMs: 1_000 + lifeMs })).kind, "accepted");
  const late = { elapsedMs: 1_001 + lifeMs };
  assertFailed(outcomeOf(first, record(TEN, late)), "transfer/session-expired");
  const end = last(0, suite.sha256(), late);
  assertFailed(outcomeOf(first, end), "transfer/session-expired");
});

test("S-16 RecordReceiver cuts off a sender whose clock stands still, by its own clock", () => {
  const to = lab();
  to.arrive(session());
  to.now = at(SESSION_ARRIVAL_MS_MAX);
  assert.equal(to.arrive(record(TEN)).kind, "accepted");
  to.now = at(SESSION_ARRIVAL_MS_MAX + 1);
  assertFailed(to.arrive(record(TEN, { seq: 1, offset: 10 })), "transfer/session-expired");
});

test("C-05 RecordReceiver refuses a sender's clock that goes back or jumps a day", () => {
  const first = session({ elapsedMs: 86_400_000 });
  for (const elapsedMs of [0, 86_399_999, 2 * 86_400_000])
    assertFailed(outcomeOf(first, record(TEN, { elapsedMs })), "transfer/session-expired");
});

test("C-05 RecordReceiver does not open anything under a key that was replaced", () => {
  const to = lab();
  to.arrive(session());
  to.arrive(session({ j: 2 }));
  assert.equal(to.arrive(record(TEN, { j: 1 })).kind, "skip");
  assert.equal(to.received.length, 0);
  assert.equal(to.receiver.damaged, 1);
});

test("C-02 RecordReceiver takes a record at its j, seq and offset and nowhere else", () => {
  assert.equal(outcomeOf(session(), record(TEN)).kind, "accepted");
  for (const fields of [{ j: 2 }, { seq: 1 }, { offset: 10 }, { offset: 2 ** 40 }])
    assert.equal(outcomeOf(session(), record(TEN, fields)).kind, "skip");
});

test("C-02 RecordReceiver takes no record before a session, none of the other direction", () => {
  assert.equal(outcomeOf(record(TEN)).kind, "skip");
  const header = { type: 2, flags: 0, j: 1, seq: 0, offset: 0, elapsedMs: 0 };
  const reflected = sealFrame({ ...forward, direction: 1 }, wrapKey(1).key, header, TEN);
  assert.equal(outcomeOf(session(), reflected).kind, "resend");
  const other = { ...forward, th: suite.sha256(TH) };
  const elsewhere = sealFrame(other, wrapKey(1).key, header, TEN);
  assert.equal(outcomeOf(session(), elsewhere).kind, "resend");
});

test("C-05 RecordReceiver takes session keys one by one: none twice, none beyond the next", () => {
  for (const j of [0, 2, 66, 2 ** 32 - 1]) assert.equal(outcomeOf(session({ j })).kind, "skip");
  assert.equal(outcomeOf(session(), session()).kind, "skip");
  assert.equal(outcomeOf(session(), session({ j: 2 })).kind, "session");
  assert.equal(outcomeOf(session(), session({ j: 2, offset: 10 })).kind, "resend");
  assert.equal(outcomeOf(session({ seq: 1 })).kind, "skip");
});

test("C-06 RecordReceiver bounds how far a key may jump while it skips", () => {
  const damaged = (j: number) => outcomeOf(session(), flip(record(TEN), 300), session({ j })).kind;
  assert.equal(damaged(2), "skipped");
  assert.equal(damaged(65), "skipped");
  assert.equal(damaged(66), "session");
  assert.equal(damaged(66 + 65), "skip");
});

test("C-12 RecordReceiver takes no reverse frame and no body of another profile's length", () => {
  const { key } = wrapKey(1);
  const header = { type: 3, flags: 0, j: 0, seq: 0, offset: 0, elapsedMs: 0 };
  assertFailed(outcomeOf(sealFrame(forward, REVERSE_KEY, header, TEN)), "transfer/framing");
  const fields = { type: 1, flags: 0x80, j: 1, seq: 0, offset: 0, elapsedMs: 0 };
  const short = sealSession(forward, key, fields, new Uint8Array(BODY_BYTES - 1));
  assertFailed(outcomeOf(short), "transfer/framing");
});

test("RecordReceiver refuses more records under one key than SESSION_RECORDS_MAX", () => {
  const to = lab({ size: undefined });
  const { receiver } = to;
  to.arrive(session());
  const one = new Uint8Array(16);
  for (let seq = 0; seq < SESSION_RECORDS_MAX; seq++) {
    receiver.frame(record1(seq), at(0));
    assert.equal(receiver.content(true, one).kind, "accepted");
  }
  receiver.frame(record1(SESSION_RECORDS_MAX), at(0));
  assertFailed(receiver.content(true, one), "transfer/session-expired");
});

/** The header of a one-byte record: the machine does not see the bytes. */
function record1(seq: number): Uint8Array {
  const header = new Uint8Array(32);
  const view = new DataView(header.buffer);
  view.setUint8(0, 2);
  view.setUint32(4, 17);
  view.setUint32(8, 1);
  view.setUint32(16, seq);
  view.setUint32(24, seq);
  return header;
}

test("F-10 RecordReceiver refuses more and less content than was announced", () => {
  const to = lab({ size: 10 });
  to.arrive(session());
  to.arrive(record(TEN));
  const more = record(Uint8Array.of(1), { seq: 1, offset: 10 });
  assertFailed(to.arrive(more), "transfer/invalid");
  const less = last(0, suite.sha256(), {});
  assertFailed(outcomeOf(session(), less), "transfer/invalid");
});

test("C-03 RecordReceiver refuses a wrong total, a wrong digest, an unlisted reason", () => {
  const to = (frame: Uint8Array) => {
    const open = lab({ size: undefined });
    open.arrive(session());
    const first = record(TEN);
    open.arrive(first);
    return { outcome: open.arrive(frame), tag: first.subarray(-16) };
  };
  const place = { seq: 1, offset: 10 };
  const tag = record(TEN).subarray(-16);
  assert.equal(to(last(10, suite.sha256(tag), place)).outcome.kind, "complete");
  assertFailed(to(last(9, suite.sha256(tag), place)).outcome, "peer/malformed");
  assertFailed(to(last(10, suite.sha256(), place)).outcome, "transfer/digest-mismatch");
  assertFailed(to(record(Uint8Array.of(1), place, 3)).outcome, "peer/cancelled");
  assertFailed(to(record(Uint8Array.of(2), place, 3)).outcome, "transfer/source-changed");
  assertFailed(to(record(Uint8Array.of(9), place, 3)).outcome, "peer/malformed");
});

test("C-03 RecordReceiver takes flags as part of the record: a last one is no content", () => {
  const body = new Uint8Array(40);
  const content = record(body);
  content[1] = 1;
  assert.equal(outcomeOf(session(), content).kind, "resend");
});

test("RecordReceiver fails when the sender floods it with what it does not want", () => {
  const to = lab();
  const big = concat(record(TEN).subarray(0, 32), new Uint8Array(0));
  new DataView(big.buffer).setUint32(4, 1_048_576 + 16);
  let kind = to.receiver.frame(big, at(0)).kind;
  let frames = 1;
  for (; kind === "skip" && frames < 1_000; frames++) kind = to.receiver.frame(big, at(0)).kind;
  assert.equal(kind, "failed");
  assert.ok(frames > 64 && frames < 70);
});

test("RecordReceiver never throws, whatever 32 bytes come as a header", () => {
  const headers = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc
      .tuple(
        fc.constantFrom(1, 2),
        fc.constantFrom(0, 1, 3, 0x80),
        fc.uint8Array({ minLength: 28 }),
      )
      .map(([type, flags, rest]) => Uint8Array.of(type, flags, 0, 0, 0, 0, 0, ...rest)),
  );
  fc.assert(
    fc.property(fc.array(headers, { maxLength: 5 }), (frames) => {
      const options = { suite, th: TH, reverseKey: REVERSE_KEY, bodyBytes: BODY_BYTES };
      const limits = { sessionMs: 5_000, fromOffset: 0, size: undefined };
      const receiver = new RecordReceiver({ ...options, ...limits });
      for (const header of frames) {
        const incoming = receiver.frame(header, at(0));
        if (incoming.kind !== "session") continue;
        const body = new Uint8Array(incoming.length);
        receiver.session(body, unwrapKey(incoming.j, body.subarray(0, -16)));
      }
    }),
    { numRuns: 200 },
  );
});

test("RecordReceiver wipes a session key that it retires", () => {
  const to = lab();
  const keys = [1, 2].map((j) => wrapKey(j).key);
  for (const [i, key] of keys.entries()) {
    const frame = session({ j: i + 1 });
    to.receiver.frame(frame.subarray(0, 32), at(0));
    assert.equal(to.receiver.session(frame.subarray(32), key).kind, "session");
  }
  assert.deepEqual(keys[0], new Uint8Array(32));
  to.receiver.wipe();
  assert.deepEqual(keys[1], new Uint8Array(32));
});
