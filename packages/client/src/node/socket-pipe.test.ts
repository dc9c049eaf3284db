import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { PosternError } from "@postern/core/errors";
import { hasCode } from "../../test/has-code.ts";
import { RecordsLab } from "../../test/records-lab.ts";
import { nodeClock } from "./node-clock.ts";
import { openSocketPipe, SocketPipe } from "./socket-pipe.ts";

const TICKET = new Uint8Array(32).fill(0xfb);
const LOST = hasCode("transfer/pipe-lost");

async function serve(t: TestContext, server: Server): Promise<{ host: string; port: number }> {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** A pipe of ours, and the raw socket at its other end. `early` comes with the answer. */
async function open(t: TestContext, early = ""): Promise<{ pipe: SocketPipe; other: Socket }> {
  const server = createServer();
  const joined = Promise.withResolvers<Socket>();
  server.on("upgrade", (request, socket) => {
    assert.equal(request.url, `/pipe/${Buffer.from(TICKET).toString("base64url")}`);
    assert.equal(request.headers.upgrade, "postern");
    const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: postern";
    socket.write(`${answer}\r\n\r\n${early}`);
    joined.resolve(socket as Socket);
  });
  const pipe = await openSocketPipe(await serve(t, server), TICKET);
  assert.ok(pipe instanceof SocketPipe);
  return { pipe, other: await joined.promise };
}

async function readText(pipe: SocketPipe, length: number): Promise<string> {
  const into = new Uint8Array(length);
  return Buffer.from(into.subarray(0, await pipe.read(into))).toString();
}

test("openSocketPipe() upgrades, and loses nothing that came with the answer", async (t) => {
  const { pipe, other } = await open(t, "early ");
  other.write("and late");
  assert.equal(await readText(pipe, 3), "ear");
  assert.equal(await readText(pipe, 11), "ly and late");
});

test("openSocketPipe() rejects with transfer/pipe-lost when there is no such ticket", async (t) => {
  const server = createServer((_, answer) => void answer.writeHead(404).end());
  const address = await serve(t, server);
  await assert.rejects(openSocketPipe(address, TICKET), LOST);
  server.close();
  await assert.rejects(openSocketPipe({ host: "127.0.0.1", port: 1 }, TICKET), LOST);
});

test("SocketPipe.read() gives what there was when the other end finishes", async (t) => {
  const { pipe, other } = await open(t);
  other.end("abc");
  assert.equal(await readText(pipe, 2), "ab");
  assert.equal(await readText(pipe, 2), "c");
  assert.equal(await readText(pipe, 2), "");
});

test("SocketPipe rejects what waits when the socket breaks", async (t) => {
  const { pipe, other } = await open(t);
  const reading = pipe.read(new Uint8Array(1));
  other.resetAndDestroy();
  await assert.rejects(reading, LOST);
  await pipe.closed;
  await assert.rejects(pipe.drained(), LOST);
  await assert.rejects(pipe.read(new Uint8Array(1)), LOST);
  assert.equal(pipe.write([new Uint8Array(1)]), true);
  await pipe.end();
});

test("SocketPipe.write() says when to wait, and drained() when to go on", async (t) => {
  const { pipe, other } = await open(t);
  other.pause();
  let left = 0;
  let written = 0;
  const part = new Uint8Array(1_048_576);
  while (pipe.write([part.subarray(1), part], () => left++)) written++;
  assert.ok(written < 64);
  const draining = pipe.drained();
  other.resume();
  await draining;
  await pipe.end();
  assert.equal(left, written + 1);
});

test("SocketPipe.write() gives its memory back once: at once, or when it has left", async (t) => {
  const { pipe, other } = await open(t);
  other.on("error", () => {});
  let left = 0;
  assert.equal(
    pipe.write([new Uint8Array(10), new Uint8Array(20)], () => left++),
    true,
  );
  assert.equal(left, 1, "the system has taken it");
  let later = 0;
  assert.equal(
    pipe.write([new Uint8Array(16 * 1_048_576)], () => later++),
    false,
  );
  assert.equal(later, 0, "it is still needed");
  other.resume();
  await pipe.drained();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([left, later], [1, 1]);
});

test("SocketPipe.discard() ends a read, and still lets the other end finish", async (t) => {
  const { pipe, other } = await open(t);
  const reading = pipe.read(new Uint8Array(10));
  pipe.discard();
  await assert.rejects(reading, LOST);
  other.end(new Uint8Array(1_000_000));
  await pipe.end();
  await pipe.closed;
  await assert.rejects(pipe.read(new Uint8Array(1)), LOST);
});

test("SocketPipe.read() stops the sender while nobody reads", async (t) => {
  const { pipe, other } = await open(t);
  assert.equal(other.write(new Uint8Array(32 * 1_048_576)), false);
  let drained = false;
  other.once("drain", () => (drained = true));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false);
  const into = new Uint8Array(1_048_576);
  for (let i = 0; i < 32; i++) assert.equal(await pipe.read(into), into.length);
  pipe.destroy();
});

/** Both ends of one TCP connection, as pipes. */
async function socketPipes(t: TestContext): Promise<readonly [SocketPipe, SocketPipe]> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createTcpServer({ pauseOnConnect: true }, accepted.resolve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const here = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(here, "connect");
  const nothing = new Uint8Array(0);
  return [new SocketPipe(here, nothing), new SocketPipe(await accepted.promise, nothing)];
}

async function socketLab(t: TestContext, content: Uint8Array): Promise<RecordsLab> {
  const [sender, receiver] = await socketPipes(t);
  return new RecordsLab(content, {
    send: { clock: nodeClock, pipe: sender },
    receive: { clock: nodeClock, pipe: receiver },
  });
}

test("sendRecords() and receiveRecords() move content over sockets", async (t) => {
  const content = randomBytes(9_000_001);
  const lab = await socketLab(t, content);
  const [sent, received] = await Promise.all([lab.send(), lab.receive()]);
  assert.deepEqual(sent.digest, received.digest);
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(sha256(lab.sink.bytes), sha256(content));
});

test("a cancel over sockets reaches the other side with its reason", async (t) => {
  const lab = await socketLab(t, new Uint8Array(50_000_000));
  lab.sink.beforeWrite = async (offset) => {
    if (offset > 1_000_000)
      lab.receiveAbort.abort(new PosternError("transfer/cancelled", "from the test"));
  };
  const receiving = assert.rejects(lab.receive(), hasCode("transfer/cancelled"));
  await assert.rejects(lab.send(), hasCode("peer/cancelled"));
  await receiving;
});
