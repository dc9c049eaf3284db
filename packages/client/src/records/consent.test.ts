/** A directory's content waits behind its list until a person agrees (docs/protocol.md 9). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import {
  outcome,
  RecordsLab,
  type LabOptions,
  type RecordsOutcome,
} from "../../test/records-lab.ts";

const HOLD_AT = 70_000;
const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 + (i >> 8));
const MINUTE = 60_000;

interface Held {
  readonly lab: RecordsLab;
  /** What the person says; `sink.consent` waits for it. */
  readonly answer: PromiseWithResolvers<void>;
  /** Times that it was asked. */
  asked: number;
  readonly ends: Promise<readonly [RecordsOutcome, RecordsOutcome]>;
}

/** Everything up to the hold has come, and the person is asked. */
async function held(options: LabOptions = {}, content = CONTENT): Promise<Held> {
  const lab = new RecordsLab(content, {
    ...options,
    send: { holdAt: HOLD_AT, ...options.send },
    receive: { holdAt: HOLD_AT, ...options.receive },
  });
  const answer = Promise.withResolvers<void>();
  let asked = 0;
  lab.sink.consent = async () => {
    assert.equal(lab.sink.length, HOLD_AT, "all of the list is written, and no more");
    asked++;
    await answer.promise;
  };
  const ends = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(1_000);
  return {
    lab,
    answer,
    ends,
    get asked() {
      return asked;
    },
  };
}

test("nothing behind the list is sent before the person agrees, then all of it", async () => {
  const it = await held();
  const { lab, answer, ends } = it;
  assert.equal(lab.sink.length, HOLD_AT);
  assert.equal(it.asked, 1);
  await lab.clock.advance(9 * MINUTE);
  assert.equal(lab.sink.length, HOLD_AT);
  answer.resolve();
  await lab.clock.advance(MINUTE);
  const [sent, received] = await ends;
  assert.deepEqual([sent.code, received.code], [undefined, undefined]);
  assert.equal(lab.sink.committed, CONTENT.length);
  assert.ok(Buffer.from(lab.sink.bytes).equals(CONTENT));
});

test("the pipe lives while the person thinks: each side says something in time", async () => {
  const { lab, answer, ends } = await held();
  const before = [lab.pipes.sender.written.length, lab.pipes.receiver.written.length] as const;
  await lab.clock.advance(5 * MINUTE);
  assert.ok(lab.pipes.sender.written.length >= before[0] + 10);
  assert.ok(lab.pipes.receiver.written.length >= before[1] + 10);
  answer.resolve();
  await lab.clock.advance(MINUTE);
  assert.equal((await ends)[0].code, undefined);
});

test("a no ends the transfer: its sender is told that it was declined", async () => {
  const { lab, answer, ends } = await held();
  answer.reject(new PosternError("transfer/declined", "a person said no"));
  await lab.clock.advance(1_000);
  const [sent, received] = await ends;
  assert.deepEqual([sent.code, received.code], ["peer/declined", "transfer/declined"]);
  assert.equal(lab.sink.length, HOLD_AT);
  assert.deepEqual([lab.sink.committed, lab.sink.abandoned], [undefined, 1]);
});

test("a list that is the whole content has no end before the person agrees", async () => {
  const { lab, answer, ends } = await held({}, CONTENT.subarray(0, HOLD_AT));
  assert.equal(lab.sink.committed, undefined);
  answer.resolve();
  await lab.clock.advance(1_000);
  assert.equal((await ends)[0].code, undefined);
  assert.equal(lab.sink.committed, HOLD_AT);
});

test("a sink that asks nobody is no hold", async () => {
  const lab = new RecordsLab(CONTENT, { send: { holdAt: 5 }, receive: { holdAt: 5 } });
  const [sent] = await lab.run();
  assert.equal(sent.code, undefined);
  assert.equal(lab.sink.committed, CONTENT.length);
});

test("a pipe that breaks while the person thinks is replaced; she is asked once", async () => {
  for (const isEarly of [true, false]) {
    const it = await held({ renews: true });
    const { lab, answer, ends } = it;
    if (isEarly) answer.resolve();
    lab.replacePipe();
    await lab.clock.advance(1_000);
    answer.resolve();
    await lab.clock.advance(MINUTE);
    const [sent, received] = await ends;
    assert.deepEqual([sent.code, received.code], [undefined, undefined]);
    assert.ok(Buffer.from(lab.sink.bytes).equals(CONTENT));
    assert.equal(it.asked, 1);
  }
});

test("a cancel while the person thinks ends both sides, and her answer is no more heard", async () => {
  const { lab, answer, ends } = await held();
  lab.sendAbort.abort(new PosternError("transfer/cancelled", "stopped"));
  await lab.clock.advance(1_000);
  answer.resolve();
  const [sent, received] = await ends;
  assert.deepEqual([sent.code, received.code], ["transfer/cancelled", "peer/cancelled"]);
  assert.deepEqual([lab.sink.committed, lab.sink.abandoned], [undefined, 1]);
});
