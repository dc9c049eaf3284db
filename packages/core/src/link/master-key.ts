/**
 * A master key on its way through a trusted relay: `key-up` (0x16) from the sender, `key-down`
 * (0x46) to the receiver (docs/protocol.md 5.1, 7.1). Never sent in an end-to-end transfer.
 *
 * ```text
 *   key-up     0 request u32 | 4 to (32) | 36 transfer (16) | 52 use u8 | 53 ciphertext (384) | 437
 *   key-down   0 from ID (35) | 35 transfer (16) | 51 use u8 | 52 ciphertext (384) | 436
 * ```
 *
 * @module
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { ID_BYTES } from "../identity.ts";
import { RSA_CIPHERTEXT_BYTES } from "../limits.ts";
import {
  exactly,
  FINGERPRINT_BYTES,
  readChoice,
  readId,
  readRequest,
  TRANSFER_BYTES,
  writeChoice,
  writeRequest,
} from "./fields.ts";

/** For this transfer, or kept for the pair's next one. */
export type KeyUse = "this" | "next";

export interface KeyUpFrame {
  readonly kind: "key-up";
  readonly request: number;
  /** The receiver's fingerprint, 32 bytes. */
  readonly to: Uint8Array;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  readonly use: KeyUse;
  /** RSA-OAEP to the relay, 384 bytes. */
  readonly ciphertext: Uint8Array;
}

export interface KeyDownFrame {
  readonly kind: "key-down";
  /** The sender's ID, 35 bytes. */
  readonly from: Uint8Array;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  readonly use: KeyUse;
  /** RSA-OAEP to the receiver, 384 bytes. */
  readonly ciphertext: Uint8Array;
}

export const KEY_UP_TYPE = 0x16;
export const KEY_DOWN_TYPE = 0x46;

const KEY_USES: readonly KeyUse[] = ["this", "next"];

export function encodeKeyUp(writer: ByteWriter, frame: KeyUpFrame): void {
  writeRequest(writer, frame.request);
  writer.raw(exactly(frame.to, FINGERPRINT_BYTES, "to"));
  writeKey(writer, frame);
}

export function decodeKeyUp(reader: ByteReader): KeyUpFrame {
  const request = readRequest(reader);
  const to = reader.take(FINGERPRINT_BYTES, "to");
  return { kind: "key-up", request, to, ...readKey(reader) };
}

export function encodeKeyDown(writer: ByteWriter, frame: KeyDownFrame): void {
  writer.raw(exactly(frame.from, ID_BYTES, "from"));
  writeKey(writer, frame);
}

export function decodeKeyDown(reader: ByteReader): KeyDownFrame {
  const from = readId(reader);
  return { kind: "key-down", from, ...readKey(reader) };
}

type Key = Pick<KeyUpFrame, "transfer" | "use" | "ciphertext">;

function writeKey(writer: ByteWriter, key: Key): void {
  writer.raw(exactly(key.transfer, TRANSFER_BYTES, "transfer"));
  writeChoice(writer, "use", KEY_USES, key.use);
  writer.raw(exactly(key.ciphertext, RSA_CIPHERTEXT_BYTES, "ciphertext"));
}

function readKey(reader: ByteReader): Key {
  const transfer = reader.take(TRANSFER_BYTES, "transfer");
  const use = readChoice(reader, "use", KEY_USES);
  return { transfer, use, ciphertext: reader.take(RSA_CIPHERTEXT_BYTES, "ciphertext") };
}
