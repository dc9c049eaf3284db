import { ByteReader, malformed } from "../bytes/reader.ts";
import { ByteWriter, concat } from "../bytes/writer.ts";
import { unreachable } from "../errors.ts";
import { ENVELOPE_BYTES_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import {
  CLEAR_VERDICTS,
  decodeVerdict,
  encodeVerdict,
  type ClearVerdict,
} from "../exchange/verdict.ts";

/**
 * What clients send each other in envelopes: the index of a transfer's frames. docs/protocol.md 9.
 *
 * ```text
 *   0      1               17
 *   +------+---------------+--------------------
 *   | kind | transfer (16) | rest, by kind
 *   +------+---------------+--------------------
 * ```
 */
export type TransferEnvelope =
  | {
      readonly kind: "offer";
      readonly transfer: Uint8Array;
      readonly outer: Uint8Array;
      readonly sealedHeader: Uint8Array;
      /** End-to-end: a sealed message that rides along; empty without one. */
      readonly content: Uint8Array;
    }
  | { readonly kind: "answer"; readonly transfer: Uint8Array; readonly sealed: Uint8Array }
  | { readonly kind: "refusal"; readonly transfer: Uint8Array; readonly verdict: ClearVerdict }
  /** `frames`: bytes of section 8 in the direction from the sender. */
  | { readonly kind: "content"; readonly transfer: Uint8Array; readonly frames: Uint8Array }
  /** `frames`: bytes of section 8 in the direction from the receiver. */
  | { readonly kind: "reverse"; readonly transfer: Uint8Array; readonly frames: Uint8Array }
  | { readonly kind: "receipt"; readonly transfer: Uint8Array; readonly sealed: Uint8Array }
  | { readonly kind: "withdraw"; readonly transfer: Uint8Array; readonly reason: number }
  /** End-to-end: an offer again whose transfer has ended without a receipt. */
  | {
      readonly kind: "close";
      readonly transfer: Uint8Array;
      readonly outer: Uint8Array;
      readonly sealedHeader: Uint8Array;
    }
  /** End-to-end: the offer does not fit the receiver's end of the channel. */
  | { readonly kind: "resync"; readonly transfer: Uint8Array; readonly resync: Uint8Array };

export const TRANSFER_ID_BYTES = 16;
export const FRAMES_PER_ENVELOPE_BYTES_MAX = ENVELOPE_BYTES_MAX - 1 - TRANSFER_ID_BYTES;
const OFFER = 1;
const ANSWER = 2;
const CONTENT = 3;
const REVERSE = 4;
const RECEIPT = 5;
const WITHDRAW = 6;
const CLOSE = 7;
const RESYNC = 8;
const CLEAR = 0;
const SEALED = 1;

export function encodeTransferEnvelope(envelope: TransferEnvelope): Uint8Array {
  const writer = new ByteWriter();
  switch (envelope.kind) {
    case "offer":
      writer.u8(OFFER).raw(envelope.transfer).lv(envelope.outer).lv(envelope.sealedHeader);
      writer.raw(envelope.content);
      break;
    case "answer":
      writer.raw(sealedAnswerPrefix(envelope.transfer)).raw(envelope.sealed);
      break;
    case "refusal":
      writer.u8(ANSWER).raw(envelope.transfer).u8(CLEAR).u8(encodeVerdict(envelope.verdict));
      break;
    case "content":
      writer.u8(CONTENT).raw(envelope.transfer).raw(envelope.frames);
      break;
    case "reverse":
      writer.u8(REVERSE).raw(envelope.transfer).raw(envelope.frames);
      break;
    case "receipt":
      writer.raw(receiptPrefix(envelope.transfer)).raw(envelope.sealed);
      break;
    case "withdraw":
      writer.u8(WITHDRAW).raw(envelope.transfer).u8(envelope.reason);
      break;
    case "close":
      writer.u8(CLOSE).raw(envelope.transfer).lv(envelope.outer).lv(envelope.sealedHeader);
      break;
    case "resync":
      writer.u8(RESYNC).raw(envelope.transfer).raw(envelope.resync);
      break;
    default:
      return unreachable(envelope);
  }
  return writer.bytes();
}

/** @throws {@link PosternError} `peer/malformed` */
export function decodeTransferEnvelope(bytes: Uint8Array): TransferEnvelope {
  const reader = new ByteReader(bytes);
  const kind = reader.u8("kind");
  const transfer = reader.take(TRANSFER_ID_BYTES, "transfer").slice();
  switch (kind) {
    case OFFER: {
      const outer = reader.lv("outer", HEADER_BYTES_MAX).slice();
      const sealedHeader = reader.lv("header", HEADER_BYTES_MAX).slice();
      return { kind: "offer", transfer, outer, sealedHeader, content: reader.rest().slice() };
    }
    case ANSWER:
      return decodeAnswerForm(reader, transfer);
    case CONTENT:
      return { kind: "content", transfer, frames: reader.rest() };
    case REVERSE:
      return { kind: "reverse", transfer, frames: reader.rest() };
    case RECEIPT:
      return { kind: "receipt", transfer, sealed: reader.rest().slice() };
    case WITHDRAW: {
      const reason = reader.u8("reason");
      reader.end();
      return { kind: "withdraw", transfer, reason };
    }
    case CLOSE: {
      const outer = reader.lv("outer", HEADER_BYTES_MAX).slice();
      const sealedHeader = reader.lv("header", HEADER_BYTES_MAX).slice();
      reader.end();
      return { kind: "close", transfer, outer, sealedHeader };
    }
    case RESYNC:
      return { kind: "resync", transfer, resync: reader.rest().slice() };
    default:
      throw malformed("kind", "no such transfer envelope");
  }
}

/** Associated data of a sealed answer: the envelope's bytes before it. */
export function sealedAnswerPrefix(transfer: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(ANSWER), transfer, Uint8Array.of(SEALED));
}

/** Associated data of a receipt: the envelope's bytes before it. */
export function receiptPrefix(transfer: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(RECEIPT), transfer);
}

function decodeAnswerForm(reader: ByteReader, transfer: Uint8Array): TransferEnvelope {
  const form = reader.u8("form");
  if (form === SEALED) return { kind: "answer", transfer, sealed: reader.rest().slice() };
  if (form !== CLEAR) throw malformed("form", "neither clear nor sealed");
  const verdict = decodeVerdict(reader.u8("verdict"));
  reader.end();
  const clear = CLEAR_VERDICTS.find((allowed) => allowed === verdict);
  if (clear === undefined) throw malformed("verdict", "not one that is said in the clear");
  return { kind: "refusal", transfer, verdict: clear };
}
