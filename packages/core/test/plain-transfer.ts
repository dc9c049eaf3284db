/**
 * The bytes of docs/protocol.md 9 written out from its text with `plain-crypto.ts`, as hexadecimal.
 *
 * @module
 */
import { lv, seal, uint, unhex, ZERO_NONCE } from "./plain-crypto.ts";

export interface HeaderInputs {
  readonly kind: keyof typeof KINDS;
  readonly contentId: string;
  readonly signed: boolean;
  readonly created: number;
  readonly until: number;
  readonly sessionSeconds: number;
  /** `null`: not known. */
  readonly size: number | null;
  /** Of a directory alone. */
  readonly manifest: { readonly entries: number; readonly bytes: number } | null;
  readonly name: string;
}

export interface AnswerInputs {
  readonly verdict: keyof typeof VERDICTS;
  readonly offset: number;
  readonly prefixDigest: string;
}

export interface ReceiptInputs {
  readonly total: number;
  readonly digest: string;
}

/** One sealed unit of a receiver: what is inside, what it is bound to, and how it travels. */
export interface SealedUnit {
  readonly plaintext: string;
  readonly associatedData: string;
  readonly sealed: string;
  readonly envelope: string;
}

export const VERDICTS = {
  accept: 0,
  decline: 1,
  busy: 2,
  expired: 3,
  "wrong-receiver": 4,
  invalid: 5,
  replayed: 6,
  "key-unknown": 7,
  "profile-refused": 8,
  "too-large": 9,
  "no-space": 10,
  "timed-out": 11,
} as const;

const KINDS = { message: 1, file: 2, directory: 3, stream: 4 } as const;

export function plainHeader(tid: Buffer, header: HeaderInputs): Buffer {
  return Buffer.concat([
    uint(KINDS[header.kind], 1),
    tid,
    uint(header.created, 8),
    uint(header.until, 8),
    unhex(header.contentId),
    uint(header.sessionSeconds, 1),
    uint((header.size === null ? 0 : 1) + (header.signed ? 2 : 0), 1),
    uint(header.size ?? 0, 8),
    uint(header.manifest?.entries ?? 0, 4),
    uint(header.manifest?.bytes ?? 0, 4),
    lv(Buffer.from(header.name, "utf8")),
  ]);
}

export function plainOffer(tid: Buffer, outer: Buffer, sealedHeader: Buffer): Buffer {
  return Buffer.concat([uint(1, 1), tid, lv(outer), lv(sealedHeader)]);
}

export function plainAnswer(key: Buffer, tid: Buffer, answer: AnswerInputs): SealedUnit {
  const associatedData = Buffer.concat([uint(2, 1), tid, uint(1, 1)]);
  const parts = [uint(VERDICTS[answer.verdict], 1), uint(answer.offset, 8)];
  return unit(key, associatedData, Buffer.concat([...parts, unhex(answer.prefixDigest)]));
}

export function plainReceipt(
  key: Buffer,
  tid: Buffer,
  { total, digest }: ReceiptInputs,
  counter: number,
  check: Buffer,
): SealedUnit {
  const parts = [uint(total, 8), unhex(digest), uint(counter, 8), check];
  return unit(key, Buffer.concat([uint(5, 1), tid]), Buffer.concat(parts));
}

function unit(key: Buffer, associatedData: Buffer, plaintext: Buffer): SealedUnit {
  const sealed = seal(key, ZERO_NONCE, associatedData, plaintext);
  return {
    plaintext: plaintext.toString("hex"),
    associatedData: associatedData.toString("hex"),
    sealed: sealed.toString("hex"),
    envelope: Buffer.concat([associatedData, sealed]).toString("hex"),
  };
}
