/** Both machines over a wire that damages, drops, repeats and injects (docs/protocol.md 8.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { counted, flip, RecordLab, type LabOptions, type Tamper } from "../../test/record-lab.ts";
import { DAMAGED_PER_SESSION_MAX, DAMAGED_PER_TRANSFER_MAX } from "../limits.ts";
import { decodeFrameHeader } from "./record-header.ts";

const CONTENT = counted(1_000);
const RECORD_BYTES = 100;
/** A session frame, ten records, the last record. */
const FRAMES = 12;
const HEADER_BITS = 32 * 8;

function run(tamper?: Tamper, options: Partial<LabOptions> = {}): RecordLab {
  const lab = { content: CONTENT, recordBytes: RECORD_BYTES, ...options };
  return new RecordLab(tamper === undefined ? lab : { ...lab, tamper }).run();
}

function assertWhole(lab: RecordLab): void {
  assert.equal(lab.error, undefined);
  assert.equal(lab.senderError, undefined);
  assert.equal(lab.sender.phase, "done");
  assert.deepEqual(Uint8Array.from(lab.received), CONTENT);
}

/** Nothing wrong is ever taken: all of it, or a beginning of it and a code that says why. */
function assertWholeOrFailed(lab: RecordLab): void {
  if (lab.complete) assert.equal(lab.received.length, CONTENT.length);
  assert.deepEqual(Uint8Array.from(lab.received), CONTENT.subarray(0, lab.received.length));
  assert.deepEqual(lab.complete, lab.sender.phase === "done");
}

test("RecordSender and RecordReceiver move content of any length", () => {
  for (const length of [0, 1, 99, 100, 101, 1_000]) {
    const content = CONTENT.subarray(0, length);
    const lab = run(undefined, { content });
    assert.equal(lab.sender.phase, "done");
    assert.deepEqual(Uint8Array.from(lab.received), content);
  }
});

test("RecordReceiver takes content that goes on from an offset, and of unknown length", () => {
  assertWhole(run(undefined, { fromOffset: 300, size: undefined }));
});

test("S-05 one damaged bit in any frame costs exactly one resend", () => {
  for (const ahead of [1, 4, 100])
    for (let n = 0; n < FRAMES; n++) {
      // The first bit behind the header: ciphertext, or the profile's body.
      const lab = run((frame, i) => [i === n ? flip(frame, HEADER_BITS) : frame], { ahead });
      assertWhole(lab);
      assert.equal(lab.receiver.damaged, 1, `frame ${n}, ${ahead} ahead`);
      assert.equal(lab.sender.damaged, 1);
    }
});

test("S-05 every record damaged once costs as many resends as there was damage", () => {
  const damagedAt = new Set<number>();
  const lab = run((frame) => {
    const header = decodeFrameHeader(frame);
    assert.ok(header !== undefined);
    if (header.type !== 2 || damagedAt.has(header.offset)) return [frame];
    damagedAt.add(header.offset);
    return [flip(frame, frame.length * 8 - 1)];
  });
  assertWhole(lab);
  assert.equal(lab.receiver.damaged, 11);
});

test("C-01 a turned bit of a record's header is damage, or ends the transfer as framing", () => {
  for (let bit = 0; bit < HEADER_BITS; bit++) {
    const lab = run((frame, i) => [i === 3 ? flip(frame, bit) : frame]);
    const byte = bit >> 3;
    // length: the wire of this test keeps frames apart, so a wrong length is only damage.
    if (byte < 4) assert.equal(lab.error?.code, "transfer/framing", `bit ${bit}`);
    if (byte >= 8) assertWhole(lab);
    if (byte >= 8) assert.equal(lab.receiver.damaged, 1, `bit ${bit}`);
    assertWholeOrFailed(lab);
  }
});

test("C-01 a turned bit of a session frame's header is damage, or ends it as framing", () => {
  for (const ahead of [1, 100])
    for (let bit = 0; bit < HEADER_BITS; bit++) {
      const lab = run((frame, i) => [i === 0 ? flip(frame, bit) : frame], { ahead });
      if (bit < 64) assert.equal(lab.error?.code, "transfer/framing", `bit ${bit}`);
      else assertWhole(lab);
    }
});

test("C-05 the session frame that answers a resend may itself be damaged, in any bit", () => {
  for (let bit = 64; bit < HEADER_BITS + 64 * 8; bit += 3) {
    let sessions = 0;
    const lab = run(
      (frame, i) => {
        if (i === 4) return [flip(frame, HEADER_BITS)];
        const answer = frame[0] === 1 && ++sessions === 2;
        return [answer ? flip(frame, bit) : frame];
      },
      { ahead: 5 },
    );
    assertWhole(lab);
    assert.equal(lab.receiver.damaged, 2, `bit ${bit}`);
  }
});

