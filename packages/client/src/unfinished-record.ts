/**
 * What a device remembers of one unfinished content, as bytes for its store:
 *
 * ```text
 *   version u8 (2) | kind u8 | profile u8
 *   | flags u8 (1 sizeKnown, 2 signed, 4 note, 8 whole, 16 links kept, 32 transfers)
 *   | size u64
 *   | entries u32 | manifestBytes u32 | lv(name) | lv(relayName) | bytes u64 | beganAt u64
 *   | lv(error) | count u32 | count x lv(path)
 *   | transfers: count u8 | count x transfer (16)
 *   | note: lv(directory) | lv(name) | lv(part) | bytes u64 | lv(boot; none: empty)
 *           | lv(digest; none: empty) | count u32 | count x lv(name)
 * ```
 *
 * Version 1, which is still read, ends before the digest. That stands in the place of the
 * computer's start (`whole-` and base64url), where `lost` says that there is none.
 *
 * Invariant: what was not written by {@link encodeUnfinished} is refused as a whole.
 *
 * @module
 */
import { ByteReader, ByteWriter, decodeBase64url, malformed, utf8 } from "@postern/core/bytes";
import { isErrorCode, PosternError, type ErrorCode } from "@postern/core/errors";
import {
  FILE_NAME_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MANIFEST_ENTRIES_MAX,
  NAME_BYTES_MAX,
  PART_NAMES_MAX,
  PATH_BYTES_MAX,
  STORED_NAME_BYTES_MAX,
  UNFINISHED_RECORD_BYTES_MAX,
  UNFINISHED_TRANSFERS_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { TRANSFER_ID_BYTES } from "@postern/core/transfer";
import type { ContentInfo, LinkListing, PartNote, ProfileName } from "./api.ts";

export interface UnfinishedRecord {
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly signed: boolean;
  /** What the relay calls the peer. */
  readonly relayName: string;
  /** With the receiver for sure. */
  readonly bytes: number;
  readonly beganAt: WallMs;
  /** Why its last transfer ended. */
  readonly error: ErrorCode | undefined;
  /** Of the sources. */
  readonly paths: readonly string[];
  /** How folders among them were listed. */
  readonly links: LinkListing;
  /** The sender's latest transfers of it, the last one last: 16 bytes each. */
  readonly transfers: readonly Uint8Array[];
  /** Of the receiver's sink. */
  readonly note: PartNote | undefined;
  /** All of it is stored; its sender may not know. */
  readonly whole: boolean;
}

const VERSION = 2;
const VERSION_BEFORE = 1;
const KINDS = ["message", "file", "directory", "stream"] as const;
const PROFILES = ["symmetric", "asymmetric", "end-to-end"] as const;
const SIZE_KNOWN = 1;
const SIGNED = 2;
const NOTED = 4;
const WHOLE = 8;
const LINKS_KEPT = 16;
const SENT = 32;
const ALL_FLAGS = SIZE_KNOWN | SIGNED | NOTED | WHOLE | LINKS_KEPT | SENT;
/** The longest code of the catalogue is shorter. */
const ERROR_BYTES_MAX = 64;
/** A UUID, or a time. */
const BOOT_BYTES_MAX = 64;
const DIGEST_BYTES = 32;
const OLD_WHOLE = "whole-";
const OLD_LOST = "lost";

/** @throws {@link PosternError} `usage/invalid-argument` for one that could not be read again */
export function encodeUnfinished(record: UnfinishedRecord): Uint8Array {
  const { content, profile, signed, relayName, bytes, beganAt, error, paths, note } = record;
  const { kind, name, size, manifest } = content;
  const flags =
    (size === undefined ? 0 : SIZE_KNOWN) |
    (signed ? SIGNED : 0) |
    (note === undefined ? 0 : NOTED) |
    (record.whole ? WHOLE : 0) |
    (record.links === "keep" ? LINKS_KEPT : 0) |
    (record.transfers.length > 0 ? SENT : 0);
  const writer = new ByteWriter()
    .u8(VERSION)
    .u8(KINDS.indexOf(kind))
    .u8(PROFILES.indexOf(profile))
    .u8(flags)
    .u64(size ?? 0)
    .u32(manifest?.entries ?? 0)
    .u32(manifest?.bytes ?? 0)
    .lv(within("name", name, FILE_NAME_BYTES_MAX))
    .lv(within("relayName", relayName, NAME_BYTES_MAX))
    .u64(bytes)
    .u64(beganAt)
    .text(error ?? "")
    .u32(paths.length);
  for (const path of paths) writer.lv(within("paths", path, PATH_BYTES_MAX));
  writeTransfers(writer, record.transfers);
  if (note !== undefined) writeNote(writer, note);
  const encoded = writer.bytes();
  if (encoded.length > UNFINISHED_RECORD_BYTES_MAX) throw invalid("paths");
  return encoded;
}

/** @throws {@link PosternError} `peer/malformed` */
export function decodeUnfinished(record: Uint8Array): UnfinishedRecord {
  const reader = new ByteReader(record);
  const version = reader.u8("version");
  if (version !== VERSION && version !== VERSION_BEFORE)
    throw malformed("version", "not of this program");
  const kind = KINDS[reader.u8("kind")];
  const profile = PROFILES[reader.u8("profile")];
  if (kind === undefined || profile === undefined) throw malformed("kind", "unknown");
  const flags = reader.u8("flags");
  if ((flags & ~ALL_FLAGS) !== 0) throw malformed("flags", "unknown");
  const size = reader.u64("size");
  const isSizeKnown = (flags & SIZE_KNOWN) !== 0;
  if (!isSizeKnown && size !== 0) throw malformed("size", "one that is not known");
  const manifest = readManifest(reader, kind === "directory");
  const name = reader.text("name", FILE_NAME_BYTES_MAX);
  const named = { kind, name, size: isSizeKnown ? size : undefined };
  const content = manifest === undefined ? named : { ...named, manifest };
  const relayName = reader.text("relayName", NAME_BYTES_MAX);
  const bytes = reader.u64("bytes");
  const beganAt = reader.u64("beganAt") as WallMs;
  const error = readError(reader);
  const paths: string[] = [];
  // A false count runs into the end of the record, which is bounded.
  for (let left = reader.u32("count"); left > 0; left--)
    paths.push(reader.text("path", PATH_BYTES_MAX));
  const transfers = (flags & SENT) === 0 ? [] : readTransfers(reader);
  const note = (flags & NOTED) === 0 ? undefined : readNote(reader, version);
  reader.end();
  const [signed, whole] = [(flags & SIGNED) !== 0, (flags & WHOLE) !== 0];
  const links = (flags & LINKS_KEPT) === 0 ? "skip" : "keep";
  const about = { content, profile, signed, relayName, bytes, beganAt, error };
  return { ...about, paths, links, transfers, note, whole };
}

function readManifest(reader: ByteReader, isDirectory: boolean): ContentInfo["manifest"] {
  const entries = reader.u32("entries");
  const bytes = reader.u32("manifestBytes");
  if (!isDirectory) {
    if (entries !== 0 || bytes !== 0) throw malformed("entries", "of no directory");
    return undefined;
  }
  if (entries > MANIFEST_ENTRIES_MAX || bytes > MANIFEST_BYTES_MAX)
    throw malformed("entries", "too many");
  return { entries, bytes };
}

function readError(reader: ByteReader): ErrorCode | undefined {
  const code = reader.text("error", ERROR_BYTES_MAX);
  if (code === "") return undefined;
  if (!isErrorCode(code)) throw malformed("error", "unknown");
  return code;
}

function writeTransfers(writer: ByteWriter, transfers: readonly Uint8Array[]): void {
  if (transfers.length === 0) return;
  if (transfers.length > UNFINISHED_TRANSFERS_MAX) throw invalid("transfers");
  writer.u8(transfers.length);
  for (const transfer of transfers) {
    if (transfer.length !== TRANSFER_ID_BYTES) throw invalid("transfers");
    writer.raw(transfer);
  }
}

function readTransfers(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.u8("transfers");
  if (count === 0 || count > UNFINISHED_TRANSFERS_MAX) throw malformed("transfers", "how many");
  return Array.from({ length: count }, () => reader.take(TRANSFER_ID_BYTES, "transfer").slice());
}

function writeNote(writer: ByteWriter, note: PartNote): void {
  const { directory, name, part, bytes, boot, digest, names = [] } = note;
  if (names.length > PART_NAMES_MAX) throw invalid("names");
  if (digest !== undefined && digest.length !== DIGEST_BYTES) throw invalid("digest");
  writer
    .lv(within("directory", directory, PATH_BYTES_MAX))
    .lv(within("name", name, PATH_BYTES_MAX))
    .lv(within("part", part, PATH_BYTES_MAX))
    .u64(bytes)
    .lv(within("boot", boot ?? "", BOOT_BYTES_MAX))
    .lv(digest ?? new Uint8Array(0))
    .u32(names.length);
  for (const each of names) writer.lv(within("names", each, STORED_NAME_BYTES_MAX));
}

function readNote(reader: ByteReader, version: number): PartNote {
  const at = {
    directory: reader.text("directory", PATH_BYTES_MAX),
    name: reader.text("name", PATH_BYTES_MAX),
    part: reader.text("part", PATH_BYTES_MAX),
    bytes: reader.u64("bytes"),
  };
  const boot = reader.text("boot", BOOT_BYTES_MAX);
  if (version === VERSION_BEFORE) return { ...at, ...readOldBoot(boot, at.name) };
  const note = { ...at, boot: boot === "" ? undefined : boot };
  const digest = reader.lv("digest", DIGEST_BYTES).slice();
  const names = readNames(reader);
  if (digest.length > 0) return { ...note, digest: expectDigest(digest), names };
  if (names.length > 0) throw malformed("names", "of nothing whole");
  return note;
}

function readNames(reader: ByteReader): readonly string[] {
  const count = reader.u32("names");
  if (count > PART_NAMES_MAX) throw malformed("names", "too many");
  return Array.from({ length: count }, () => reader.text("name", STORED_NAME_BYTES_MAX));
}

/** A content that is whole was flushed. Its name is that of the first entry at the top. */
function readOldBoot(boot: string, name: string): Pick<PartNote, "boot" | "digest" | "names"> {
  if (boot === OLD_LOST) return { boot: undefined };
  if (!boot.startsWith(OLD_WHOLE)) return { boot };
  const digest = decodeBase64url(boot.slice(OLD_WHOLE.length));
  return { boot: undefined, digest: expectDigest(digest), names: [name] };
}

function expectDigest(digest: Uint8Array | undefined): Uint8Array {
  if (digest?.length !== DIGEST_BYTES) throw malformed("digest", "another length");
  return digest;
}

function within(argument: string, text: string, bytesMax: number): Uint8Array {
  const encoded = utf8(text);
  if (encoded.length > bytesMax) throw invalid(argument);
  return encoded;
}

function invalid(argument: string): PosternError {
  const details = { argument };
  return new PosternError("usage/invalid-argument", `${argument} cannot be remembered`, details);
}
