/** A list of entries waits for a yes before what it lists is sent. docs/protocol-transfers.md 9. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { counted, flip, RecordLab } from "../../test/record-lab.ts";
import type { LabOptions } from "../../test/record-lab.ts";
import { PIPES_PER_TRANSFER_MAX } from "../limits.ts";
import { PosternError } from "../errors.ts";

const CONTENT = counted(1_000);
const LIST = 250;
/** Session, records of 100, 100 and 50, then eight more and the last. */
const FRAMES = 13;

function run(options: Partial<LabOptions> = {}): RecordLab {
  const pipes = PIPES_PER_TRANSFER_MAX;
  const given = { content: CONTENT, recordBytes: 100, holdAt: LIST, pipes };
  return new RecordLab({ ...given, ...options }).run();
}

function assertWhole(lab: RecordLab, why = "whole"): void {
  assert.deepEqual([lab.error, lab.senderError], [undefined, undefined], why);
  assert.equal(lab.sender.phase, "done", why);
  assert.deepEqual(Uint8Array.from(lab.received), CONTENT.subarray(0, lab.received.length), why);
}

test("room() ends with the list, and what is behind it follows the receiver's `proceed`", () => {
  const lab = run({ heldTurns: 20 });
  assertWhole(lab);
  assert.equal(lab.received.length, CONTENT.length);
  const still = run({ heldTurns: Infinity });
  assert.equal(still.sender.offset, LIST);
  assert.equal(still.received.length, LIST);
  assert.ok(still.sender.held && still.receiver.held);
  assert.equal(still.sender.room(), 0);
});

test("a list that is all there is waits as well: `last` is not said before `proceed`", () => {
  const lab = new RecordLab({ content: CONTENT, recordBytes: 400, holdAt: 1_000, heldTurns: 5 });
  assert.throws(() => {
    for (;;) {
      const { offset } = lab.sender;
      if (lab.sender.held) lab.sender.last(lab.now);
      lab.put(...lab.record(CONTENT.subarray(offset, offset + 200)));
    }
  }, isWrongState);
  assertWhole(run({ holdAt: 1_000, heldTurns: 5 }));
});

test("C-03 a pipe that breaks anywhere, also while the list waits, loses neither list nor yes", () => {
  for (const heldTurns of [0, 1, 7])
    for (let n = 0; n < FRAMES; n++) {
      const cut = (frame: Uint8Array, i: number) => (i === n ? ("cut" as const) : [frame]);
      for (const ahead of [1, 100]) {
        const forward = run({ heldTurns, ahead, tamper: cut });
        assertWhole(forward, `frame ${n}`);
        assert.equal(forward.received.length, 1_000);
        const back = run({ heldTurns, ahead, tamperReverse: cut });
        assertWhole(back, `reverse frame ${n}`);
        assert.equal(back.received.length, 1_000);
      }
    }
});

test("a transfer that goes on within the list waits at its end, as a whole one does", () => {
  const lab = run({ fromOffset: 120, heldTurns: Infinity });
  assert.equal(lab.received.length, LIST);
});

test("P-03 content that nobody has agreed to is refused: behind the list, and across its end", () => {
  for (const [records, why] of [
    [[250, 1], "behind it"],
    [[200, 51], "across"],
    [[251], "at once"],
  ] as const) {
    const lab = forging();
    let at = 0;
    for (const length of records) {
      lab.put(...lab.record(CONTENT.subarray(at, at + length)));
      at += length;
    }
    lab.run();
    assert.equal(lab.error?.code, "peer/unexpected-frame", why);
    assert.ok(lab.received.length <= LIST);
  }
});

test("P-03 an end that nobody has agreed to is refused; giving up is not", () => {
  for (const frames of [0, 250]) {
    const lab = forging();
    if (frames > 0) lab.put(...lab.record(CONTENT.subarray(0, frames)));
    lab.put(...lab.sender.last(lab.now));
    lab.run();
    assert.equal(lab.error?.code, "peer/unexpected-frame");
  }
  const lab = run({ heldTurns: Infinity });
  for (const frame of lab.sender.cancelled(1, lab.now)) lab.arrive(frame);
  assert.equal(lab.error?.code, "peer/cancelled");
});

test("P-03 `proceed` where nothing is held, or before the list was sent, ends the transfer", () => {
  const forged = new RecordLab({ content: CONTENT, recordBytes: 100, holdAt: 0 });
  const proceed = forged.receiver.reverse({ kind: "proceed" });
  for (const holdAt of [undefined, LIST]) {
    const lab = new RecordLab({ content: CONTENT, recordBytes: 100, ...(holdAt && { holdAt }) });
    const outcome = lab.sender.reverse(proceed.subarray(0, 32), proceed.subarray(32));
    assert.ok(outcome.kind === "failed" && outcome.error.code === "peer/malformed");
  }
});

test("`proceed` is no word to say before the list is there, nor twice", () => {
  const early = new RecordLab({ content: CONTENT, recordBytes: 100, holdAt: LIST });
  assert.throws(() => early.receiver.reverse({ kind: "proceed" }), isWrongState);
  const { receiver } = run({ heldTurns: Infinity });
  receiver.reverse({ kind: "proceed" });
  assert.throws(() => receiver.reverse({ kind: "proceed" }), isWrongState);
});

/** A sender that waits for nobody. */
function forging(): RecordLab {
  const held = { holdAt: LIST, heldTurns: Infinity, isImpatient: true };
  return new RecordLab({ content: CONTENT, recordBytes: 100, ...held });
}

function isWrongState(error: unknown): boolean {
  return error instanceof PosternError && error.code === "usage/wrong-state";
}

test("whatever is held, waits, breaks or is damaged, what comes behind it is the rest", () => {
  const cases = fc.record({
    fromOffset: fc.nat(CONTENT.length),
    list: fc.nat(CONTENT.length),
    heldTurns: fc.nat(6),
    recordBytes: fc.integer({ min: 60, max: 400 }),
    ahead: fc.integer({ min: 1, max: 20 }),
    breaksAt: fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
    damages: fc.nat(30),
    bit: fc.nat(500),
    statement: fc.constantFrom(undefined, counted(104)),
  });
  fc.assert(
    fc.property(cases, ({ list, breaksAt, damages, bit, statement, ...given }) => {
      const tamper = (frame: Uint8Array, i: number) => {
        if (breaksAt.includes(i)) return "cut" as const;
        return [i === damages ? flip(frame, bit % (8 * frame.length)) : frame];
      };
      const signed = statement === undefined ? {} : { statement };
      const hold = list > given.fromOffset ? { holdAt: list } : {};
      const lab = run({ ...given, ...signed, holdAt: undefined, ...hold, tamper });
      assert.deepEqual(Uint8Array.from(lab.received), CONTENT.subarray(0, lab.received.length));
      if (lab.sender.phase === "done") {
        assert.equal(lab.received.length, CONTENT.length);
        assert.deepEqual(lab.heard, statement?.toReversed() ?? new Uint8Array(0));
      } else assert.ok((lab.error ?? lab.senderError) !== undefined, "it ends");
    }),
  );
});
