/** Both machines over pipes that break, one after the other (docs/protocol.md 8.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { counted, flip, RecordLab, REVERSE_KEY, TH, wrapKey } from "../../test/record-lab.ts";
import type { LabOptions, Tamper } from "../../test/record-lab.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { DAMAGED_PER_TRANSFER_MAX, PIPES_PER_TRANSFER_MAX, RECORD_BYTES_MAX } from "../limits.ts";
import type { InstantMs } from "../time.ts";
import { decodeFrameHeader } from "./record-header.ts";
import { RecordSender } from "./record-sender.ts";
import { ReverseSealer, type ReverseFrame } from "./reverse-frame.ts";
import type { ReverseOutcome } from "./reverse-outcome.ts";

const CONTENT = counted(1_000);
/** A session frame, ten records, the last record. */
const FRAMES = 12;
const PIPES = PIPES_PER_TRANSFER_MAX;
const TAG = new Uint8Array(16).fill(7);
const NONE = new Uint8Array(0);
const at = (ms: number): InstantMs => ms as InstantMs;

function run(options: Partial<LabOptions>): RecordLab {
  return new RecordLab({ content: CONTENT, recordBytes: 100, pipes: PIPES, ...options }).run();
}

function assertWhole(lab: RecordLab): void {
  assert.equal(lab.error, undefined);
  assert.equal(lab.senderError, undefined);
  assert.equal(lab.sender.phase, "done");
  assert.deepEqual(Uint8Array.from(lab.received), CONTENT);
}

test("C-01 one turned bit where frames are told apart costs one new pipe and one resend", () => {
  for (const ahead of [1, 4, 100])
    for (let n = 0; n < FRAMES; n++)
      for (const bit of [0, 9, 17]) {
        const lab = run({ ahead, tamper: (frame, i) => [i === n ? flip(frame, bit) : frame] });
        assertWhole(lab);
        assert.equal(lab.pipes, 2, `frame ${n}`);
        assert.equal(lab.receiver.damaged, 1);
        assert.equal(lab.sender.damaged, 1);
      }
});

test("C-03 a pipe that is cut after any frame costs one new pipe", () => {
  for (const ahead of [1, 4, 100])
    for (let n = 0; n < FRAMES; n++) {
      const lab = run({ ahead, tamper: (frame, i) => (i === n ? "cut" : [frame]) });
      assertWhole(lab);
      assert.equal(lab.pipes, 2, `frame ${n}, ${ahead} ahead`);
    }
});

test("C-03 a pipe that is cut before any word of the receiver, `done` too, costs one new pipe", () => {
  for (const ahead of [1, 100])
    for (let n = 0; n < FRAMES - 1; n++) {
      const lab = run({ ahead, tamperReverse: (frame, i) => (i === n ? "cut" : [frame]) });
      assertWhole(lab);
      assert.equal(lab.pipes, 2, `frame ${n}, ${ahead} ahead`);
    }
});

test("C-01 a damaged word of the receiver costs one new pipe", () => {
  for (let n = 0; n < FRAMES - 1; n++)
    for (const bit of [0, 100, 300]) {
      const tamperReverse: Tamper = (frame, i) => [i === n ? flip(frame, bit) : frame];
      const lab = run({ tamperReverse });
      assertWhole(lab);
      assert.equal(lab.pipes, 2, `frame ${n}, bit ${bit}`);
    }
});

test("C-05 a resend that is lost with its pipe does not put the keys apart", () => {
  // The record is damaged, its resend is lost, and so is the one on the second pipe.
  for (const lost of [1, 2]) {
    let resends = 0;
    const lab = run({
      tamper: (frame, i) => [i === 1 ? flip(frame, 300) : frame],
      tamperReverse: (frame) => (++resends <= lost ? "cut" : [frame]),
    });
    assertWhole(lab);
    assert.equal(lab.pipes, 1 + lost);
    assert.equal(lab.receiver.damaged, 1 + lost);
    assert.equal(lab.sender.damaged, 1);
  }
});

test("C-04 no key and nonce are planned twice, whatever breaks in both directions", () => {
  const fault = fc.record({
    at: fc.nat(40),
    kind: fc.constantFrom("flip", "header", "cut", "reverse flip", "reverse cut"),
  });
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 6 }), fc.integer({ min: 1, max: 20 }), (f, ahead) => {
      const kind = (i: number, reverse: boolean) =>
        f.find((each) => each.at === i && each.kind.startsWith("reverse") === reverse)?.kind;
      // The lab throws when a key and nonce come again.
      const lab = run({
        ahead,
        pipes: 10,
        tamper: (frame, i) => {
          const here = kind(i, false);
          if (here === "cut") return "cut";
          if (here === undefined) return [frame];
          return [flip(frame, here === "flip" ? 8 * 33 : 0)];
        },
        tamperReverse: (frame, i) => {
          const here = kind(i, true);
          if (here === undefined) return [frame];
          return here === "reverse cut" ? "cut" : [flip(frame, 8 * 33)];
        },
      });
      assertWhole(lab);
    }),
    { numRuns: 60 },
  );
});

test("a header that is broken on each pipe ends the transfer as framing, after the last pipe", () => {
  const lab = run({
    tamper: (frame) => [decodeFrameHeader(frame)?.offset === 300 ? flip(frame, 0) : frame],
  });
  assert.equal(lab.error?.code, "transfer/framing");
  assert.equal(lab.pipes, PIPES);
  assert.equal(lab.received.length, 300);
});

