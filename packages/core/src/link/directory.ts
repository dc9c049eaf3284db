/**
 * Who is there: `list-receivers` (0x11) and `find` (0x12) from the client, `receivers` (0x40) and
 * `found` (0x41) from the relay (docs/protocol.md 5.1, 6). `name` is `u8 length || ASCII`.
 *
 * ```text
 *   list-receivers   0 request u32 | 4 after name, length 0: from the start
 *   find             0 request u32 | 4 name
 *   receivers        0 request u32 | 4 more u8 | 5 count u16
 *                    | 7 count x (name, ID (35), free u16, profiles u8)
 *   found            0 request u32 | 4 status u8 | 5 ID (35) | 40 profiles u8 | 41
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { ID_BYTES } from "../identity.ts";
import { RECEIVERS_PER_PAGE } from "../limits.ts";
import {
  exactly,
  readBoolean,
  readChoice,
  readId,
  readName,
  readNameOrEmpty,
  readProfiles,
  readRequest,
  uint,
  writeChoice,
  writeName,
  writeNameOrEmpty,
  writeProfiles,
  writeRequest,
} from "./fields.ts";

export interface ListReceiversFrame {
  readonly kind: "list-receivers";
  readonly request: number;
  /** The page starts behind this name; empty for the first page. */
  readonly after: string;
}

export interface FindFrame {
  readonly kind: "find";
  readonly request: number;
  readonly name: string;
}

export interface ReceiverEntry {
  readonly name: string;
  /** 35 bytes. */
  readonly id: Uint8Array;
  readonly free: number;
  readonly profiles: number;
}

export interface ReceiversFrame {
  readonly kind: "receivers";
  readonly request: number;
  /** Another page follows behind the last name. */
  readonly more: boolean;
  readonly receivers: readonly ReceiverEntry[];
}

export type FoundStatus = "unknown" | "free" | "busy" | "absent";

export interface FoundFrame {
  readonly kind: "found";
  readonly request: number;
  readonly status: FoundStatus;
  /** 35 bytes, all zero when unknown. */
  readonly id: Uint8Array;
  /** Zero unless free or busy. */
  readonly profiles: number;
}

export const LIST_RECEIVERS_TYPE = 0x11;
export const FIND_TYPE = 0x12;
export const RECEIVERS_TYPE = 0x40;
export const FOUND_TYPE = 0x41;

const FOUND_STATUSES: readonly FoundStatus[] = ["unknown", "free", "busy", "absent"];

export function encodeListReceivers(writer: ByteWriter, frame: ListReceiversFrame): void {
  writeRequest(writer, frame.request);
  writeNameOrEmpty(writer, frame.after);
}

export function decodeListReceivers(reader: ByteReader): ListReceiversFrame {
  const request = readRequest(reader);
  return { kind: "list-receivers", request, after: readNameOrEmpty(reader) };
}

export function encodeFind(writer: ByteWriter, frame: FindFrame): void {
  writeRequest(writer, frame.request);
  writeName(writer, frame.name);
}

export function decodeFind(reader: ByteReader): FindFrame {
  const request = readRequest(reader);
  return { kind: "find", request, name: readName(reader) };
}

export function encodeReceivers(writer: ByteWriter, frame: ReceiversFrame): void {
  writeRequest(writer, frame.request);
  writer.u8(frame.more ? 1 : 0);
  writer.u16(uint(frame.receivers.length, RECEIVERS_PER_PAGE, "count"));
  for (const receiver of frame.receivers) {
    writeName(writer, receiver.name);
    writer.raw(exactly(receiver.id, ID_BYTES, "id")).u16(uint(receiver.free, 0xffff, "free"));
    writeProfiles(writer, receiver.profiles);
  }
}

export function decodeReceivers(reader: ByteReader): ReceiversFrame {
  const request = readRequest(reader);
  const more = readBoolean(reader, "more");
  const count = reader.u16("count");
  if (count > RECEIVERS_PER_PAGE) throw malformed("count", "over a page");
  // An empty page that promises more would let the list never end.
  if (more && count === 0) throw malformed("more", "set on an empty page");
  const receivers: ReceiverEntry[] = [];
  for (let i = 0; i < count; i++) {
    const name = readName(reader);
    const id = readId(reader);
    const free = reader.u16("free");
    receivers.push({ name, id, free, profiles: readProfiles(reader) });
  }
  return { kind: "receivers", request, more, receivers };
}

export function encodeFound(writer: ByteWriter, frame: FoundFrame): void {
  writeRequest(writer, frame.request);
  writeChoice(writer, "status", FOUND_STATUSES, frame.status);
  writer.raw(exactly(frame.id, ID_BYTES, "id"));
  writeProfiles(writer, frame.profiles);
}

export function decodeFound(reader: ByteReader): FoundFrame {
  const request = readRequest(reader);
  const status = readChoice(reader, "status", FOUND_STATUSES);
  const id = status === "unknown" ? readZeroId(reader) : readId(reader);
  const profiles = readProfiles(reader);
  if (profiles !== 0 && (status === "unknown" || status === "absent"))
    throw malformed("profiles", "set for one who is not connected");
  return { kind: "found", request, status, id, profiles };
}

function readZeroId(reader: ByteReader): Uint8Array {
  const id = reader.take(ID_BYTES, "id");
  if (id.some((byte) => byte !== 0)) throw malformed("id", "not zero");
  return id;
}
