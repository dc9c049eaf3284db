/**
 * Both ends of a channel as bytes for a client's store. Strict and bounded: what cannot be read is
 * refused, never guessed at (docs/protocol-end-to-end.md 7.3.6).
 *
 * ```text
 *   sender     0x02 | 1 | lastEpoch u64 | lv(package) | has u8 | channel | padding
 *   channel    epoch u64 | id (32) | next u32 | transcript (32) | chainKey (32) | keyNumber u32
 *              | kid (16) | publicKey (1216) | renewedAt u64 | count u8
 *              | count x (n u32 | tid (16) | lv(outer) | lv(sealed) | lv(content) | th (32)
 *              | key (32))
 *   receiver   0x03 | 2 | epoch u64 | id (32) | expected u32 | transcript (32) | chainKey (32)
 *              | keyNumber u32 | count u8 | count x (kid (16) | seed (32) | publicKey (1216))
 *              | renewedAt u64 | count u8
 *              | count x (n u32 | tid (16) | offer (32) | th (32) | state)
 *              | count u8 | count x tid (16) | padding
 *   state      0x00 | lv(key)   or   0x01 | lv(receipt)   or   0x02 | slot u8
 * ```
 *
 * Padding is zeros up to a multiple of `RECORD_PADDING_BYTES`: a record that keeps its length is
 * written in place. Version 1 of the sender's has none. Version 1 of the receiver's has no last
 * line, and is read as if it named nothing there; version 2 knows of no padding and no slots.
 *
 * @module
 */
import { areZeros } from "../../bytes/equal.ts";
import { ByteReader, malformed } from "../../bytes/reader.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { HASH_BYTES, KEM_PUBLIC_BYTES, KEM_SECRET_BYTES } from "../../crypto/suite.ts";
import { PosternError } from "../../errors.ts";
import {
  ENVELOPE_BYTES_MAX,
  HEADER_BYTES_MAX,
  KEY_PACKAGE_BYTES,
  OUTBOX_MAX,
  RECEIPT_BYTES_MAX,
  RECORD_PADDING_BYTES,
} from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import { KID_BYTES } from "./outer.ts";
import type { ReceivedEntry } from "./received-transfers.ts";
import type { OfferedKey, ReceiverRecord } from "./receiver-channel.ts";
import type { OutboxEntry, SenderChannel, SenderRecord } from "./sender-channel.ts";

const VERSION_MIN = 1;
/** Of the sender's record: with padding. */
const VERSION_PADDED = 2;
/** Of the receiver's: with the ids of earlier transfers; with receipts kept apart, and padding. */
const VERSION_EARLIER = 2;
const VERSION_SLOTS = 3;
const SENDER = 1;
const RECEIVER = 2;
const TRANSFER_BYTES = 16;
const KEYS_MAX = 2;
const OPEN = 0;
const CLOSED_WITHIN = 1;
const CLOSED_APART = 2;

/** What a person may want to know of one direction. */
export interface ChannelDescription {
  readonly epoch: number;
  /** Transfers in this epoch. */
  readonly transfers: number;
  /** Of them without a receipt. */
  readonly unacknowledged: number;
  readonly renewedAt: WallMs;
}

/** `undefined` for a record that has no channel now. @throws as the decoders */
export function describeChannel(record: Uint8Array): ChannelDescription | undefined {
  if (record[1] === SENDER) {
    const { channel } = decodeSenderRecord(record);
    if (channel === undefined) return undefined;
    const { epoch, next: transfers, outbox, renewedAt } = channel;
    return { epoch, transfers, unacknowledged: outbox.length, renewedAt };
  }
  const { epoch, expected: transfers, received, renewedAt } = decodeReceiverRecord(record);
  const unacknowledged = received.filter(({ state }) => state.kind === "open").length;
  return { epoch, transfers, unacknowledged, renewedAt };
}

export function encodeSenderRecord(record: SenderRecord): Uint8Array {
  const { lastEpoch, package: kept, channel } = record;
  const writer = new ByteWriter().u8(VERSION_PADDED).u8(SENDER).u64(lastEpoch);
  writer.lv(kept ?? new Uint8Array(0)).u8(channel === undefined ? 0 : 1);
  if (channel !== undefined) writeSenderChannel(writer, channel);
  return padded(writer);
}

