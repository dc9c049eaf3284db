/**
 * The header of an end-to-end offer: what the sender signs, what it only seals, and the message
 * that may ride along. docs/protocol-end-to-end.md 7.3.3.
 *
 * @module
 */
import { areZeros, equalBytes, wipe } from "../../bytes/equal.ts";
import { ByteReader, ifWellFormed, malformed } from "../../bytes/reader.ts";
import { ByteWriter, concat, label, utf8 } from "../../bytes/writer.ts";
import {
  AEAD_TAG_BYTES,
  SIGNATURE_BYTES,
  type SigningKeyPair,
  type Suite,
} from "../../crypto/suite.ts";
import { decodeId } from "../../identity/id.ts";
import { HEADER_BYTES_MAX, KEY_PACKAGE_BYTES, SEALED_HEADER_PADDING_BYTES } from "../../limits.ts";
import type { ExchangeContext } from "../context.ts";
import { SINGLE_USE_NONCE, type TransferKeys } from "../transfer-keys.ts";
import { firstSessionKey } from "./session-chain.ts";

/** What a header says once it has opened. */
export interface OpenedHeader {
  /** The transfer's header (docs/protocol.md 9). */
  readonly header: Uint8Array;
  /** A package for the channel the other way; `undefined` when the sender encloses none. */
  readonly replyPackage: Uint8Array | undefined;
}

/** kind, tid, created and until: the part of a header that the sender signs. */
const SIGNED_HEADER_BYTES = 1 + 16 + 8 + 8;

export function sealEndToEndHeader(
  { suite, sender, receiver }: Pick<ExchangeContext, "suite" | "sender" | "receiver">,
  signing: SigningKeyPair,
  keys: TransferKeys,
  outer: Uint8Array,
  { header, replyPackage }: OpenedHeader,
): Uint8Array {
  const signed = new ByteWriter()
    .raw(header.subarray(0, SIGNED_HEADER_BYTES))
    .raw(sender.fingerprint)
    .raw(receiver.fingerprint)
    .lv(replyPackage ?? new Uint8Array(0))
    .bytes();
  const signature = suite.sign(signing, signatureInput(suite, keys, signed));
  const text = new ByteWriter().lv(signed).raw(signature).lv(header).bytes();
  const padding = SEALED_HEADER_PADDING_BYTES;
  const padded = new Uint8Array(Math.ceil(text.length / padding) * padding);
  padded.set(text);
  return suite.seal(keys.header, SINGLE_USE_NONCE, outer, padded);
}

/** `undefined` when it does not open, is not signed by the sender, or is malformed. */
export function openEndToEndHeader(
  { suite, sender, receiver }: Pick<ExchangeContext, "suite" | "sender" | "receiver">,
  keys: TransferKeys,
  outer: Uint8Array,
  sealed: Uint8Array,
): OpenedHeader | undefined {
  const text = suite.open(keys.header, SINGLE_USE_NONCE, outer, sealed);
  const publicKey = decodeId(sender.id);
  const parts = text && ifWellFormed(() => split(text));
  if (parts === undefined || publicKey === undefined) return undefined;
  const { signed, signature, header } = parts;
  if (!suite.verify(publicKey, signatureInput(suite, keys, signed), signature)) return undefined;
  return ifWellFormed(() => {
    const reader = new ByteReader(signed);
    const start = reader.take(SIGNED_HEADER_BYTES, "signed");
    if (!equalBytes(start, header.subarray(0, SIGNED_HEADER_BYTES)))
      throw malformed("header", "not the one that is signed");
    if (!equalBytes(reader.take(32, "sender"), sender.fingerprint))
      throw malformed("sender", "not the envelope's");
    if (!equalBytes(reader.take(32, "receiver"), receiver.fingerprint))
      throw malformed("receiver", "another client");
    const enclosed = reader.lv("replyPackage", KEY_PACKAGE_BYTES).slice();
    reader.end();
    return { header, replyPackage: enclosed.length === 0 ? undefined : enclosed };
  });
}

/** A message that rides in its offer. Returns the box; {@link messageDigest} is its digest. */
export function sealMessage(suite: Suite, keys: TransferKeys, content: Uint8Array): Uint8Array {
  const key = firstSessionKey(suite, keys);
  const box = suite.seal(key, SINGLE_USE_NONCE, messageAad(keys), content);
  wipe(key);
  return box;
}

export function openMessage(
  suite: Suite,
  keys: TransferKeys,
  box: Uint8Array,
): Uint8Array | undefined {
  const key = firstSessionKey(suite, keys);
  const content = suite.open(key, SINGLE_USE_NONCE, messageAad(keys), box);
  wipe(key);
  return content;
}

/** SHA-256 of the tag, as of one record (docs/protocol.md 8). */
export function messageDigest(suite: Suite, box: Uint8Array): Uint8Array {
  return suite.sha256(box.subarray(box.length - AEAD_TAG_BYTES));
}

function messageAad({ transcript }: TransferKeys): Uint8Array {
  return concat(transcript, utf8("message"));
}

function signatureInput(suite: Suite, keys: TransferKeys, signed: Uint8Array): Uint8Array {
  return concat(label("hdr"), keys.transcript, suite.sha256(signed));
}

function split(text: Uint8Array): {
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly header: Uint8Array;
} {
  const reader = new ByteReader(text);
  const signed = reader.lv("signed", HEADER_BYTES_MAX);
  const signature = reader.take(SIGNATURE_BYTES, "signature");
  const header = reader.lv("header", HEADER_BYTES_MAX).slice();
  const padding = reader.rest();
  const isWhole = text.length % SEALED_HEADER_PADDING_BYTES === 0;
  if (!isWhole || padding.length >= SEALED_HEADER_PADDING_BYTES || !areZeros(padding))
    throw malformed("padding", "not canonical");
  return { signed, signature, header };
}
