import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { memoryPipes, type MemoryPipe } from "../test/memory-pipe.ts";
import { TransferPipes } from "./transfer-pipes.ts";

const BROKEN = new PosternError("transfer/pipe-lost", "from the test");
const FIRST = Uint8Array.of(0);
const SECOND = Uint8Array.of(1);
const THIRD = Uint8Array.of(2);

function setUp() {
  const opened: MemoryPipe[] = [];
  const asked: PosternError[] = [];
  const doors: Promise<void>[] = [];
  const pipes = new TransferPipes({
    open: async ([n = 0]) => {
      const pipe = memoryPipes().sender;
      opened[n] = pipe;
      await doors[n];
      return pipe;
    },
    broken: (error) => asked.push(error),
  });
  return { pipes, opened, asked, doors };
}

async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

test("TransferPipes.replace() asks once, and gives the pipe of the ticket that comes", async () => {
  const { pipes, opened, asked } = setUp();
  await pipes.first(FIRST);
  const replacing = pipes.replace(BROKEN);
  assert.deepEqual(asked, [BROKEN]);
  pipes.offer(SECOND);
  assert.equal(await replacing, opened[1]);
});

test("TransferPipes: a ticket that nobody asked for ends the pipe in use, and is given next", async () => {
  const { pipes, opened, asked } = setUp();
  const first = await pipes.first(FIRST);
  pipes.offer(SECOND);
  await first.closed;
  assert.equal(await pipes.replace(BROKEN), opened[1]);
  assert.deepEqual(asked, []);
});

test("TransferPipes: a ticket that comes while another is being opened is the one that counts", async () => {
  const { pipes, opened, doors } = setUp();
  const slow = Promise.withResolvers<void>();
  doors[1] = slow.promise;
  const replacing = pipes.replace(BROKEN);
  pipes.offer(SECOND);
  await settled();
  pipes.offer(THIRD);
  slow.resolve();
  assert.equal(await replacing, opened[2]);
  await opened[1]!.closed;
});

test("TransferPipes.next() waits for the other side and asks for nothing", async () => {
  const { pipes, opened, asked } = setUp();
  const next = pipes.next();
  pipes.offer(SECOND);
  assert.equal(await next, opened[1]);
  assert.deepEqual(asked, []);
});

test("TransferPipes.delivered resolves with the receiver's word", async () => {
  const { pipes } = setUp();
  const delivered = { total: 5, digest: new Uint8Array(32) };
  pipes.confirm(delivered);
  assert.equal(await pipes.delivered, delivered);
});

test("TransferPipes.replace() rejects for a pipe that does not open, and can be asked again", async () => {
  const { pipes, opened, doors } = setUp();
  doors[1] = Promise.reject(BROKEN);
  const replacing = pipes.replace(BROKEN);
  pipes.offer(SECOND);
  await assert.rejects(replacing, { code: "transfer/pipe-lost" });
  const again = pipes.replace(BROKEN);
  pipes.offer(THIRD);
  assert.equal(await again, opened[2]);
});
