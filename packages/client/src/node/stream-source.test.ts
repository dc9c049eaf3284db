import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { FILE_NAME_BYTES_MAX, UNVERIFIED_BYTES_MAX } from "@postern/core/limits";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import type { ContentSource } from "../api.ts";
import { nativeSuite as suite } from "@postern/node";
import { keptStream, streamSource } from "./stream-source.ts";

const MIB = 1_048_576;

test("streamSource() has a name and no size, and ends where the stream ends", async () => {
  const source = streamSource(Readable.from([Buffer.from("abc"), Buffer.from("def")]), "log");
  assert.deepEqual(source.info, { kind: "stream", name: "log", size: undefined });
  assert.equal(await textOf(source), "abcdef");
  assert.equal(await source.read(new Uint8Array(4), 6), 0);
  await source.close();
});

test("F-01 streamSource() refuses a name that every receiver would take for an attack", () => {
  const unreadable = hasCode("transfer/source-unreadable");
  for (const name of ["a\\b", "C:x", "..", "x".repeat(FILE_NAME_BYTES_MAX + 1)])
    assert.throws(() => streamSource(Readable.from([]), name), unreadable, name);
  assert.equal(streamSource(Readable.from([]), "").info.name, "");
});

test("streamSource() repeats what is not verified, and nothing else", async () => {
  const bytes = Buffer.alloc(3 * MIB).map((_, i) => (i * 31 + (i >>> 11)) & 0xff);
  const source = streamSource(
    Readable.from([bytes.subarray(0, 777_777), bytes.subarray(777_777)]),
    "x",
  );
  const first = await drain(source, 0);
  assert.ok(Buffer.from(first).equals(bytes));
  source.verified(1_000_003);
  const again = await drain(source, 1_000_003);
  assert.ok(Buffer.from(again).equals(bytes.subarray(1_000_003)));
  await assert.rejects(
    source.read(new Uint8Array(1), 1_000_002),
    hasCode("transfer/source-unreadable"),
  );
  await assert.rejects(
    source.read(new Uint8Array(1), 3 * MIB + 1),
    hasCode("usage/invalid-argument"),
  );
  await source.close();
});

test("streamSource() keeps UNVERIFIED_BYTES_MAX at most and goes on when some are verified", async () => {
  let given = 0;
  const endless = new Readable({
    read(size) {
      given += size;
      this.push(Buffer.alloc(size));
    },
  });
  const source = streamSource(endless, "x");
  const into = new Uint8Array(MIB);
  let offset = 0;
  while (offset < UNVERIFIED_BYTES_MAX) offset += await source.read(into, offset);
  assert.equal(offset, UNVERIFIED_BYTES_MAX);
  const waiting = source.read(into, offset);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(given < UNVERIFIED_BYTES_MAX + MIB, "back-pressure reaches the stream");
  source.verified(10);
  assert.equal(await waiting, 10);
  const ended = source.read(into, offset + 10);
  await source.close();
  await assert.rejects(ended, hasCode("transfer/source-unreadable"));
});

test("streamSource() reads nothing before it is asked", async () => {
  let asked = 0;
  const readable = new Readable({
    read() {
      asked++;
      this.push(null);
    },
  });
  const source = streamSource(readable, "x");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked, 0);
  assert.equal(await source.read(new Uint8Array(1), 0), 0);
  await source.close();
});

test("streamSource() gives what a person typed without waiting for more", async () => {
  const typed = new PassThrough();
  const source = streamSource(typed, "x");
  typed.write("hi");
  const into = new Uint8Array(100);
  assert.equal(await source.read(into, 0), 2);
  await source.close();
});

test("streamSource() reports a stream that fails, breaks off or gives no bytes", async (t) => {
  const unreadable = hasCode("transfer/source-unreadable");
  const readable = createReadStream(`${await scratch(t)}/none`);
  const missing = streamSource(readable, "x");
  // The stream's error comes before anybody reads; it must not end the process.
  await new Promise((resolve) => readable.on("close", resolve));
  await assert.rejects(missing.read(new Uint8Array(1), 0), unreadable);

  const broken = new PassThrough();
  const cut = streamSource(broken, "x");
  broken.write("abc");
  assert.equal(await cut.read(new Uint8Array(9), 0), 3);
  const next = cut.read(new Uint8Array(9), 3);
  broken.destroy();
  await assert.rejects(next, unreadable);

  const objects = streamSource(Readable.from([{ not: "bytes" }]), "x");
  await assert.rejects(objects.read(new Uint8Array(1), 0), unreadable);
});

