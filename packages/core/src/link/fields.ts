/**
 * Fields that several link frames share (docs/protocol.md 5.1). Readers throw `peer/malformed`,
 * which {@link decodeLinkFrame} turns into `link/malformed`; writers refuse what the caller must
 * never send.
 *
 * @module
 */
import { type ByteReader, type ByteWriter, malformed } from "../bytes.ts";
import { PosternError } from "../errors.ts";
import { decodeId, ID_BYTES, isName } from "../identity.ts";
import { NAME_BYTES_MAX } from "../limits.ts";

/** Bits of a `profiles` field. */
export const PROFILE_BITS = { symmetric: 1, asymmetric: 2, "end-to-end": 4 } as const;
const PROFILES_ALL = 7;

export const FINGERPRINT_BYTES = 32;
export const TRANSFER_BYTES = 16;
export const TICKET_BYTES = 32;

const U32_MAX = 0xffff_ffff;

export function readRequest(reader: ByteReader): number {
  const request = reader.u32("request");
  if (request === 0) throw malformed("request", "zero");
  return request;
}

export function writeRequest(writer: ByteWriter, request: number): void {
  if (request === 0) throw invalid("request");
  writeU32(writer, request, "request");
}

export function writeU32(writer: ByteWriter, value: number, field: string): void {
  writer.u32(uint(value, U32_MAX, field));
}

/** `u8 length || ASCII`. */
export function readName(reader: ByteReader): string {
  const name = readNameOrEmpty(reader);
  if (name === "") throw malformed("name", "empty");
  return name;
}

export function readNameOrEmpty(reader: ByteReader): string {
  const length = reader.u8("name");
  if (length > NAME_BYTES_MAX) throw malformed("name", `length ${length}`);
  let name = "";
  for (const byte of reader.take(length, "name")) name += String.fromCharCode(byte);
  if (length > 0 && !isName(name)) throw malformed("name", "not a name");
  return name;
}

export function writeName(writer: ByteWriter, name: string): void {
  if (!isName(name)) throw invalid("name");
  writeNameOrEmpty(writer, name);
}

export function writeNameOrEmpty(writer: ByteWriter, name: string): void {
  if (name !== "" && !isName(name)) throw invalid("name");
  writer.u8(name.length);
  for (let at = 0; at < name.length; at++) writer.u8(name.charCodeAt(at));
}

/** An ID whose version and suite are ours. A view into the reader's bytes. */
export function readId(reader: ByteReader): Uint8Array {
  const id = reader.take(ID_BYTES, "id");
  if (decodeId(id) === undefined) throw malformed("id", "not an ID of this version");
  return id;
}

export function readProfiles(reader: ByteReader): number {
  const profiles = reader.u8("profiles");
  if (profiles > PROFILES_ALL) throw malformed("profiles", "unknown bit");
  return profiles;
}

export function writeProfiles(writer: ByteWriter, profiles: number): void {
  writer.u8(uint(profiles, PROFILES_ALL, "profiles"));
}

export function readBoolean(reader: ByteReader, field: string): boolean {
  return readChoice(reader, field, [false, true]);
}

export function readZeros(reader: ByteReader, length: number): void {
  if (reader.take(length, "zeros").some((byte) => byte !== 0)) throw malformed("zeros", "not zero");
}

/** A `u8` that is an index into `choices`. */
export function readChoice<T>(reader: ByteReader, field: string, choices: readonly T[]): T {
  const choice = choices[reader.u8(field)];
  if (choice === undefined) throw malformed(field, "not a listed value");
  return choice;
}

export function writeChoice<T>(
  writer: ByteWriter,
  field: string,
  choices: readonly T[],
  value: T,
): void {
  const index = choices.indexOf(value);
  if (index < 0) throw invalid(field);
  writer.u8(index);
}

/** Passes `bytes` on if they have exactly `length`. */
export function exactly(bytes: Uint8Array, length: number, field: string): Uint8Array {
  if (bytes.length !== length) throw invalid(field);
  return bytes;
}

/** Passes `bytes` on if there are 1 to `lengthMax`. */
export function upTo(bytes: Uint8Array, lengthMax: number, field: string): Uint8Array {
  if (bytes.length === 0 || bytes.length > lengthMax) throw invalid(field);
  return bytes;
}

export function uint(value: number, max: number, field: string): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw invalid(field);
  return value;
}

function invalid(field: string): PosternError {
  return new PosternError("usage/invalid-argument", `${field} cannot be encoded`, { field });
}
