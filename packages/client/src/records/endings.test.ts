/** How a transfer of records ends before its end: by a person, a disk, a source, a lost pipe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { LAST_BYTES_MS, PING_INTERVAL_MS, PIPE_LINGER_MS } from "@postern/core/limits";
import { outcome, RecordsLab } from "../../test/records-lab.ts";
import { settle } from "../../test/turned-clock.ts";

const MIB = 1_048_576;
const CONTENT = new Uint8Array(4 * MIB).fill(5);

function failure(code: ErrorCode): PosternError {
  return new PosternError(code, "from the test");
}

/** Both ends run; `when` is done after a first part has arrived. */
async function interrupted(lab: RecordsLab, when: () => void): Promise<readonly unknown[]> {
  lab.sink.beforeWrite = async (offset) => {
    if (offset >= MIB) when();
  };
  const outcomes = await lab.run();
  assert.equal(lab.sink.committed, undefined);
  assert.equal(lab.sink.abandoned, 1);
  assert.equal(lab.source.closed, 1);
  assert.equal(lab.wiped, 2);
  await lab.pipes.sender.closed;
  return outcomes.map(({ code }) => code);
}

test("the sender's cancel ends both sides, each with its own code", async () => {
  const lab = new RecordsLab(CONTENT);
  const codes = await interrupted(lab, () => lab.sendAbort.abort(failure("transfer/cancelled")));
  assert.deepEqual(codes, ["transfer/cancelled", "peer/cancelled"]);
});

test("the receiver's cancel ends both sides, each with its own code", async () => {
  const lab = new RecordsLab(CONTENT);
  const codes = await interrupted(lab, () => lab.receiveAbort.abort(failure("transfer/cancelled")));
  assert.deepEqual(codes, ["peer/cancelled", "transfer/cancelled"]);
});

test("a cancel before the first byte ends both sides", async () => {
  for (const side of ["sendAbort", "receiveAbort"] as const) {
    const lab = new RecordsLab(CONTENT);
    lab[side].abort(failure("transfer/cancelled"));
    const [sent, received] = await lab.run();
    const here = side === "sendAbort" ? sent : received;
    const there = side === "sendAbort" ? received : sent;
    assert.equal(here.code, "transfer/cancelled");
    assert.equal(there.code, "peer/cancelled");
    assert.equal(lab.sink.length, 0);
  }
});

test("a full disk ends both sides: store/no-space here, peer/no-space there", async () => {
  const lab = new RecordsLab(CONTENT);
  lab.sink.beforeWrite = async (offset) => {
    if (offset >= MIB) throw failure("store/no-space");
  };
  const [sent, received] = await lab.run();
  assert.equal(received.code, "store/no-space");
  assert.equal(sent.code, "peer/no-space");
  assert.equal(lab.sink.abandoned, 1);
});

test("F-12 a commit that fails ends both sides, and the sink is abandoned", async () => {
  const lab = new RecordsLab(CONTENT);
  lab.sink.commit = () => Promise.reject(new Error("EIO"));
  const [sent, received] = await lab.run();
  assert.equal(received.code, "store/failed");
  assert.equal(sent.code, "peer/store-failed");
  assert.equal(lab.sink.abandoned, 1);
});

test("F-13 a source that shrinks, grows or breaks is never taken for the whole", async () => {
  const ways: readonly [(lab: RecordsLab) => void, ErrorCode][] = [
    [(lab) => (lab.source.content = CONTENT.subarray(1)), "transfer/source-changed"],
    [(lab) => (lab.source.content = new Uint8Array(CONTENT.length + 1)), "transfer/source-changed"],
    [
      (lab) => (lab.source.read = () => Promise.reject(new Error("EIO"))),
      "transfer/source-unreadable",
    ],
  ];
  for (const [change, code] of ways) {
    const lab = new RecordsLab(CONTENT);
    change(lab);
    const [sent, received] = await lab.run();
    assert.equal(sent.code, code);
    assert.equal(received.code, code);
    assert.equal(lab.sink.committed, undefined);
  }
});

test("F-13 a source that reports a change when it is closed fails the sender", async () => {
  const lab = new RecordsLab(CONTENT);
  lab.source.close = () => Promise.reject(failure("transfer/source-changed"));
  const [sent] = await lab.run();
  assert.equal(sent.code, "transfer/source-changed");
});

test("F-10 content beyond the announced size is refused by the receiver", async () => {
  const lab = new RecordsLab(CONTENT, { receive: { size: MIB } });
  const [sent, received] = await lab.run();
  assert.equal(received.code, "transfer/invalid");
  assert.equal(sent.code, "transfer/digest-mismatch");
  assert.ok(lab.sink.length <= MIB);
});