function writeSenderChannel(writer: ByteWriter, channel: SenderChannel): void {
  writer.u64(channel.epoch).raw(channel.id).u32(channel.next);
  writer.raw(channel.transcript).raw(channel.chainKey);
  writer.u32(channel.keyNumber).raw(channel.kid).raw(channel.publicKey);
  writer.u64(channel.renewedAt).u8(channel.outbox.length);
  for (const entry of channel.outbox) {
    writer.u32(entry.n).raw(entry.transfer).lv(entry.outer).lv(entry.sealedHeader);
    writer.lv(entry.content).raw(entry.transcript).raw(entry.receiptKey);
  }
}

function padded(writer: ByteWriter): Uint8Array {
  const rest = writer.length % RECORD_PADDING_BYTES;
  if (rest > 0) writer.raw(PADDING.subarray(rest));
  return writer.bytes();
}

const PADDING = new Uint8Array(RECORD_PADDING_BYTES);

/** @throws {@link PosternError} `store/failed` unless {@link encodeSenderRecord} made it. */
export function decodeSenderRecord(bytes: Uint8Array): SenderRecord {
  const versions = { padded: VERSION_PADDED, latest: VERSION_PADDED };
  return fromStore(bytes, SENDER, versions, (reader) => {
    const lastEpoch = reader.u64("lastEpoch");
    const kept = reader.lv("package", KEY_PACKAGE_BYTES);
    const channel = flag(reader, "channel") ? readSenderChannel(reader) : undefined;
    return { lastEpoch, package: kept.length === 0 ? undefined : kept, channel };
  });
}

export function encodeReceiverRecord(record: ReceiverRecord): Uint8Array {
  const writer = new ByteWriter().u8(VERSION_SLOTS).u8(RECEIVER);
  writer.u64(record.epoch).raw(record.id);
  writer.u32(record.expected).raw(record.transcript).raw(record.chainKey);
  writer.u32(record.keyNumber).u8(record.keys.length);
  for (const { kid, seed, publicKey } of record.keys) writer.raw(kid).raw(seed).raw(publicKey);
  writer.u64(record.renewedAt).u8(record.received.length);
  for (const { n, transfer, offer, transcript, state } of record.received) {
    writer.u32(n).raw(transfer).raw(offer).raw(transcript);
    writeReceivedState(writer, state);
  }
  writer.u8(record.earlier.length);
  for (const transfer of record.earlier) writer.raw(transfer);
  return padded(writer);
}

function writeReceivedState(writer: ByteWriter, state: ReceivedEntry["state"]): void {
  if (state.kind === "open") writer.u8(OPEN).lv(state.receiptKey);
  else if (typeof state.receipt === "number") writer.u8(CLOSED_APART).u8(state.receipt);
  else writer.u8(CLOSED_WITHIN).lv(state.receipt);
}

/** @throws {@link PosternError} `store/failed` unless {@link encodeReceiverRecord} made it. */
export function decodeReceiverRecord(bytes: Uint8Array): ReceiverRecord {
  const versions = { padded: VERSION_SLOTS, latest: VERSION_SLOTS };
  return fromStore(bytes, RECEIVER, versions, (reader, version) => {
    const epoch = reader.u64("epoch");
    const id = hash(reader, "id");
    const expected = reader.u32("expected");
    const transcript = hash(reader, "transcript");
    const chainKey = hash(reader, "chainKey");
    const keyNumber = reader.u32("keyNumber");
    const keys = list(reader, "keys", KEYS_MAX, readOfferedKey);
    const renewedAt = reader.u64("renewedAt") as WallMs;
    const received = list(reader, "received", OUTBOX_MAX, (from) => readReceived(from, version));
    const earlier =
      version < VERSION_EARLIER ? [] : list(reader, "earlier", OUTBOX_MAX, readTransfer);
    const place = { epoch, id, expected, transcript, chainKey, keyNumber, keys, renewedAt };
    return { ...place, received, earlier };
  });
}

