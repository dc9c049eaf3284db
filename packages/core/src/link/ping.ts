/**
 * `ping` (0x01) and `pong` (0x02), either direction (docs/protocol.md 5.1).
 *
 * ```text
 *   0                               8
 *   +-------------------------------+
 *   | token u64                     |     a pong repeats its ping's token
 *   +-------------------------------+
 * ```
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { uint } from "./fields.ts";

export interface PingFrame {
  readonly kind: "ping";
  readonly token: number;
}

export interface PongFrame {
  readonly kind: "pong";
  readonly token: number;
}

export const PING_TYPE = 0x01;
export const PONG_TYPE = 0x02;

export function encodePing(writer: ByteWriter, frame: PingFrame | PongFrame): void {
  writer.u64(uint(frame.token, Number.MAX_SAFE_INTEGER, "token"));
}

export function decodePing(reader: ByteReader): PingFrame {
  return { kind: "ping", token: reader.u64("token") };
}

export function decodePong(reader: ByteReader): PongFrame {
  return { kind: "pong", token: reader.u64("token") };
}