test("S-16 a sender that keeps a key for longer than the receiver takes is cut off", async () => {
  const send = { sessionMs: 60_000, rateLimit: 100_000 };
  const lab = new RecordsLab(CONTENT, { send, receive: { sessionMs: 5_000 } });
  const [sent, received] = await lab.run(100);
  assert.equal(received.code, "transfer/session-expired");
  assert.equal(sent.code, "transfer/session-expired");
  const seconds = lab.clock.now() / 1_000;
  assert.ok(seconds > 5 && seconds < 7, `${seconds} s`);
});

test("sendRecords() rejects when the receiver goes, also while it waits for `done`", async () => {
  for (const last of [false, true]) {
    const lab = new RecordsLab(new Uint8Array(10));
    const sending = outcome(lab.send());
    if (last) await settle();
    lab.pipes.receiver.destroy();
    await lab.clock.advance(10_000);
    assert.equal((await sending).code, "transfer/pipe-lost");
    assert.equal(lab.source.closed, 1);
    assert.equal(lab.wiped, 1);
  }
});

test("receiveRecords() rejects when the pipe is lost, and gives up the sink", async () => {
  const lab = new RecordsLab(CONTENT);
  const receiving = outcome(lab.receive());
  await settle();
  lab.pipes.sender.destroy();
  await lab.clock.advance(10_000);
  assert.equal((await receiving).code, "transfer/pipe-lost");
  assert.equal(lab.sink.abandoned, 1);
});

test("a cancel gets through while the sink hangs, and abandon waits for the write", async () => {
  const lab = new RecordsLab(CONTENT);
  const hanging = Promise.withResolvers<undefined>();
  lab.sink.beforeWrite = () => hanging.promise;
  const sending = outcome(lab.send());
  const receiving = outcome(lab.receive());
  await lab.clock.advance(100);
  lab.receiveAbort.abort(failure("transfer/cancelled"));
  await lab.clock.advance(100);
  assert.equal((await sending).code, "peer/cancelled");
  assert.equal(lab.sink.abandoned, 0);
  hanging.resolve(undefined);
  await lab.clock.advance(100);
  assert.equal((await receiving).code, "transfer/cancelled");
  assert.equal(lab.sink.abandoned, 1);
  // The records behind the one that hung were verified: nobody needs to send them again.
  assert.equal(lab.sink.length, 262_144);
});

test("what was on its way when the sender went is taken, and waits for a sender to go on", async () => {
  const lab = new RecordsLab(CONTENT);
  const hanging = Promise.withResolvers<undefined>();
  lab.sink.beforeWrite = () => hanging.promise;
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(100);
  lab.receiveAbort.abort(failure("peer/gone"));
  hanging.resolve(undefined);
  await lab.clock.advance(500);
  const [, received] = await both;
  assert.equal(received.code, "peer/gone");
  // All of it, also the last record: but nobody heard that it is whole.
  assert.equal(lab.sink.length, CONTENT.length);
  assert.equal(lab.sink.committed, undefined);
  assert.equal(lab.sink.abandoned, 1);
});

test("nothing more than LAST_BYTES_MS is given to a sender that has gone", async () => {
  const lab = new RecordsLab(CONTENT);
  lab.pipes.sender.held = true;
  const receiving = outcome(lab.receive());
  let ended = false;
  void receiving.then(() => (ended = true));
  lab.receiveAbort.abort(failure("link/closed"));
  await lab.clock.advance(LAST_BYTES_MS - 1);
  assert.equal(ended, false);
  await lab.clock.advance(1 + PIPE_LINGER_MS);
  assert.equal((await receiving).code, "link/closed");
  assert.equal(lab.sink.abandoned, 1);
});

test("P-06 both sides keep a pipe alive on which nothing happens", async () => {
  const lab = new RecordsLab(new Uint8Array(10), { size: undefined });
  const more = Promise.withResolvers<number>();
  lab.source.read = () => more.promise;
  const both = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  await lab.clock.advance(4 * PING_INTERVAL_MS);
  assert.equal(lab.pipes.sender.written.length, 4);
  assert.equal(lab.pipes.receiver.written.length, 4);
  more.resolve(0);
  await lab.clock.advance(10);
  const [sent, received] = await both;
  assert.equal(sent.result?.total, 0);
  assert.equal(received.result?.sessionKeys, sent.result?.sessionKeys);
});
