import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, Socket, type Server } from "node:net";
import { after, test } from "node:test";
import { readInto, type ReadHandlers } from "./reused-reads.ts";

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

/** An accepted socket and the one that connected to it. */
async function pair(kind: Path): Promise<{ accepted: Socket; connected: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const connected = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  if (kind === "copied") Object.assign(accepted, { encrypted: true });
  return { accepted, connected };
}

type Path = "moved" | "copied";
const PATHS: readonly Path[] = ["moved", "copied"];

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
}

for (const path of PATHS) {
  test(`readInto() gives head and stream in order, ${path}, pausing now and then`, async () => {
    const { accepted, connected } = await pair(path);
    const sent = pattern(900_000);
    const hash = createHash("sha256");
    const buffer = new Uint8Array(10_007);
    let total = 0;
    let calls = 0;
    const ended = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<Error | undefined>();
    const handlers: ReadHandlers = {
      buffer: () => buffer,
      onBytes: (count, into) => {
        assert.equal(into, buffer);
        hash.update(into.subarray(0, count));
        total += count;
        if (++calls % 7 !== 0) return true;
        setImmediate(() => reads.resume());
        return false;
      },
      onEnd: () => ended.resolve(),
      onClose: (error) => closed.resolve(error),
    };
    const reads = readInto(accepted, sent.subarray(0, 30_000), handlers);
    assert.equal(total, 0, "handlers are not called before readInto() returns");
    connected.end(sent.subarray(30_000));
    await ended.promise;
    assert.equal(total, sent.length);
    assert.equal(hash.digest("hex"), createHash("sha256").update(sent).digest("hex"));
    reads.socket.end("bye");
    const [answer] = (await once(connected, "data")) as [Buffer];
    assert.equal(answer.toString(), "bye", "half-close: the writing side lives on");
    assert.equal(await closed.promise, undefined);
  });

  test(`readInto() keeps what comes while there is no room, ${path}`, async () => {
    const { accepted, connected } = await pair(path);
    const got: Buffer[] = [];
    let room: Uint8Array | undefined;
    let asked = 0;
    let announce = Promise.withResolvers<void>();
    const handlers: ReadHandlers = {
      buffer: () => {
        asked++;
        announce.resolve();
        return room;
      },
      onBytes: (count, into) => {
        got.push(Buffer.from(into.subarray(0, count)));
        room = got.length < 3 ? new Uint8Array(4) : undefined;
        announce.resolve();
        return true;
      },
      onEnd: () => announce.resolve(),
      onClose: () => undefined,
    };
    const reads = readInto(accepted, Buffer.from("0123"), handlers, { paused: true });
    connected.write("456789abcdefghij");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked, 0, "paused: nobody is asked for room");
    reads.resume();
    assert(asked > 0);
    room = new Uint8Array(4);
    while (got.length < 3) {
      announce = Promise.withResolvers<void>();
      reads.resume();
      if (got.length < 3) await announce.promise;
    }
    assert.equal(Buffer.concat(got).toString(), "0123456789ab");
    room = new Uint8Array(64);
    while (Buffer.concat(got).length < 20) {
      announce = Promise.withResolvers<void>();
      reads.resume();
      if (Buffer.concat(got).length < 20) await announce.promise;
      room ??= new Uint8Array(64);
    }
    assert.equal(Buffer.concat(got).toString(), "0123456789abcdefghij");
    connected.destroy();
    reads.socket.destroy();
  });

  test(`readInto() reports a reset connection once, ${path}`, async () => {
    const { accepted, connected } = await pair(path);
    const closed = Promise.withResolvers<Error | undefined>();
    const handlers: ReadHandlers = {
      buffer: () => new Uint8Array(16),
      onBytes: () => true,
      onEnd: () => undefined,
      onClose: (error) => closed.resolve(error),
    };
    readInto(accepted, new Uint8Array(0), handlers);
    connected.resetAndDestroy();
    const error = await closed.promise;
    assert(error !== undefined && "code" in error);
    assert.equal(error.code, "ECONNRESET");
  });
}

test("readInto() tells the end after what it still holds, copied", async () => {
  const socket = Object.assign(new Socket(), { encrypted: true });
  const ended = Promise.withResolvers<number>();
  const buffer = new Uint8Array(4);
  let total = 0;
  const reads = readInto(socket, new Uint8Array(0), {
    buffer: () => buffer,
    onBytes(count) {
      total += count;
      setImmediate(() => reads.resume());
      return false;
    },
    onEnd: () => ended.resolve(total),
    onClose: () => {},
  });
  socket.push(pattern(11));
  socket.push(null);
  assert.equal(await ended.promise, 11);
  socket.destroy();
});

test("readInto() reads straight into the caller's buffer when the handle can be moved", async () => {
  const { accepted, connected } = await pair("moved");
  const asked: Uint8Array[] = [];
  const done = Promise.withResolvers<void>();
  let copied = 0;
  const handlers: ReadHandlers = {
    buffer: () => {
      const buffer = new Uint8Array(32);
      const set = buffer.set.bind(buffer);
      buffer.set = (source, offset) => {
        copied++;
        set(source, offset);
      };
      asked.push(buffer);
      return buffer;
    },
    onBytes: (_count, into) => {
      assert.equal(into, asked.at(-1));
      if (into[0] === 3) done.resolve();
      else reads.socket.write("next");
      return true;
    },
    onEnd: () => undefined,
    onClose: () => undefined,
  };
  const reads = readInto(accepted, new Uint8Array(0), handlers);
  connected.write(Uint8Array.of(1));
  for (const mark of [2, 3]) {
    await once(connected, "data");
    connected.write(Uint8Array.of(mark));
  }
  await done.promise;
  assert.equal(copied, 1, "only the first read, made before any buffer was asked for, is copied");
  connected.destroy();
  reads.socket.destroy();
});

test("readInto() lets a server close once the moved sockets are counted out", async () => {
  const { accepted, connected } = await pair("moved");
  const reads = readInto(accepted, new Uint8Array(0), {
    buffer: () => new Uint8Array(16),
    onBytes: () => true,
    onEnd: () => undefined,
    onClose: () => undefined,
  });
  const server = servers.at(-1);
  assert(server !== undefined);
  await new Promise((resolve) => server.close(resolve));
  connected.destroy();
  reads.socket.destroy();
});
