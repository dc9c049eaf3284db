import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { writeToSocket } from "./write-to-socket.ts";

const MUCH = 16 * 1_048_576;

/** A socket to write to, and its other end, which reads nothing yet. */
async function pair(t: TestContext): Promise<readonly [Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const ours = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const connected = once(ours, "connect");
  const [other] = (await once(server, "connection")) as [Socket];
  await connected;
  other.on("error", () => {});
  ours.on("error", () => {});
  t.after(() => {
    ours.destroy();
    other.destroy();
    server.close();
  });
  return [ours, other];
}

test("writeToSocket() says at once that the system has taken the bytes, and nothing later", async (t) => {
  const [ours, other] = await pair(t);
  let left = 0;
  assert.equal(
    writeToSocket(ours, Uint8Array.of(1, 2, 3), () => left++),
    true,
  );
  other.resume();
  const [bytes] = (await once(other, "data")) as [Buffer];
  assert.deepEqual([...bytes], [1, 2, 3]);
  assert.equal(left, 0);
});

test("writeToSocket() says later, once, that bytes which had to wait have left", async (t) => {
  const [ours, other] = await pair(t);
  let read = 0;
  other.on("data", (bytes: Buffer) => (read += bytes.length));
  other.pause();
  const left = Promise.withResolvers<void>();
  let calls = 0;
  const isFree = writeToSocket(ours, new Uint8Array(MUCH), () => {
    calls++;
    left.resolve();
  });
  assert.equal(isFree, false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls, 0);
  other.resume();
  await left.promise;
  ours.end();
  await once(other, "end");
  assert.deepEqual([calls, read], [1, MUCH]);
});

test("writeToSocket() says nothing of bytes that were waiting when the socket broke", async (t) => {
  const [ours] = await pair(t);
  let left = 0;
  assert.equal(
    writeToSocket(ours, new Uint8Array(MUCH), () => left++),
    false,
  );
  ours.destroy();
  await once(ours, "close");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(left, 0);
});
