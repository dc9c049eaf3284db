/** What both sides sign rides in the last record and in `done`. docs/protocol-transfers.md 9. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, RecordLab } from "../../test/record-lab.ts";
import type { LabOptions } from "../../test/record-lab.ts";
import { PIPES_PER_TRANSFER_MAX, STATEMENT_BYTES_MAX } from "../limits.ts";
import { decodeFrameHeader } from "./record-header.ts";

const CONTENT = counted(500);
/** Session, five records, the last. */
const FRAMES = 7;

function labOf(options: Partial<LabOptions>): RecordLab {
  const pipes = PIPES_PER_TRANSFER_MAX;
  return new RecordLab({ content: CONTENT, recordBytes: 100, pipes, ...options });
}

test("last() and `done` carry a statement each, over broken pipes and damage too", () => {
  const statement = counted(104);
  for (let n = -1; n < FRAMES; n++) {
    const cut = (frame: Uint8Array, i: number) => (i === n ? ("cut" as const) : [frame]);
    for (const way of [{ tamper: cut }, { tamperReverse: cut }]) {
      const lab = labOf({ statement, ...way }).run();
      assert.deepEqual([lab.error, lab.senderError], [undefined, undefined]);
      assert.deepEqual(lab.heard, statement.toReversed(), `${n}`);
    }
  }
});

test("a transfer that is not signed has none", () => {
  assert.deepEqual(labOf({}).run().heard, new Uint8Array(0));
});

test("P-03 a statement of another length than was agreed on ends the transfer, either way", () => {
  for (const [agreed, said] of [
    [0, 1],
    [104, 0],
    [104, 103],
    [104, 105],
    [72, STATEMENT_BYTES_MAX],
  ] as const) {
    const lab = labOf({ statement: counted(agreed), pipes: 1 });
    for (let at = 0; at < CONTENT.length; at += 100)
      for (const frame of lab.record(CONTENT.subarray(at, at + 100))) lab.arrive(frame);
    for (const frame of lab.sender.last(lab.now, counted(said))) lab.arrive(frame);
    assert.equal(lab.error?.code, "transfer/framing", `${agreed} ${said}`);
    // Whether the digest is right is not asked any more.
    const word = { kind: "done", total: CONTENT.length, digest: new Uint8Array(32) } as const;
    const { receiver } = labOf({});
    const frame = receiver.reverse({ ...word, statement: counted(said) });
    const outcome = lab.sender.reverse(frame.subarray(0, 32), frame.subarray(32));
    assert.ok(outcome.kind === "failed" && outcome.error.code === "peer/malformed");
  }
});

test("S-11 a last record with a statement longer than any is no frame", () => {
  const lab = labOf({});
  const last = lab.sender.last(lab.now, counted(STATEMENT_BYTES_MAX)).at(-1)!;
  assert.notEqual(decodeFrameHeader(last), undefined);
  const longer = labOf({})
    .sender.last(lab.now, counted(STATEMENT_BYTES_MAX + 1))
    .at(-1)!;
  assert.equal(decodeFrameHeader(longer), undefined);
});
