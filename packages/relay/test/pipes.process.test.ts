import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { PIPE_IDLE_MS, PIPE_TICKET_MS } from "@postern/core/limits";
import { heldBytes } from "./held-memory.ts";
import { openPipe, person, TestLink, upgrade } from "./test-client.ts";
import { TestClock, testRelay } from "./test-relay.ts";
import { closed, heard } from "./within.ts";
import type { RunningRelay } from "../src/relay.ts";

const transfer = new Uint8Array(16).fill(9);

async function twoClients(t: TestContext, relay: RunningRelay): Promise<[TestLink, TestLink]> {
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  t.after(() => Promise.all([alice.close(), bob.close()]));
  return [alice, bob];
}

async function tickets(alice: TestLink, bob: TestLink): Promise<[Uint8Array, Uint8Array]> {
  alice.send({ kind: "open-pipe", request: 1, to: bob.fingerprint, transfer });
  const mine = await alice.frame("pipe-ticket");
  assert.equal((await alice.frame("result")).status, "done");
  const theirs = await bob.frame("pipe-ticket");
  assert.deepEqual(Buffer.from(theirs.peer), Buffer.from(alice.fingerprint));
  assert.deepEqual(Buffer.from(mine.peer), Buffer.from(bob.fingerprint));
  return [mine.ticket, theirs.ticket];
}

async function joined(t: TestContext, relay: RunningRelay): Promise<[Socket, Socket]> {
  const [alice, bob] = await twoClients(t, relay);
  const [a, b] = await tickets(alice, bob);
  const pipe: [Socket, Socket] = [await openPipe(relay, a), await openPipe(relay, b)];
  t.after(() => pipe.forEach((socket) => socket.destroy()));
  return pipe;
}

test("a pipe copies both ways and keeps half-close", async (t) => {
  const relay = await testRelay(t);
  const [a, b] = await joined(t, relay);
  const sent = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 0xff));
  const hash = createHash("sha256");
  let got = 0;
  b.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    got += chunk.length;
  });
  a.end(sent);
  await heard(b, "end");
  assert.equal(got, sent.length);
  assert.equal(hash.digest("hex"), createHash("sha256").update(sent).digest("hex"));
  b.write("still here");
  const answer = (await heard(a, "data")) as Buffer;
  assert.equal(answer.toString(), "still here");
  const ended = heard(a, "end");
  b.end();
  a.resume();
  await ended;
});

test("a pipe holds back a fast sender when nobody reads (P-06)", async (t) => {
  const relay = await testRelay(t);
  const [a, b] = await joined(t, relay);
  b.pause();
  const before = await heldBytes();
  const block = Buffer.alloc(1_048_576, 1);
  let offered = 0;
  // Whatever the sockets of both hops take; without back-pressure it would never stop.
  for (let taken = true; taken && offered < 256; offered++) {
    a.write(block);
    taken = await drained(a);
  }
  assert(offered < 64, `the relay took ${offered} MiB that nobody read`);
  const held = (await heldBytes()) - before;
  assert(held < 3 * 1_048_576, `${held} bytes are held`);
  let got = 0;
  b.on("data", (chunk: Buffer) => (got += chunk.length));
  b.resume();
  a.end();
  await heard(b, "end");
  assert.equal(got, offered * block.length, "every byte came once the reader read");
});

/** Whether the socket took it all within a moment; a stalled one never does. */
async function drained(socket: Socket): Promise<boolean> {
  for (let turn = 0; turn < 200 && socket.writableLength > 0; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  return socket.writableLength === 0;
}

test("an end that is cut cuts the other end", async (t) => {
  const relay = await testRelay(t);
  const [a, b] = await joined(t, relay);
  b.on("error", () => undefined).resume();
  a.resetAndDestroy();
  b.on("end", () => b.end());
  await closed(b, "the other end");
});

test("a ticket is good once, and only as issued (P-03)", async (t) => {
  const relay = await testRelay(t);
  const [alice, bob] = await twoClients(t, relay);
  const [a, b] = await tickets(alice, bob);
  const first = await openPipe(relay, a);
  const path = (ticket: Uint8Array): string => `/pipe/${Buffer.from(ticket).toString("base64url")}`;
  assert.equal(await upgrade(relay, path(a)), 404, "used while the other end is missing");
  const second = await openPipe(relay, b);
  assert.equal(await upgrade(relay, path(a)), 404);
  assert.equal(await upgrade(relay, path(b)), 404);
  assert.equal(await upgrade(relay, path(new Uint8Array(32))), 404, "unknown");
  const text = path(b);
  const last = text.slice(0, -1) + (text.endsWith("A") ? "B" : "A");
  assert.equal(await upgrade(relay, last), 404, "another spelling");
  first.write("x");
  await heard(second, "data");
  first.destroy();
  second.destroy();
});

test("a ticket ends after PIPE_TICKET_MS, and so does the end that waited", async (t) => {
  const clock = new TestClock();
  const relay = await testRelay(t, { clock });
  const [alice, bob] = await twoClients(t, relay);
  const [a, b] = await tickets(alice, bob);
  const waiting = await openPipe(relay, a);
  const gone = heard(waiting, "close");
  waiting.resume().on("end", () => waiting.end());
  clock.advance(PIPE_TICKET_MS - 10_000);
  assert.equal(waiting.destroyed, false);
  clock.advance(11_000);
  await gone;
  assert.equal(await upgrade(relay, `/pipe/${Buffer.from(b).toString("base64url")}`), 404);
});

test("a pipe on which nothing moves is closed after PIPE_IDLE_MS", async (t) => {
  const clock = new TestClock();
  const relay = await testRelay(t, { clock });
  const [a, b] = await joined(t, relay);
  clock.advance(PIPE_IDLE_MS - 10_000);
  a.write("x");
  await heard(b, "data");
  clock.advance(20_000);
  b.write("y");
  await heard(a, "data");
  const gone = [heard(a, "close"), heard(b, "close")];
  for (const socket of [a, b]) socket.resume().on("end", () => socket.end());
  clock.advance(PIPE_IDLE_MS + 1_000);
  await Promise.all(gone);
});
