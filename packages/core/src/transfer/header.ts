import { equalBytes } from "../bytes/equal.ts";
import { ByteReader, malformed } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import {
  FILE_NAME_BYTES_MAX,
  HEADER_AHEAD_MS,
  HEADER_VALID_MS,
  MANIFEST_BYTES_MAX,
  MANIFEST_ENTRIES_MAX,
  SESSION_SECONDS_MAX,
  SESSION_SECONDS_MIN,
} from "../limits.ts";
import type { WallMs } from "../time.ts";
import { TRANSFER_ID_BYTES } from "./envelope.ts";

/**
 * What a sender says of a transfer before its content. docs/protocol.md 9.
 *
 * ```text
 *   kind u8 | tid (16) | created u64 | until u64 | content id (16) | sessionSeconds u8
 *   | flags u8 (1 size known, 2 signed) | size u64 | entries u32 | manifest bytes u32 | lv(name)
 * ```
 */
export interface TransferHeader {
  readonly content: ContentDescription;
  readonly created: WallMs;
  readonly until: WallMs;
  /** How long the sender lets a session key live: the receiver holds it to its word. */
  readonly sessionSeconds: number;
}

/** Their numbers are 1 to 4. */
export const CONTENT_KINDS = ["message", "file", "directory", "stream"] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

export interface ContentDescription {
  readonly kind: ContentKind;
  /** 16 random bytes of the sender: the same in every transfer that delivers this content. */
  readonly contentId: Uint8Array;
  /** Both sides sign what was sent and received: `signed-receipt.ts`. */
  readonly signed: boolean;
  /** As the sender gave it: hostile text, at most `FILE_NAME_BYTES_MAX` bytes of UTF-8. */
  readonly name: string;
  /** Bytes; `undefined` when a stream's length is not known. */
  readonly size: number | undefined;
  /** Of a directory, and of nothing else: the list its content begins with. */
  readonly manifest: ManifestSize | undefined;
}

export interface ManifestSize {
  readonly entries: number;
  readonly bytes: number;
}

export const CONTENT_ID_BYTES = 16;
const SIZE_KNOWN = 1;
const SIGNED = 2;
export function encodeHeader(transfer: Uint8Array, header: TransferHeader): Uint8Array {
  const { kind, contentId, signed, name, size, manifest } = header.content;
  return new ByteWriter()
    .u8(kindNumber(kind))
    .raw(transfer)
    .u64(header.created)
    .u64(header.until)
    .raw(contentId)
    .u8(header.sessionSeconds)
    .u8((size === undefined ? 0 : SIZE_KNOWN) | (signed ? SIGNED : 0))
    .u64(size ?? 0)
    .u32(manifest?.entries ?? 0)
    .u32(manifest?.bytes ?? 0)
    .text(name)
    .bytes();
}

/** @throws {@link PosternError} `peer/malformed`, also when it names another transfer. */
export function decodeHeader(transfer: Uint8Array, bytes: Uint8Array): TransferHeader {
  const reader = new ByteReader(bytes);
  const kind = CONTENT_KINDS[reader.u8("kind") - 1];
  if (kind === undefined) throw malformed("kind", "no such content");
  if (!equalBytes(reader.take(TRANSFER_ID_BYTES, "transfer"), transfer))
    throw malformed("transfer", "not the envelope's");
  const created = reader.u64("created") as WallMs;
  const until = reader.u64("until") as WallMs;
  const contentId = reader.take(CONTENT_ID_BYTES, "content id").slice();
  const sessionSeconds = reader.u8("sessionSeconds");
  if (sessionSeconds < SESSION_SECONDS_MIN || sessionSeconds > SESSION_SECONDS_MAX)
    throw malformed("sessionSeconds", "out of range");
  const flags = reader.u8("flags");
  if (flags > (SIZE_KNOWN | SIGNED)) throw malformed("flags", "not defined");
  const size = readSize(reader, kind, (flags & SIZE_KNOWN) !== 0);
  const manifest = readManifestSize(reader, kind, size);
  const name = reader.text("name", FILE_NAME_BYTES_MAX);
  reader.end();
  const signed = (flags & SIGNED) !== 0;
  const content = { kind, contentId, signed, name, size, manifest };
  return { content, created, until, sessionSeconds };
}

function readSize(reader: ByteReader, kind: ContentKind, isKnown: boolean): number | undefined {
  const size = reader.u64("size");
  if (isKnown) return size;
  if (size !== 0) throw malformed("size", "not canonical");
  if (kind !== "stream") throw malformed("size", "only a stream may lack it");
  return undefined;
}

function readManifestSize(
  reader: ByteReader,
  kind: ContentKind,
  size: number | undefined,
): ManifestSize | undefined {
  const entries = reader.u32("entries");
  const bytes = reader.u32("manifest bytes");
  if (kind !== "directory") {
    if (entries !== 0 || bytes !== 0) throw malformed("manifest", "only a directory has one");
    return undefined;
  }
  if (entries < 1 || entries > MANIFEST_ENTRIES_MAX) throw malformed("entries", "out of range");
  if (bytes < 1 || bytes > Math.min(MANIFEST_BYTES_MAX, size ?? 0))
    throw malformed("manifest bytes", "out of range");
  return { entries, bytes };
}

export function kindNumber(kind: ContentKind): number {
  return CONTENT_KINDS.indexOf(kind) + 1;
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
