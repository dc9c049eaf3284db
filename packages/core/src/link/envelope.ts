/**
 * What passes from client to client: `envelope` (0x13) from the sender, `result` (0x42) from the
 * relay, `delivery` (0x43) to the receiver (docs/protocol.md 5.1, 6). The body is opaque here.
 *
 * ```text
 *   envelope   0 request u32 | 4 to (32) | 36 body (1 to ENVELOPE_BYTES_MAX)
 *   result     0 request u32 | 4 status u8 | 5
 *   delivery   0 from ID (35) | 35 from name | body (1 to ENVELOPE_BYTES_MAX)
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { ID_BYTES } from "../identity.ts";
import { ENVELOPE_BYTES_MAX } from "../limits.ts";
import {
  exactly,
  FINGERPRINT_BYTES,
  readChoice,
  readId,
  readName,
  readRequest,
  upTo,
  writeChoice,
  writeName,
  writeRequest,
} from "./fields.ts";

export interface EnvelopeFrame {
  readonly kind: "envelope";
  readonly request: number;
  /** The receiver's fingerprint, 32 bytes. */
  readonly to: Uint8Array;
  readonly body: Uint8Array;
}

export type ResultStatus = "done" | "absent" | "unknown" | "overloaded" | "refused" | "failed";

/** Answers `envelope`, `open-pipe` and `key-up`. */
export interface ResultFrame {
  readonly kind: "result";
  readonly request: number;
  readonly status: ResultStatus;
}

export interface DeliveryFrame {
  readonly kind: "delivery";
  /** The sender's ID, 35 bytes, as the relay authenticated it. */
  readonly from: Uint8Array;
  readonly name: string;
  readonly body: Uint8Array;
}

export const ENVELOPE_TYPE = 0x13;
export const RESULT_TYPE = 0x42;
export const DELIVERY_TYPE = 0x43;

const RESULT_STATUSES: readonly ResultStatus[] = [
  "done",
  "absent",
  "unknown",
  "overloaded",
  "refused",
  "failed",
];

export function encodeEnvelope(writer: ByteWriter, frame: EnvelopeFrame): void {
  writeRequest(writer, frame.request);
  writer.raw(exactly(frame.to, FINGERPRINT_BYTES, "to"));
  writer.raw(upTo(frame.body, ENVELOPE_BYTES_MAX, "body"));
}

export function decodeEnvelope(reader: ByteReader): EnvelopeFrame {
  const request = readRequest(reader);
  const to = reader.take(FINGERPRINT_BYTES, "to");
  return { kind: "envelope", request, to, body: readBody(reader) };
}

export function encodeResult(writer: ByteWriter, frame: ResultFrame): void {
  writeRequest(writer, frame.request);
  writeChoice(writer, "status", RESULT_STATUSES, frame.status);
}

export function decodeResult(reader: ByteReader): ResultFrame {
  const request = readRequest(reader);
  return { kind: "result", request, status: readChoice(reader, "status", RESULT_STATUSES) };
}

export function encodeDelivery(writer: ByteWriter, frame: DeliveryFrame): void {
  writer.raw(exactly(frame.from, ID_BYTES, "from"));
  writeName(writer, frame.name);
  writer.raw(upTo(frame.body, ENVELOPE_BYTES_MAX, "body"));
}

export function decodeDelivery(reader: ByteReader): DeliveryFrame {
  const from = readId(reader);
  const name = readName(reader);
  return { kind: "delivery", from, name, body: readBody(reader) };
}

function readBody(reader: ByteReader): Uint8Array {
  const body = reader.rest();
  if (body.length === 0 || body.length > ENVELOPE_BYTES_MAX)
    throw malformed("body", `length ${body.length}`);
  return body;
}
