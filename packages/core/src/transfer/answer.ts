import { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { HASH_BYTES, type Suite } from "../crypto/suite.ts";
import { SINGLE_USE_NONCE } from "../exchange/transfer-keys.ts";
import { receiptPrefix, sealedAnswerPrefix } from "./envelope.ts";
import { decodeVerdict, encodeVerdict, type Verdict } from "../exchange/verdict.ts";

/**
 * A receiver's answer under the answer key. docs/protocol.md 9.
 * `verdict u8 | offset u64 | prefix (32)`
 */
export interface Answer {
  readonly verdict: Verdict;
  /** Content the receiver holds already: 0 unless it resumes. */
  readonly offset: number;
  /** Digest of what it holds; zeros at offset 0. */
  readonly prefixDigest: Uint8Array;
}

/** `total u64 | digest (32) | counter u64 | check (32)`. Counter 0: no next master key was stored. */
export interface ReceiptBody {
  readonly total: number;
  readonly digest: Uint8Array;
  readonly counter: number;
  readonly check: Uint8Array;
}

export function sealAnswer(
  suite: Suite,
  key: Uint8Array,
  transfer: Uint8Array,
  answer: Answer,
): Uint8Array {
  const body = new ByteWriter()
    .u8(encodeVerdict(answer.verdict))
    .u64(answer.offset)
    .raw(answer.prefixDigest)
    .bytes();
  return suite.seal(key, SINGLE_USE_NONCE, sealedAnswerPrefix(transfer), body);
}

/** `undefined` when it does not open. @throws {@link PosternError} `peer/malformed` */
export function openAnswer(
  suite: Suite,
  key: Uint8Array,
  transfer: Uint8Array,
  sealed: Uint8Array,
): Answer | undefined {
  const body = suite.open(key, SINGLE_USE_NONCE, sealedAnswerPrefix(transfer), sealed);
  if (body === undefined) return undefined;
  const reader = new ByteReader(body);
  const verdict = decodeVerdict(reader.u8("verdict"));
  const offset = reader.u64("offset");
  const prefixDigest = reader.take(HASH_BYTES, "prefixDigest").slice();
  reader.end();
  return { verdict, offset, prefixDigest };
}

export function sealReceipt(
  suite: Suite,
  key: Uint8Array,
  transfer: Uint8Array,
  receipt: ReceiptBody,
): Uint8Array {
  const body = new ByteWriter()
    .u64(receipt.total)
    .raw(receipt.digest)
    .u64(receipt.counter)
    .raw(receipt.check)
    .bytes();
  return suite.seal(key, SINGLE_USE_NONCE, receiptPrefix(transfer), body);
}

/** `undefined` when it does not open. @throws {@link PosternError} `peer/malformed` */
export function openReceipt(
  suite: Suite,
  key: Uint8Array,
  transfer: Uint8Array,
  sealed: Uint8Array,
): ReceiptBody | undefined {
  const body = suite.open(key, SINGLE_USE_NONCE, receiptPrefix(transfer), sealed);
  if (body === undefined) return undefined;
  const reader = new ByteReader(body);
  const total = reader.u64("total");
  const digest = reader.take(HASH_BYTES, "digest").slice();
  const counter = reader.u64("counter");
  const check = reader.take(HASH_BYTES, "check").slice();
  reader.end();
  return { total, digest, counter, check };
}
