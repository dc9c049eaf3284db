import { equalBytes } from "../bytes/equal.ts";
import { ByteReader, malformed } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import {
  FILE_NAME_BYTES_MAX,
  HEADER_AHEAD_MS,
  HEADER_VALID_MS,
  SESSION_SECONDS_MAX,
  SESSION_SECONDS_MIN,
} from "../limits.ts";
import type { WallMs } from "../time.ts";
import { TRANSFER_ID_BYTES } from "./envelope.ts";

/**
 * What a sender says of a transfer before its content. docs/protocol.md 9.
 *
 * ```text
 *   kind u8 | tid (16) | created u64 | until u64 | sessionSeconds u8 | sizeKnown u8 | size u64
 *   | lv(name)
 * ```
 */
export interface TransferHeader {
  readonly content: ContentDescription;
  readonly created: WallMs;
  readonly until: WallMs;
  /** How long the sender lets a session key live: the receiver holds it to its word. */
  readonly sessionSeconds: number;
}

export type ContentKind = "message" | "file" | "directory" | "stream";

export interface ContentDescription {
  readonly kind: ContentKind;
  /** As the sender gave it: hostile text, at most `FILE_NAME_BYTES_MAX` bytes of UTF-8. */
  readonly name: string;
  /** Bytes; `undefined` when a stream's length is not known. */
  readonly size: number | undefined;
}

const KIND_NUMBERS: Readonly<Record<ContentKind, number>> = {
  message: 1,
  file: 2,
  directory: 3,
  stream: 4,
};
const KINDS = new Map<number, ContentKind>([
  [1, "message"],
  [2, "file"],
  [3, "directory"],
  [4, "stream"],
]);

export function encodeHeader(transfer: Uint8Array, header: TransferHeader): Uint8Array {
  const { kind, name, size } = header.content;
  return new ByteWriter()
    .u8(KIND_NUMBERS[kind])
    .raw(transfer)
    .u64(header.created)
    .u64(header.until)
    .u8(header.sessionSeconds)
    .u8(size === undefined ? 0 : 1)
    .u64(size ?? 0)
    .text(name)
    .bytes();
}

/** @throws {@link PosternError} `peer/malformed`, also when it names another transfer. */
export function decodeHeader(transfer: Uint8Array, bytes: Uint8Array): TransferHeader {
  const reader = new ByteReader(bytes);
  const kind = KINDS.get(reader.u8("kind"));
  if (kind === undefined) throw malformed("kind", "no such content");
  if (!equalBytes(reader.take(TRANSFER_ID_BYTES, "transfer"), transfer))
    throw malformed("transfer", "not the envelope's");
  const created = reader.u64("created") as WallMs;
  const until = reader.u64("until") as WallMs;
  const sessionSeconds = reader.u8("sessionSeconds");
  if (sessionSeconds < SESSION_SECONDS_MIN || sessionSeconds > SESSION_SECONDS_MAX)
    throw malformed("sessionSeconds", "out of range");
  const sizeKnown = reader.u8("sizeKnown");
  const size = reader.u64("size");
  if (sizeKnown > 1 || (sizeKnown === 0 && size !== 0)) throw malformed("size", "not canonical");
  if (sizeKnown === 0 && kind !== "stream") throw malformed("size", "only a stream may lack it");
  const name = reader.text("name", FILE_NAME_BYTES_MAX);
  reader.end();
  const content = { kind, name, size: sizeKnown === 1 ? size : undefined };
  return { content, created, until, sessionSeconds };
}

/** Whether a header's times hold at the receiver's clock. */
export function isCurrent(header: TransferHeader, now: WallMs): boolean {
  return (
    header.created <= now + HEADER_AHEAD_MS &&
    header.until >= header.created &&
    header.until <= header.created + HEADER_VALID_MS &&
    now <= header.until
  );
}
