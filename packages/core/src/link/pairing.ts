/**
 * Where two people with a code meet: `pair-open` (0x1c), `pair-join` (0x1d), `pair-send` (0x1e) and
 * `pair-close` (0x1f) from the client, `pair-slot` (0x4f), `pair-joined` (0x50), `pair-message`
 * (0x51) and `pair-closed` (0x52) from the relay (docs/protocol-pairing.md 10.5). The body is
 * opaque here.
 *
 * ```text
 *   pair-open      0 request u32 | 4
 *   pair-join      0 request u32 | 4 slot u32 | 8
 *   pair-send      0 slot u32 | 4 body (1 to PAIR_MESSAGE_BYTES_MAX)
 *   pair-close     0 slot u32 | 4
 *   pair-slot      0 request u32 | 4 slot u32 | 8 validMs u32 | 12
 *   pair-joined    0 slot u32 | 4
 *   pair-message   0 slot u32 | 4 body (1 to PAIR_MESSAGE_BYTES_MAX)
 *   pair-closed    0 slot u32 | 4 reason u8 (1 closed, 2 expired, 3 gone) | 5
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { PAIR_MESSAGE_BYTES_MAX } from "../limits.ts";
import { readRequest, upTo, writeRequest, writeU32 } from "./fields.ts";

export interface PairOpenFrame {
  readonly kind: "pair-open";
  readonly request: number;
}

export interface PairJoinFrame {
  readonly kind: "pair-join";
  readonly request: number;
  readonly slot: number;
}

export interface PairSendFrame {
  readonly kind: "pair-send";
  readonly slot: number;
  readonly body: Uint8Array;
}

export interface PairCloseFrame {
  readonly kind: "pair-close";
  readonly slot: number;
}

/** Answers `pair-open`. */
export interface PairSlotFrame {
  readonly kind: "pair-slot";
  readonly request: number;
  readonly slot: number;
  /** How long the slot is kept. */
  readonly validMs: number;
}

/** To the opener, once. */
export interface PairJoinedFrame {
  readonly kind: "pair-joined";
  readonly slot: number;
}

/** What the other end sent. */
export interface PairMessageFrame {
  readonly kind: "pair-message";
  readonly slot: number;
  readonly body: Uint8Array;
}

/** The other end closed it, its time is over, or the other end's link is gone. */
export type PairClosedReason = "closed" | "expired" | "gone";

export interface PairClosedFrame {
  readonly kind: "pair-closed";
  readonly slot: number;
  readonly reason: PairClosedReason;
}

export const PAIR_OPEN_TYPE = 0x1c;
export const PAIR_JOIN_TYPE = 0x1d;
export const PAIR_SEND_TYPE = 0x1e;
export const PAIR_CLOSE_TYPE = 0x1f;
export const PAIR_SLOT_TYPE = 0x4f;
export const PAIR_JOINED_TYPE = 0x50;
export const PAIR_MESSAGE_TYPE = 0x51;
export const PAIR_CLOSED_TYPE = 0x52;

/** Code 1 and on. */
const REASONS: readonly PairClosedReason[] = ["closed", "expired", "gone"];

export function encodePairOpen(writer: ByteWriter, frame: PairOpenFrame): void {
  writeRequest(writer, frame.request);
}

export function decodePairOpen(reader: ByteReader): PairOpenFrame {
  return { kind: "pair-open", request: readRequest(reader) };
}

export function encodePairJoin(writer: ByteWriter, { request, slot }: PairJoinFrame): void {
  writeRequest(writer, request);
  writeU32(writer, slot, "slot");
}

export function decodePairJoin(reader: ByteReader): PairJoinFrame {
  const request = readRequest(reader);
  return { kind: "pair-join", request, slot: reader.u32("slot") };
}

/** `pair-send` and `pair-message`: the same body, one way up and one way down. */
export function encodePairBody(writer: ByteWriter, frame: PairSendFrame | PairMessageFrame): void {
  writeU32(writer, frame.slot, "slot");
  writer.raw(upTo(frame.body, PAIR_MESSAGE_BYTES_MAX, "body"));
}

export function decodePairSend(reader: ByteReader): PairSendFrame {
  return { kind: "pair-send", ...readBody(reader) };
}

export function decodePairMessage(reader: ByteReader): PairMessageFrame {
  return { kind: "pair-message", ...readBody(reader) };
}

/** `pair-close` and `pair-joined`. */
export function encodePairMark(writer: ByteWriter, frame: PairCloseFrame | PairJoinedFrame): void {
  writeU32(writer, frame.slot, "slot");
}

export function decodePairClose(reader: ByteReader): PairCloseFrame {
  return { kind: "pair-close", slot: reader.u32("slot") };
}

export function decodePairJoined(reader: ByteReader): PairJoinedFrame {
  return { kind: "pair-joined", slot: reader.u32("slot") };
}

export function encodePairSlot(writer: ByteWriter, frame: PairSlotFrame): void {
  writeRequest(writer, frame.request);
  writeU32(writer, frame.slot, "slot");
  writeU32(writer, frame.validMs, "validMs");
}

export function decodePairSlot(reader: ByteReader): PairSlotFrame {
  const request = readRequest(reader);
  const slot = reader.u32("slot");
  return { kind: "pair-slot", request, slot, validMs: reader.u32("validMs") };
}

export function encodePairClosed(writer: ByteWriter, { slot, reason }: PairClosedFrame): void {
  writeU32(writer, slot, "slot");
  writer.u8(REASONS.indexOf(reason) + 1);
}

export function decodePairClosed(reader: ByteReader): PairClosedFrame {
  const slot = reader.u32("slot");
  const reason = REASONS[reader.u8("reason") - 1];
  if (reason === undefined) throw malformed("reason", "not a listed value");
  return { kind: "pair-closed", slot, reason };
}

function readBody(reader: ByteReader): { readonly slot: number; readonly body: Uint8Array } {
  const slot = reader.u32("slot");
  const body = reader.rest();
  if (body.length === 0 || body.length > PAIR_MESSAGE_BYTES_MAX)
    throw malformed("body", `length ${body.length}`);
  return { slot, body };
}
