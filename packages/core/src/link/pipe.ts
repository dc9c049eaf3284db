/**
 * `open-pipe` (0x14) from the client, `pipe-ticket` (0x44) from the relay to both ends
 * (docs/protocol.md 5.1, 6).
 *
 * ```text
 *   open-pipe     0 request u32 | 4 to (32) | 36 transfer (16) | 52
 *   pipe-ticket   0 peer (32) | 32 transfer (16) | 48 ticket (32) | 80
 * ```
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import {
  exactly,
  FINGERPRINT_BYTES,
  readRequest,
  TICKET_BYTES,
  TRANSFER_BYTES,
  writeRequest,
} from "./fields.ts";

export interface OpenPipeFrame {
  readonly kind: "open-pipe";
  readonly request: number;
  /** The other end's fingerprint, 32 bytes. */
  readonly to: Uint8Array;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
}

export interface PipeTicketFrame {
  readonly kind: "pipe-ticket";
  /** The other end's fingerprint, 32 bytes. */
  readonly peer: Uint8Array;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  /** 32 bytes; a bearer secret, good once. */
  readonly ticket: Uint8Array;
}

export const OPEN_PIPE_TYPE = 0x14;
export const PIPE_TICKET_TYPE = 0x44;

export function encodeOpenPipe(writer: ByteWriter, frame: OpenPipeFrame): void {
  writeRequest(writer, frame.request);
  writer.raw(exactly(frame.to, FINGERPRINT_BYTES, "to"));
  writer.raw(exactly(frame.transfer, TRANSFER_BYTES, "transfer"));
}

export function decodeOpenPipe(reader: ByteReader): OpenPipeFrame {
  const request = readRequest(reader);
  const to = reader.take(FINGERPRINT_BYTES, "to");
  return { kind: "open-pipe", request, to, transfer: reader.take(TRANSFER_BYTES, "transfer") };
}

export function encodePipeTicket(writer: ByteWriter, frame: PipeTicketFrame): void {
  writer
    .raw(exactly(frame.peer, FINGERPRINT_BYTES, "peer"))
    .raw(exactly(frame.transfer, TRANSFER_BYTES, "transfer"))
    .raw(exactly(frame.ticket, TICKET_BYTES, "ticket"));
}

export function decodePipeTicket(reader: ByteReader): PipeTicketFrame {
  const peer = reader.take(FINGERPRINT_BYTES, "peer");
  const transfer = reader.take(TRANSFER_BYTES, "transfer");
  return { kind: "pipe-ticket", peer, transfer, ticket: reader.take(TICKET_BYTES, "ticket") };
}