test("C-05 session keys that were under way when damage was met do not end the skipping", () => {
  for (let n = 1; n < FRAMES; n++) {
    const tamper: Tamper = (frame, i) => [i === n ? flip(frame, HEADER_BITS) : frame];
    // Every record under a key of its own, all sent before the resend is heard.
    const lab = run(tamper, { ahead: 100, sessionMs: 1_000, frameMs: 1_001 });
    assertWhole(lab);
    assert.equal(lab.receiver.damaged, 1);
  }
});

test("a record that is always damaged fails the transfer after DAMAGED_PER_SESSION_MAX", () => {
  const lab = run((frame) => {
    const seventh = decodeFrameHeader(frame)?.offset === 600 && frame[0] === 2;
    return [seventh ? flip(frame, HEADER_BITS) : frame];
  });
  assert.equal(lab.error?.code, "transfer/damaged");
  assert.equal(lab.sender.damaged, DAMAGED_PER_SESSION_MAX);
  assert.equal(lab.received.length, 600);
});

test("damage here and there fails the transfer after DAMAGED_PER_TRANSFER_MAX", () => {
  const damagedAt = new Set<number>();
  const lab = run(
    (frame) => {
      const offset = decodeFrameHeader(frame)?.offset ?? 0;
      if (frame[0] !== 2 || damagedAt.has(offset)) return [frame];
      damagedAt.add(offset);
      return [flip(frame, HEADER_BITS)];
    },
    { recordBytes: 10 },
  );
  assert.equal(lab.error?.code, "transfer/damaged");
  assert.equal(lab.sender.damaged, DAMAGED_PER_TRANSFER_MAX);
});

test("C-02 frames that are dropped, doubled, swapped or sent back are made good or refused", () => {
  for (let n = 0; n < FRAMES; n++) {
    let held: Uint8Array | undefined;
    const ways: readonly Tamper[] = [
      (frame, i) => (i === n ? [] : [frame]),
      (frame, i) => (i === n ? [frame, frame] : [frame]),
      (frame, i) => {
        if (i === n) held = frame;
        return i === n ? [] : i === n + 1 && held !== undefined ? [frame, held] : [frame];
      },
    ];
    for (const [way, tamper] of ways.entries()) {
      const lab = run(tamper);
      assertWholeOrFailed(lab);
      // What is dropped at the very end shows as a pipe that ends, which is the driver's to see.
      if (n < FRAMES - 2) assert.ok(lab.complete, `way ${way}, frame ${n}`);
    }
  }
});

test("C-03 RecordReceiver is not complete while the last record is missing", () => {
  const lab = run((frame, i) => (i === FRAMES - 1 ? [] : [frame]));
  assert.equal(lab.complete, false);
  assert.equal(lab.sender.phase, "expect-done");
});

test("C-04 no key and nonce are planned twice, whatever is damaged", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(40), { maxLength: 12 }), fc.nat(20), (damaged, ahead) => {
      // The lab throws when a key and nonce come again.
      const lab = run((frame, i) => [damaged.includes(i) ? flip(frame, HEADER_BITS + 3) : frame], {
        ahead: ahead + 1,
      });
      assertWhole(lab);
      assert.ok(lab.planned.size >= 10);
    }),
    { numRuns: 40 },
  );
});

test("S-06 P-05 words of the protocol inside the content are content", () => {
  const words = new TextEncoder().encode("new session;theEnd");
  const inner = run(undefined, { content: words, recordBytes: 5 });
  assert.equal(inner.sender.phase, "done");
  assert.deepEqual(Uint8Array.from(inner.received), words);
});

test("S-07 random damage, loss, repeats and noise never let wrong content through", () => {
  const fault = fc.record({
    at: fc.nat(60),
    kind: fc.constantFrom("flip", "drop", "twice", "noise", "cut"),
    bit: fc.nat(8 * 180),
  });
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 10 }), fc.integer({ min: 1, max: 20 }), (f, ahead) => {
      const tamper: Tamper = (frame, i) => {
        const here = f.find(({ at }) => at === i);
        if (here === undefined) return [frame];
        const noise = counted(frame.length);
        if (here.kind === "flip") return [flip(frame, here.bit % (frame.length * 8))];
        if (here.kind === "drop") return [];
        if (here.kind === "twice") return [frame, frame];
        if (here.kind === "noise") noise.set(frame.subarray(0, 32));
        return here.kind === "noise" ? [noise, frame] : [frame.subarray(0, here.bit >> 3), frame];
      };
      const lab = run(tamper, { ahead });
      assertWholeOrFailed(lab);
      // Only a frame that vanished can leave both waiting, which the driver's deadlines end.
      const vanished = f.some(({ kind }) => kind === "drop");
      assert.ok(vanished || lab.complete || lab.error !== undefined);
    }),
    { numRuns: 60 },
  );
});
