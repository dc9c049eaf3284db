import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { hasCode } from "../../test/has-code.ts";
import { nativeSuite as suite } from "@postern/node";
import { keptStreamSink, streamSink } from "./stream-sink.ts";

test("streamSink() writes in order and ends the stream at commit", async () => {
  const stream = new PassThrough();
  const sink = streamSink(stream);
  const got = text(stream);
  await sink.write(utf8("ab"), 0);
  await sink.write(utf8("cd"), 2);
  await sink.commit(4);
  await sink.abandon();
  assert.equal(await got, "abcd");
});

test("streamSink() waits for a slow stream", async () => {
  const waiting: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void waiting.push(done) });
  let settled = false;
  const write = streamSink(slow).write(utf8("ab"), 0);
  void write.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(settled, false);
  waiting[0]?.();
  await write;
});

test("streamSink() refuses bytes out of order and a wrong total", async () => {
  const sink = streamSink(new PassThrough());
  await assert.rejects(sink.write(utf8("x"), 1), hasCode("usage/wrong-state"));
  await assert.rejects(sink.commit(1), hasCode("store/failed"));
});

test("streamSink() reports a reader that went away", async () => {
  const child = spawn("true", { stdio: ["pipe", "ignore", "ignore"] });
  await once(child, "close");
  const failed = hasCode("store/failed");
  await assert.rejects(streamSink(child.stdin).write(new Uint8Array(9), 0), failed);

  const broken = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
    },
  });
  // The stream's `error` event must not end the process.
  const closed = new Promise((resolve) => broken.on("close", resolve));
  await assert.rejects(streamSink(broken).write(utf8("x"), 0), (error: unknown) => {
    assert.ok(error instanceof PosternError && failed(error));
    assert.deepEqual(error.details, { errno: "EPIPE" });
    return true;
  });
  await closed;
});

test("streamSink() abandon() breaks the stream", async () => {
  const stream = new PassThrough();
  await streamSink(stream).abandon();
  assert.ok(stream.destroyed && !stream.writableFinished);
});

test("keptStreamSink() goes on in a second transfer behind what the first one wrote", async () => {
  const stream = new PassThrough();
  const got = text(stream);
  const sink = keptStreamSink(stream);
  const { held: before } = sink;
  assert.equal(before, undefined);
  await sink.write(utf8("ab"), 0);
  await sink.abandon();
  const { held } = sink;
  assert.equal(held?.offset, 2);
  assert.deepEqual(held.hashed.copy().digest(), suite.sha256(utf8("ab")));
  await assert.rejects(sink.write(utf8("ab"), 0), hasCode("usage/wrong-state"));
  await sink.write(utf8("cd"), 2);
  await sink.commit(4);
  assert.equal(await got, "abcd");
});

test("keptStreamSink() holds nothing once a write has failed: how much left is not known", async () => {
  const stream = new Writable({
    write(bytes: Buffer, _encoding, done) {
      done(bytes.toString() === "cd" ? new Error("gone") : null);
    },
  });
  const sink = keptStreamSink(stream);
  await sink.write(utf8("ab"), 0);
  await assert.rejects(sink.write(utf8("cd"), 2), hasCode("store/failed"));
  assert.equal(sink.held, undefined);
  await sink.abandon();
  await assert.rejects(sink.write(utf8("cd"), 2), hasCode("usage/wrong-state"));
});

test("streamSink() holds nothing: it is for one transfer", async () => {
  const sink = streamSink(new PassThrough());
  await sink.write(utf8("ab"), 0);
  assert.equal(sink.held, undefined);
});
