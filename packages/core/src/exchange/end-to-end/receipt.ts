import { wipe } from "../../bytes/equal.ts";
import { ByteReader, ifWellFormed, malformed } from "../../bytes/reader.ts";
import { ByteWriter, concat, label } from "../../bytes/writer.ts";
import {
  HASH_BYTES,
  KEM_PUBLIC_BYTES,
  SIGNATURE_BYTES,
  SUITE_ID,
  type SigningKeyPair,
  type Suite,
} from "../../crypto/suite.ts";
import { decodeId } from "../../identity/id.ts";
import { decodeVerdict, encodeVerdict, type Verdict } from "../verdict.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { SALT_BYTES, saltedKey } from "./keys.ts";
import { END_TO_END_PROFILE, KID_BYTES } from "./outer.ts";

/**
 * A receiver's last word on an end-to-end transfer, and its newest key.
 * docs/protocol-end-to-end.md 7.3.4.
 *
 * ```text
 *   0x01 | suite u16 | profile u8 = 3 | n u32 | epoch u64 | channel (32) | salt (32) | sealed
 * ```
 */
export interface EndToEndReceipt {
  readonly verdict: Verdict;
  readonly total: number;
  /** 32 bytes; zeros when nothing arrived. */
  readonly digest: Uint8Array;
  /** Counts the keys T has offered in this channel. */
  readonly keyNumber: number;
  /** 16 bytes. */
  readonly kid: Uint8Array;
  /** 1,216 bytes. */
  readonly publicKey: Uint8Array;
}

/** The transfer a receipt is for. */
export interface ReceiptPlace {
  readonly n: number;
  readonly epoch: number;
  /** th_0 */
  readonly channel: Uint8Array;
}

/** What seals and signs a receipt: K_receipt and th_n. */
export interface ReceiptKeys {
  readonly transcript: Uint8Array;
  readonly receiptKey: Uint8Array;
}

const VERSION = 1;
const PREFIX_BYTES = 1 + 2 + 1 + 4 + 8 + 32;
const BODY_BYTES = 1 + 8 + HASH_BYTES + 4 + KID_BYTES + KEM_PUBLIC_BYTES;

export function sealEndToEndReceipt(
  suite: Suite,
  signing: SigningKeyPair,
  keys: ReceiptKeys,
  place: ReceiptPlace,
  receipt: EndToEndReceipt,
): Uint8Array {
  const prefix = encodePrefix(place);
  const body = new ByteWriter()
    .u8(encodeVerdict(receipt.verdict))
    .u64(receipt.total)
    .raw(receipt.digest)
    .u32(receipt.keyNumber)
    .raw(receipt.kid)
    .raw(receipt.publicKey)
    .bytes();
  const signature = suite.sign(signing, signatureInput(suite, keys, body));
  const text = new ByteWriter().lv(body).raw(signature).bytes();
  const salt = suite.random(SALT_BYTES);
  const key = saltedKey(suite, keys.receiptKey, "receipt", salt);
  const sealed = suite.seal(key, SINGLE_USE_NONCE, concat(prefix, keys.transcript), text);
  wipe(key);
  return concat(prefix, salt, sealed);
}

/** Which transfer a receipt claims to be for. `undefined` when it is malformed. */
export function receiptPlace(receipt: Uint8Array): ReceiptPlace | undefined {
  return ifWellFormed(() => {
    const reader = new ByteReader(receipt);
    if (reader.u8("version") !== VERSION) throw malformed("version", "not 1");
    if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not 1");
    if (reader.u8("profile") !== END_TO_END_PROFILE) throw malformed("profile", "not end-to-end");
    const n = reader.u32("n");
    const epoch = reader.u64("epoch");
    return { n, epoch, channel: reader.take(HASH_BYTES, "channel").slice() };
  });
}

/** `undefined` when it does not open, is not signed by `receiverId`, or is malformed. */
export function openEndToEndReceipt(
  suite: Suite,
  receiverId: Uint8Array,
  keys: ReceiptKeys,
  receipt: Uint8Array,
): EndToEndReceipt | undefined {
  const prefix = receipt.subarray(0, PREFIX_BYTES);
  const aad = concat(prefix, keys.transcript);
  const salt = receipt.subarray(PREFIX_BYTES, PREFIX_BYTES + SALT_BYTES);
  const key = saltedKey(suite, keys.receiptKey, "receipt", salt);
  const text = suite.open(key, SINGLE_USE_NONCE, aad, receipt.subarray(PREFIX_BYTES + SALT_BYTES));
  wipe(key);
  const publicKey = decodeId(receiverId);
  if (text === undefined || publicKey === undefined) return undefined;
  return ifWellFormed(() => {
    const reader = new ByteReader(text);
    const body = reader.lv("body", BODY_BYTES);
    const signature = reader.take(SIGNATURE_BYTES, "signature");
    reader.end();
    if (!suite.verify(publicKey, signatureInput(suite, keys, body), signature))
      throw malformed("signature", "not the receiver's");
    return decodeBody(body);
  });
}

function encodePrefix({ n, epoch, channel }: ReceiptPlace): Uint8Array {
  return new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .u8(END_TO_END_PROFILE)
    .u32(n)
    .u64(epoch)
    .raw(channel)
    .bytes();
}

function signatureInput(suite: Suite, keys: ReceiptKeys, body: Uint8Array): Uint8Array {
  return concat(label("ack"), keys.transcript, suite.sha256(body));
}

function decodeBody(body: Uint8Array): EndToEndReceipt {
  const reader = new ByteReader(body);
  const verdict = decodeVerdict(reader.u8("verdict"));
  const total = reader.u64("total");
  const digest = reader.take(HASH_BYTES, "digest").slice();
  const keyNumber = reader.u32("keyNumber");
  const kid = reader.take(KID_BYTES, "kid").slice();
  const publicKey = reader.take(KEM_PUBLIC_BYTES, "publicKey").slice();
  reader.end();
  return { verdict, total, digest, keyNumber, kid, publicKey };
}
