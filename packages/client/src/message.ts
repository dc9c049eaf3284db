/**
 * A message as content: `u32 length || text || 0*`, padded to 256 bytes or the next power of two,
 * so that a relay learns little from its size (docs/protocol.md 9).
 *
 * Invariant: only the one canonical form of a text is accepted.
 *
 * @module
 */
import { areZeros, ByteReader, ByteWriter, malformed, utf8, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import type { ContentSink, ContentSource } from "./api.ts";

const LENGTH_BYTES = 4;
const PADDED_BYTES_MIN = 256;
const CONTENT_BYTES_MAX = paddedBytes(MESSAGE_BYTES_MAX);

/**
 * The content of a message.
 *
 * @throws {@link PosternError} `usage/invalid-argument` for a text over `MESSAGE_BYTES_MAX` bytes
 * of UTF-8 (send it as a file), and for one with half a surrogate pair, which UTF-8 cannot carry.
 */
export function messageSource(text: string): ContentSource {
  const content = encodeMessage(text);
  return {
    info: { kind: "message", name: "", size: content.length },
    async read(into, offset) {
      const part = content.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    verified() {},
    async close() {
      wipe(content);
    },
  };
}

export interface MessageSink extends ContentSink {
  /**
   * The text, once it is committed. Rejects with `peer/malformed` when the content is no message,
   * with `transfer/cancelled` when the transfer did not come to its end.
   */
  readonly text: Promise<string>;
}

/** Collects one message, at most the padded size of `MESSAGE_BYTES_MAX`. */
export function messageSink(): MessageSink {
  const { promise: text, resolve, reject } = Promise.withResolvers<string>();
  // The transfer reports the failure too; whoever does not ask for the text must not be told here.
  text.catch(() => {});
  // One buffer that doubles: a peer may send a message byte by byte.
  let buffer = new Uint8Array(PADDED_BYTES_MIN);
  let received = 0;

  return {
    text,
    async write(bytes, offset) {
      if (offset !== received)
        throw new PosternError("usage/wrong-state", "message bytes out of order", { offset });
      if (bytes.length > CONTENT_BYTES_MAX - received)
        throw malformed("message", `over ${CONTENT_BYTES_MAX} bytes`);
      if (received + bytes.length > buffer.length) {
        const larger = new Uint8Array(paddedBytes(received + bytes.length - LENGTH_BYTES));
        larger.set(buffer);
        wipe(buffer);
        buffer = larger;
      }
      buffer.set(bytes, received);
      received += bytes.length;
    },
    async commit(total) {
      try {
        if (received !== total) throw malformed("message", "not the announced length");
        resolve(decodeMessage(buffer.subarray(0, received)));
      } catch (error) {
        reject(error);
        throw error;
      } finally {
        wipe(buffer);
      }
    },
    async abandon() {
      wipe(buffer);
      reject(new PosternError("transfer/cancelled", "the message did not arrive"));
    },
  };
}

function encodeMessage(text: string): Uint8Array {
  if (!text.isWellFormed())
    throw new PosternError("usage/invalid-argument", "text with half a surrogate pair", {
      argument: "text",
    });
  const bytes = utf8(text);
  if (bytes.length > MESSAGE_BYTES_MAX)
    throw new PosternError("usage/invalid-argument", "message too long: send it as a file", {
      argument: "text",
      bytes: bytes.length,
      bytesMax: MESSAGE_BYTES_MAX,
    });
  const padding = paddedBytes(bytes.length) - LENGTH_BYTES - bytes.length;
  return new ByteWriter().lv(bytes).raw(new Uint8Array(padding)).bytes();
}

function decodeMessage(content: Uint8Array): string {
  const reader = new ByteReader(content);
  const text = reader.text("message", MESSAGE_BYTES_MAX);
  const padding = reader.rest();
  // One text, one form: spare padding would be a place to hide bytes in.
  if (content.length !== paddedBytes(content.length - LENGTH_BYTES - padding.length))
    throw malformed("message", "wrong padding length");
  if (!areZeros(padding)) throw malformed("message", "padding not zero");
  return text;
}

function paddedBytes(textBytes: number): number {
  let padded = PADDED_BYTES_MIN;
  while (padded < LENGTH_BYTES + textBytes) padded *= 2;
  return padded;
}
