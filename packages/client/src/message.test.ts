import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, utf8 } from "@postern/core/bytes";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import fc from "fast-check";
import { hasCode } from "../test/has-code.ts";
import type { ContentSource } from "./api.ts";
import { messageSink, messageSource } from "./message.ts";

test("messageSource() pads to 256 bytes or the next power of two", async () => {
  for (const [length, size] of [
    [0, 256],
    [252, 256],
    [253, 512],
    [508, 512],
    [509, 1024],
    [MESSAGE_BYTES_MAX, 2 * MESSAGE_BYTES_MAX],
  ] as const) {
    const source = messageSource("x".repeat(length));
    assert.equal(source.info.size, size, `${length} bytes of text`);
    assert.equal((await bytesOf(source)).length, size);
  }
});

test("messageSource() lays out the length, the text and zeros", async () => {
  const bytes = await bytesOf(messageSource("hé"));
  assert.deepEqual(bytes.subarray(0, 7), Uint8Array.of(0, 0, 0, 3, 0x68, 0xc3, 0xa9));
  assert.ok(bytes.subarray(7).every((byte) => byte === 0));
});

test("messageSource() reads again what was read before", async () => {
  const source = messageSource("abcdef");
  const into = new Uint8Array(3);
  for (const offset of [4, 7, 4]) assert.equal(await source.read(into, offset), 3);
  assert.deepEqual(into, utf8("abc"));
  assert.equal(await source.read(into, 256), 0);
});

test("messageSource() refuses a text that is too long or not Unicode", () => {
  const long = "é".repeat(MESSAGE_BYTES_MAX / 2);
  assert.doesNotThrow(() => messageSource(long));
  assert.throws(() => messageSource(`${long}x`), hasCode("usage/invalid-argument"));
  assert.throws(() => messageSource("a\ud800"), hasCode("usage/invalid-argument"));
});

test("messageSink() gives back any text, however it is cut", async () => {
  const text = fc.string({ unit: "binary", maxLength: 600 });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 700 }), async (sent, cut) => {
      const content = await bytesOf(messageSource(sent));
      const sink = messageSink();
      for (let at = 0; at < content.length; at += cut)
        await sink.write(content.subarray(at, at + cut), at);
      await sink.commit(content.length);
      assert.equal(await sink.text, sent);
    }),
    { numRuns: 40 },
  );
});

test("messageSink() keeps a byte order mark and copies what it is given", async () => {
  const content = await bytesOf(messageSource("\ufeffhello"));
  const sink = messageSink();
  await sink.write(content, 0);
  content.fill(0);
  await sink.commit(256);
  assert.equal(await sink.text, "\ufeffhello");
});

test("messageSink() refuses everything but the one form of a text (P-01)", async () => {
  const padded = (text: Uint8Array, size: number, claim = text.length) =>
    new ByteWriter()
      .u32(claim)
      .raw(text)
      .raw(new Uint8Array(size - 4 - text.length))
      .bytes();
  const dirty = padded(utf8("hi"), 256);
  dirty[255] = 1;
  const cases: Record<string, Uint8Array> = {
    empty: new Uint8Array(0),
    "half a length": new Uint8Array(3),
    "no padding": padded(utf8("hi"), 6),
    "too much padding": padded(utf8("hi"), 512),
    "no power of two": padded(utf8("hi"), 300),
    "length over the content": padded(utf8("hi"), 256, 253),
    "length 2^31": padded(utf8("hi"), 256, 2 ** 31),
    "length 2^32-1": padded(utf8("hi"), 256, 2 ** 32 - 1),
    "padding not zero": dirty,
    "length cut short": padded(utf8("hi"), 256, 1),
    "ill-formed UTF-8": padded(Uint8Array.of(0xc3, 0x28), 256),
    "UTF-8 of half a surrogate pair": padded(Uint8Array.of(0xed, 0xa0, 0x80), 256),
  };
  for (const [name, content] of Object.entries(cases)) {
    const sink = messageSink();
    await sink.write(content, 0);
    await assert.rejects(sink.commit(content.length), hasCode("peer/malformed"), name);
    await assert.rejects(sink.text, hasCode("peer/malformed"), name);
  }
});

test("messageSink() holds no more than the longest message", async () => {
  const sink = messageSink();
  const half = new Uint8Array(MESSAGE_BYTES_MAX);
  await sink.write(half, 0);
  await sink.write(half, MESSAGE_BYTES_MAX);
  await assert.rejects(
    sink.write(Uint8Array.of(0), 2 * MESSAGE_BYTES_MAX),
    hasCode("peer/malformed"),
  );
});

test("messageSink() refuses bytes out of order and a wrong total", async () => {
  const sink = messageSink();
  await assert.rejects(sink.write(new Uint8Array(1), 1), hasCode("usage/wrong-state"));
  await sink.write(await bytesOf(messageSource("hi")), 0);
  await assert.rejects(sink.commit(255), hasCode("peer/malformed"));
});

test("messageSink() tells of an abandoned message, and nobody has to listen", async () => {
  const sink = messageSink();
  await sink.abandon();
  // An unhandled rejection would fail the test file here.
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(sink.text, hasCode("transfer/cancelled"));
});

async function bytesOf(source: ContentSource): Promise<Uint8Array> {
  const into = new Uint8Array((source.info.size ?? 0) + 1);
  return into.slice(0, await source.read(into, 0));
}
