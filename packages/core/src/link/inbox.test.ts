import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "../bytes.ts";
import { Inbox } from "./inbox.ts";

test("P-01 Inbox.take() gives the same pieces however the stream was cut", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 40 });
  fc.assert(
    fc.property(lengths, cuts, (pieces, chunks) => {
      const total = pieces.reduce((sum, length) => sum + length, 0);
      const stream = Uint8Array.from({ length: total }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
      const inbox = new Inbox();
      const taken: Uint8Array[] = [];
      let at = 0;
      for (const size of [...chunks, total]) {
        const chunk = stream.slice(at, at + size);
        at += chunk.length;
        inbox.push(chunk);
        for (;;) {
          const length = pieces[taken.length];
          if (length === undefined) break;
          const piece = inbox.take(length);
          if (piece === undefined) break;
          assert.equal(piece.length, length);
          taken.push(new Uint8Array(piece));
        }
        // The driver reuses its buffer.
        chunk.fill(0xee);
      }
      assert.equal(taken.length, pieces.length);
      assert.deepEqual(concat(...taken), stream);
      assert.equal(inbox.waiting, 0);
    }),
    { numRuns: 200 },
  );
});

test("P-01 Inbox.take() puts a piece together from single bytes", () => {
  const inbox = new Inbox();
  for (let i = 0; i < 999; i++) {
    inbox.push(Uint8Array.of(i & 0xff));
    assert.equal(inbox.take(1_000), undefined);
    assert.equal(inbox.waiting, i + 1);
  }
  inbox.push(Uint8Array.of(999 & 0xff, 7));
  assert.deepEqual(
    inbox.take(1_000),
    Uint8Array.from({ length: 1_000 }, (_, i) => i & 0xff),
  );
  assert.equal(inbox.waiting, 1);
});

test("Inbox.take() gives a view of a piece that arrived whole", () => {
  const inbox = new Inbox();
  const bytes = new Uint8Array(10);
  inbox.push(bytes);
  assert.equal(inbox.take(4)?.buffer, bytes.buffer);
  assert.equal(inbox.take(6)?.byteOffset, 4);
  assert.equal(inbox.take(1), undefined);
});

test("P-02 Inbox.room grows with what has come, not with what was announced", () => {
  const inbox = new Inbox();
  for (let come = 3; come < 65_536; come += 509) {
    inbox.push(new Uint8Array(come === 3 ? 3 : 509));
    assert.equal(inbox.take(65_536), undefined);
    assert(inbox.room <= Math.max(256, 2 * come), `${inbox.room} bytes for ${come}`);
  }
  inbox.push(new Uint8Array(65_536));
  assert.equal(inbox.take(65_536)?.length, 65_536);
  assert.equal(inbox.room, 0);
});
