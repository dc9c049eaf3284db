import assert from "node:assert/strict";
import { test } from "node:test";
import { SerialQueues } from "./serial-queues.ts";

const ANN = new Uint8Array(32).fill(1);
const BOB = new Uint8Array(32).fill(2);

test("run() does a peer's work in order, the others' beside it, and goes on after a failure", async () => {
  const queues = new SerialQueues();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queues.run(ANN, async () => {
    await gate.promise;
    log.push("ann 1");
    throw new Error("first");
  });
  const second = queues.run(ANN, async () => log.push("ann 2"));
  await queues.run(BOB, async () => log.push("bob"));
  assert.deepEqual([queues.waiting(ANN), queues.waiting(BOB)], [2, 0]);
  gate.resolve();
  await assert.rejects(first, { message: "first" });
  await second;
  assert.deepEqual(log, ["bob", "ann 1", "ann 2"]);
});

test("idle() waits for work that came while it waited, and for no more", async () => {
  const queues = new SerialQueues();
  let done = 0;
  void queues.run(ANN, async () => {
    await Promise.resolve();
    done += 1;
    void queues.run(BOB, async () => {
      await Promise.resolve();
      done += 1;
    });
  });
  await queues.idle();
  assert.equal(done, 2);
  assert.deepEqual([queues.waiting(ANN), queues.waiting(BOB)], [0, 0]);
  await queues.idle();
});
