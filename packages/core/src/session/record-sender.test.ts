import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, RecordLab, REVERSE_KEY, TH, wrapKey } from "../../test/record-lab.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import {
  RECORD_BYTES_MAX,
  SESSION_BYTES_MAX,
  SESSION_RECORDS_MAX,
  UNVERIFIED_BYTES_MAX,
  UNVERIFIED_RECORDS_MAX,
} from "../limits.ts";
import type { InstantMs } from "../time.ts";
import { decodeFrameHeader } from "./record-header.ts";
import { RecordSender } from "./record-sender.ts";
import { ReverseSealer, type ReverseFrame } from "./reverse-frame.ts";
import type { ReverseOutcome } from "./reverse-outcome.ts";

const TAG = new Uint8Array(16).fill(7);
const NONE = new Uint8Array(0);
const at = (ms: number): InstantMs => ms as InstantMs;

function setUp(sessionMs = 5_000) {
  const asked: number[] = [];
  const keys = {
    next(j: number) {
      asked.push(j);
      return wrapKey(j);
    },
    wipe: () => undefined,
  };
  const base = { suite, th: TH, reverseKey: REVERSE_KEY, fromOffset: 0, startedAt: at(0) };
  const sender = new RecordSender({ ...base, keys, sessionMs });
  const sealer = new ReverseSealer(suite, TH, REVERSE_KEY);
  const hear = (frame: ReverseFrame): ReverseOutcome => {
    const bytes = sealer.seal(frame);
    return sender.reverse(bytes.subarray(0, 32), bytes.subarray(32));
  };
  /** Sends a record; returns its session frame, if there was one. */
  const send = (length: number, now = 0): Uint8Array | undefined => {
    const session = sender.sessionFor(length, at(now));
    sender.plan(length, at(now));
    sender.sealed(TAG);
    return session;
  };
  return { sender, hear, send, asked };
}

function assertBroken(outcome: ReverseOutcome, code: string): void {
  assert.ok(outcome.kind === "broken");
  assert.equal(outcome.error.code, code);
}

function assertFailed(outcome: ReverseOutcome, code: string): void {
  assert.ok(outcome.kind === "failed");
  assert.equal(outcome.error.code, code);
}

test("RecordSender brings a new session key when sessionMs have passed, not before", () => {
  const { sender, send, asked } = setUp(5_000);
  assert.ok(send(10, 100));
  assert.equal(send(10, 5_099), undefined);
  const session = send(10, 5_100);
  assert.ok(session !== undefined);
  const { j, seq, offset, elapsedMs } = decodeFrameHeader(session)!;
  assert.deepEqual({ j, seq, offset, elapsedMs }, { j: 2, seq: 0, offset: 20, elapsedMs: 5_100 });
  assert.deepEqual(asked, [1, 2]);
  assert.equal(sender.sessionCount, 2);
  assert.equal(sender.sessionAt, 5_100);
});

test("C-05 RecordSender renews a key that grew old without a byte, before the last record too", () => {
  const { sender } = setUp(5_000);
  sender.sessionFor(1, at(0));
  const frames = sender.last(at(5_000));
  assert.deepEqual(
    frames.map((frame) => frame[0]),
    [1, 2],
  );
});

test("RecordSender brings a new session key after SESSION_RECORDS_MAX records", () => {
  const { send, hear } = setUp();
  for (let i = 1; i < SESSION_RECORDS_MAX; i++) send(1);
  hear({ kind: "progress", offset: SESSION_RECORDS_MAX - 1 });
  assert.equal(send(1), undefined);
  assert.ok(send(1));
});

test("RecordSender brings a new session key before SESSION_BYTES_MAX bytes are exceeded", () => {
  const { send, hear } = setUp();
  const records = SESSION_BYTES_MAX / RECORD_BYTES_MAX;
  for (let i = 1; i <= records; i++) {
    assert.equal(send(RECORD_BYTES_MAX) !== undefined, i === 1);
    hear({ kind: "progress", offset: i * RECORD_BYTES_MAX });
  }
  assert.ok(send(1));
});

test("RecordSender has no room beyond UNVERIFIED_BYTES_MAX until the receiver reports", () => {
  const { sender, send, hear } = setUp();
  for (let i = 0; i < 64; i++) send(RECORD_BYTES_MAX);
  assert.equal(sender.room(), 0);
  assert.throws(() => sender.plan(1, at(0)), { code: "usage/wrong-state" });
  hear({ kind: "progress", offset: 5 * RECORD_BYTES_MAX });
  assert.equal(sender.room(), 5 * RECORD_BYTES_MAX);
  assert.equal(UNVERIFIED_BYTES_MAX, 64 * RECORD_BYTES_MAX);
});

test("RecordSender has no room beyond UNVERIFIED_RECORDS_MAX records", () => {
  const { sender, send, hear } = setUp();
  for (let i = 0; i < UNVERIFIED_RECORDS_MAX; i++) send(1);
  assert.equal(sender.room(), 0);
  hear({ kind: "progress", offset: 1 });
  assert.ok(sender.room() > 0);
});