function setUp() {
  const keys = { next: wrapKey, wipe: () => undefined };
  const base = { suite, th: TH, reverseKey: REVERSE_KEY, fromOffset: 0, startedAt: at(0) };
  const sender = new RecordSender({ ...base, keys, sessionMs: 5_000 });
  const sealer = new ReverseSealer(suite, TH, REVERSE_KEY);
  /** Said on the old pipe and lost with it. */
  const lose = (frame: ReverseFrame): void => void sealer.seal(frame);
  const hear = (frame: ReverseFrame): ReverseOutcome => {
    const bytes = sealer.seal(frame);
    return sender.reverse(bytes.subarray(0, 32), bytes.subarray(32));
  };
  for (let i = 0; i < 2; i++) {
    sender.sessionFor(10, at(0));
    sender.plan(10, at(0));
    sender.sealed(TAG);
  }
  return { sender, hear, lose };
}

test("RecordSender.newPipe(): nothing is sent before the receiver said from where", () => {
  const { sender, hear } = setUp();
  hear({ kind: "pause" });
  sender.newPipe();
  assert.equal(sender.phase, "expect-resend");
  assert.equal(sender.room(), 0);
  assert.throws(() => sender.last(at(0)), { code: "usage/wrong-state" });
  assert.deepEqual(sender.cancelled(1, at(0)), []);
  hear({ kind: "resend", j: 65, offset: 10 });
  assert.equal(sender.phase, "content");
  assert.equal(sender.paused, false);
  assert.ok(sender.room() > 0);
  assert.equal(decodeFrameHeader(sender.nextSession(at(0)))?.j, 66);
});

test("RecordSender.newPipe(): a receiver that has everything says so, in place of a resend", () => {
  const digest = suite.sha256(TAG, TAG);
  const { sender, hear, lose } = setUp();
  sender.last(at(1));
  lose({ kind: "progress", offset: 20 });
  sender.newPipe();
  assert.equal(hear({ kind: "progress", offset: 20 }).kind, "progress");
  assert.equal(sender.phase, "expect-done");
  lose({ kind: "done", total: 20, digest, statement: NONE });
  sender.newPipe();
  assert.equal(hear({ kind: "done", total: 20, digest, statement: NONE }).kind, "done");
});

test("C-02 RecordSender takes no other first word on a new pipe, such as one of the old", () => {
  const first: readonly ReverseFrame[] = [
    { kind: "progress", offset: 10 },
    { kind: "progress", offset: 20 },
    { kind: "pause" },
    { kind: "continue" },
    { kind: "done", total: 20, digest: suite.sha256(TAG, TAG), statement: NONE },
  ];
  for (const frame of first) {
    const { sender, hear } = setUp();
    sender.newPipe();
    const outcome = hear(frame);
    assert.ok(outcome.kind === "broken");
    assert.equal(sender.phase, "expect-resend");
  }
});

test("RecordSender takes the receiver's `cancel` as the first word on a new pipe", () => {
  const { sender, hear } = setUp();
  sender.newPipe();
  assert.equal(hear({ kind: "cancel", reason: 2 }).kind, "failed");
});

test("C-06 RecordSender bounds how far keys may jump over words that were lost", () => {
  const jump = (lost: number, j: number): string => {
    const { sender, hear, lose } = setUp();
    for (let i = 0; i < lost; i++) lose({ kind: "pause" });
    sender.newPipe();
    return hear({ kind: "resend", j, offset: 10 }).kind;
  };
  assert.equal(jump(0, 1 + 64), "resend");
  assert.equal(jump(0, 2 + 64), "failed");
  assert.equal(jump(1, 1 + 128), "resend");
  assert.equal(jump(1, 2 + 128), "failed");
  const most = 1 + 64 * (1 + DAMAGED_PER_TRANSFER_MAX);
  assert.equal(jump(1_000, most), "resend");
  assert.equal(jump(1_000, most + 1), "failed");
});

test("RecordReceiver.newPipe() drops the frame that was half there, and counts as damage", () => {
  const lab = new RecordLab({ content: CONTENT, recordBytes: 100 });
  const [session, record] = lab.record(CONTENT.subarray(0, 100));
  lab.arrive(session!);
  assert.equal(lab.receiver.frame(record!.subarray(0, 32), at(0)).kind, "content");
  const resend = lab.receiver.newPipe();
  assert.ok(resend.kind === "resend");
  assert.deepEqual([resend.offset, resend.damaged], [0, 1]);
  assert.equal(lab.arrive(record!).kind, "skip");
  assert.equal(lab.received.length, 0);
});

test("RecordSender and RecordReceiver bear more damage the longer the content", () => {
  const recordBytes = RECORD_BYTES_MAX;
  const content = new Uint8Array(recordBytes);
  const { sender, receiver } = new RecordLab({ content, recordBytes, size: undefined });
  // A new pipe for every record: with 64 damages in all this would end too early.
  for (let i = 0; i < 2 * DAMAGED_PER_TRANSFER_MAX; i++) {
    sender.newPipe();
    const resend = receiver.newPipe();
    assert.ok(resend.kind === "resend", `${i}`);
    const { frame } = resend;
    assert.equal(sender.reverse(frame.subarray(0, 32), frame.subarray(32)).kind, "resend");
    const session = sender.sessionFor(recordBytes, at(0))!;
    const incoming = receiver.frame(session.subarray(0, 32), at(0));
    assert.ok(incoming.kind === "session");
    receiver.session(session.subarray(32), wrapKey(incoming.j).key);
    const { header } = sender.plan(recordBytes, at(0));
    sender.sealed(TAG);
    receiver.frame(header, at(0));
    assert.equal(receiver.content(true, TAG).kind, "accepted");
  }
});