function readSenderChannel(reader: ByteReader): SenderChannel {
  return {
    epoch: reader.u64("epoch"),
    id: hash(reader, "id"),
    next: reader.u32("next"),
    transcript: hash(reader, "transcript"),
    chainKey: hash(reader, "chainKey"),
    keyNumber: reader.u32("keyNumber"),
    kid: reader.take(KID_BYTES, "kid"),
    publicKey: reader.take(KEM_PUBLIC_BYTES, "publicKey"),
    renewedAt: reader.u64("renewedAt") as WallMs,
    outbox: list(reader, "outbox", OUTBOX_MAX, readOutboxEntry),
  };
}

function readOutboxEntry(reader: ByteReader): OutboxEntry {
  return {
    n: reader.u32("n"),
    transfer: readTransfer(reader),
    outer: reader.lv("outer", HEADER_BYTES_MAX),
    sealedHeader: reader.lv("sealedHeader", HEADER_BYTES_MAX),
    content: reader.lv("content", ENVELOPE_BYTES_MAX),
    transcript: hash(reader, "transcript"),
    receiptKey: hash(reader, "receiptKey"),
  };
}

function readOfferedKey(reader: ByteReader): OfferedKey {
  const kid = reader.take(KID_BYTES, "kid");
  const seed = reader.take(KEM_SECRET_BYTES, "seed");
  return { kid, seed, publicKey: reader.take(KEM_PUBLIC_BYTES, "publicKey") };
}

function readReceived(reader: ByteReader, version: number): ReceivedEntry {
  const n = reader.u32("n");
  const transfer = readTransfer(reader);
  const offer = hash(reader, "offer");
  const transcript = hash(reader, "transcript");
  return { n, transfer, offer, transcript, state: readReceivedState(reader, version) };
}

function readReceivedState(reader: ByteReader, version: number): ReceivedEntry["state"] {
  const kind = reader.u8("state");
  if (kind > (version < VERSION_SLOTS ? CLOSED_WITHIN : CLOSED_APART))
    throw malformed("state", "no such state");
  if (kind === CLOSED_APART) {
    const slot = reader.u8("slot");
    if (slot >= OUTBOX_MAX) throw malformed("slot", `${slot} is none`);
    return { kind: "closed", receipt: slot };
  }
  const rest = reader.lv("state", RECEIPT_BYTES_MAX);
  if (kind === CLOSED_WITHIN) return { kind: "closed", receipt: rest };
  if (rest.length !== HASH_BYTES) throw malformed("receiptKey", `length ${rest.length}`);
  return { kind: "open", receiptKey: rest };
}

function readTransfer(reader: ByteReader): Uint8Array {
  return reader.take(TRANSFER_BYTES, "transfer");
}

function hash(reader: ByteReader, field: string): Uint8Array {
  return reader.take(HASH_BYTES, field);
}

function flag(reader: ByteReader, field: string): boolean {
  const value = reader.u8(field);
  if (value > 1) throw malformed(field, "neither 0 nor 1");
  return value === 1;
}

function list<T>(
  reader: ByteReader,
  field: string,
  countMax: number,
  read: (reader: ByteReader) => T,
): readonly T[] {
  const count = reader.u8(field);
  if (count > countMax) throw malformed(field, `${count} over ${countMax}`);
  return Array.from({ length: count }, () => read(reader));
}

function readPadding(reader: ByteReader, total: number): void {
  const { remaining } = reader;
  if (remaining >= RECORD_PADDING_BYTES || total % RECORD_PADDING_BYTES !== 0)
    throw malformed("padding", `${remaining} bytes`);
  if (!areZeros(reader.take(remaining, "padding"))) throw malformed("padding", "not zeros");
}

function fromStore<T>(
  bytes: Uint8Array,
  end: number,
  versions: { readonly padded: number; readonly latest: number },
  read: (reader: ByteReader, version: number) => T,
): T {
  try {
    // The caller wipes its own. One copy, of which every field is a view: a record has hundreds.
    const reader = new ByteReader(new Uint8Array(bytes));
    const version = reader.u8("version");
    if (version < VERSION_MIN || version > versions.latest) throw malformed("version", "unknown");
    if (reader.u8("end") !== end) throw malformed("end", "the other end of a channel");
    const record = read(reader, version);
    if (version >= versions.padded) readPadding(reader, bytes.length);
    reader.end();
    return record;
  } catch (cause) {
    if (!(cause instanceof PosternError)) throw cause;
    throw new PosternError("store/failed", "a channel's state is damaged", {}, { cause });
  }
}