test("RecordSender has no room while it is paused", () => {
  const { sender, hear } = setUp();
  assert.deepEqual(hear({ kind: "pause" }), { kind: "paused" });
  assert.equal(sender.room(), 0);
  assert.deepEqual(hear({ kind: "continue" }), { kind: "continued" });
  assert.ok(sender.room() > 0);
});

test("RecordSender goes on from a resend under a key beyond the one that was named", () => {
  const { sender, send, hear } = setUp();
  send(10);
  send(10);
  send(10);
  assert.deepEqual(hear({ kind: "resend", j: 65, offset: 10 }), {
    kind: "resend",
    offset: 10,
    damaged: 1,
  });
  assert.equal(sender.offset, 10);
  assert.equal(sender.verified, 10);
  assert.equal(decodeFrameHeader(send(10)!)?.j, 66);
  hear({ kind: "resend", j: 3, offset: 20 });
  assert.equal(decodeFrameHeader(send(10)!)?.j, 67);
});

test("RecordSender goes on from a resend that comes after the last record", () => {
  const { sender, send, hear } = setUp();
  send(10);
  sender.last(at(1));
  hear({ kind: "resend", j: 65, offset: 0 });
  assert.equal(sender.phase, "content");
  send(10);
  const digest = suite.sha256(TAG);
  sender.last(at(2));
  assert.equal(hear({ kind: "done", total: 10, digest, statement: NONE }).kind, "done");
});

test("RecordSender takes progress that is late, and reports what it knows already", () => {
  const { send, hear } = setUp();
  send(10);
  send(10);
  hear({ kind: "progress", offset: 20 });
  assert.deepEqual(hear({ kind: "progress", offset: 10 }), { kind: "progress", offset: 20 });
});

test("C-02 RecordSender refuses what no receiver of its content would say", () => {
  const nonsense: readonly ReverseFrame[] = [
    { kind: "progress", offset: 21 },
    { kind: "resend", j: 65, offset: 15 },
    { kind: "resend", j: 65, offset: 21 },
    { kind: "resend", j: 66, offset: 10 },
    { kind: "resend", j: 2 ** 32 - 1, offset: 10 },
    { kind: "done", total: 20, digest: suite.sha256(TAG, TAG), statement: NONE },
    { kind: "cancel", reason: 0 },
  ];
  for (const frame of nonsense) {
    const { sender, send, hear } = setUp();
    send(10);
    send(10);
    assertFailed(hear(frame), "peer/malformed");
    assert.equal(sender.phase, "ended");
  }
});

test("RecordSender refuses a resend from before what was verified", () => {
  const { send, hear } = setUp();
  send(10);
  send(10);
  hear({ kind: "progress", offset: 20 });
  assertFailed(hear({ kind: "resend", j: 65, offset: 10 }), "peer/malformed");
});

test("RecordSender refuses `done` with another total or digest", () => {
  const digest = suite.sha256(TAG);
  for (const [total, said] of [
    [9, digest],
    [10, suite.sha256()],
  ] as const) {
    const { sender, send, hear } = setUp();
    send(10);
    sender.last(at(1));
    assertFailed(
      hear({ kind: "done", total, digest: said, statement: NONE }),
      "transfer/digest-mismatch",
    );
  }
});

test("RecordSender turns the receiver's `cancel` into its code", () => {
  const codes = ["peer/cancelled", "peer/no-space", "peer/store-failed", "transfer/damaged"];
  for (const [i, code] of codes.entries())
    assertFailed(setUp().hear({ kind: "cancel", reason: i + 1 }), code);
});

test("C-12 RecordSender takes no frame of its own direction", () => {
  const { sender } = setUp();
  const [session, record] = new RecordLab({ content: counted(5), recordBytes: 5 }).record(
    counted(5),
  );
  for (const frame of [session!, record!, new Uint8Array(60)])
    assertBroken(sender.reverse(frame.subarray(0, 32), frame.subarray(32)), "transfer/framing");
});

test("RecordSender.cancelled() ends the content, and says nothing after the last record", () => {
  const { sender } = setUp();
  assert.deepEqual(
    sender.cancelled(1, at(0)).map((frame) => frame[1]),
    [0x80, 3],
  );
  assert.equal(sender.phase, "ended");
  const other = setUp().sender;
  other.last(at(0));
  assert.deepEqual(other.cancelled(1, at(0)), []);
});

test("RecordSender wipes a session key that it retires", () => {
  const made: Uint8Array[] = [];
  const keys = {
    next(j: number) {
      const session = wrapKey(j);
      made.push(session.key);
      return session;
    },
    wipe: () => undefined,
  };
  const base = { suite, th: TH, reverseKey: REVERSE_KEY, fromOffset: 0, startedAt: at(0) };
  const sender = new RecordSender({ ...base, keys, sessionMs: 5_000 });
  sender.nextSession(at(0));
  sender.nextSession(at(1));
  sender.wipe();
  assert.equal(made.length, 2);
  for (const key of made) assert.deepEqual(key, new Uint8Array(32));
});

test("RecordSender ends after 49 days, when elapsedMs has no room any more", () => {
  const { sender } = setUp();
  assert.throws(() => sender.nextSession(at(2 ** 32)), { code: "transfer/session-expired" });
});