test("streamSource() close() ends a read that waits", async () => {
  const source = streamSource(new PassThrough(), "x");
  const waiting = source.read(new Uint8Array(1), 0);
  await source.close();
  await assert.rejects(waiting, hasCode("transfer/source-unreadable"));
});

test("keptStream() goes on in a second transfer where the receiver of the first one is", async () => {
  const bytes = Buffer.alloc(3 * MIB).map((_, i) => (i * 7 + (i >>> 9)) & 0xff);
  const stream = keptStream(
    Readable.from([bytes.subarray(0, 2 * MIB), bytes.subarray(2 * MIB)]),
    "x",
  );
  const first = await stream.open();
  const into = new Uint8Array(700_001);
  let produced = 0;
  while (produced < 2 * MIB) produced += await first.read(into, produced);
  first.verified(1_000_003);
  await first.close();
  const second = await stream.open();
  // The last report of the receiver was lost: it holds more than was told.
  for (const offset of [1_000_003, 1_500_000, 2 * MIB])
    assert.deepEqual(await second.digestTo?.(offset), suite.sha256(bytes.subarray(0, offset)));
  assert.ok(Buffer.from(await drain(second, 1_500_000)).equals(bytes.subarray(1_500_000)));
  second.verified(3 * MIB);
  assert.deepEqual(await second.digestTo?.(3 * MIB), suite.sha256(bytes));
  await stream.close();
});

test("keptStream() does not know of what it has given away, or not given yet", async () => {
  const stream = keptStream(Readable.from([Buffer.alloc(100)]), "x");
  const source = await stream.open();
  await source.read(new Uint8Array(50), 0);
  source.verified(20);
  assert.equal(await source.digestTo?.(19), undefined);
  assert.equal(await source.digestTo?.(51), undefined);
  await assert.rejects(source.read(new Uint8Array(1), 0), hasCode("transfer/source-unreadable"));
  await stream.close();
  assert.equal(await source.digestTo?.(20), undefined);
  await assert.rejects(source.read(new Uint8Array(1), 20), hasCode("transfer/source-unreadable"));
});

test("keptStream() loses nothing to a read that the broken transfer left waiting", async () => {
  const typed = new PassThrough();
  const stream = keptStream(typed, "x");
  const first = await stream.open();
  const left = first.read(new Uint8Array(10), 0);
  await first.close();
  const second = await stream.open();
  const into = new Uint8Array(10);
  const next = second.read(into, 0);
  typed.write("abc");
  assert.equal(await left, 3);
  assert.equal(await next, 3);
  assert.equal(Buffer.from(into.subarray(0, 3)).toString(), "abc");
  await stream.close();
});

test("keptStream() takes a stream that failed for no end in any transfer (F-13)", async () => {
  const broken = new PassThrough();
  const stream = keptStream(broken, "x");
  const first = await stream.open();
  broken.write("abc");
  assert.equal(await first.read(new Uint8Array(9), 0), 3);
  broken.destroy(new Error("gone"));
  await assert.rejects(first.read(new Uint8Array(9), 3), hasCode("transfer/source-unreadable"));
  await first.close();
  const second = await stream.open();
  assert.equal(await second.read(new Uint8Array(9), 0), 3);
  await assert.rejects(second.read(new Uint8Array(9), 3), hasCode("transfer/source-unreadable"));
  await stream.close();
});

async function drain(source: ContentSource, from: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let offset = from; ;) {
    const into = new Uint8Array(100_000);
    const length = await source.read(into, offset);
    if (length === 0) return Buffer.concat(parts);
    parts.push(into.subarray(0, length));
    offset += length;
  }
}

async function textOf(source: ContentSource): Promise<string> {
  return Buffer.from(await drain(source, 0)).toString();
}
