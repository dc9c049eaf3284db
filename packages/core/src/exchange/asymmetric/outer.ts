import { equalBytes } from "../../bytes/equal.ts";
import { ByteReader, malformed } from "../../bytes/reader.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { SUITE_ID } from "../../crypto/suite.ts";
import { RSA_CERTIFICATE_BYTES_MAX, RSA_CIPHERTEXT_BYTES } from "../../limits.ts";
import type { ExchangeContext } from "../context.ts";

/**
 * Outer header of an offer in the asymmetric profile, in the clear. docs/protocol.md 7.2.
 *
 * ```text
 *   0x01 | suite u16 | profile u8 = 2 | tid (16) | S (32) | T (32)
 *   | lv(certificate of S) | ct (384)
 * ```
 */
export interface AsymmetricOuter {
  /** Fingerprint the sender meant it for: a verdict of its own when it is not this client's. */
  readonly receiver: Uint8Array;
  /** The sender's RSA key, certified by its identity; not yet checked. */
  readonly certificate: Uint8Array;
  /** The master key under the receiver's RSA key. */
  readonly ciphertext: Uint8Array;
}

export const ASYMMETRIC_PROFILE = 2;
const VERSION = 1;

export function encodeAsymmetricOuter(
  context: ExchangeContext,
  outer: Pick<AsymmetricOuter, "certificate" | "ciphertext">,
): Uint8Array {
  return new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .u8(ASYMMETRIC_PROFILE)
    .raw(context.transfer)
    .raw(context.sender.fingerprint)
    .raw(context.receiver.fingerprint)
    .lv(outer.certificate)
    .raw(outer.ciphertext)
    .bytes();
}

/** @throws {@link PosternError} `peer/malformed` */
export function decodeAsymmetricOuter(
  context: ExchangeContext,
  bytes: Uint8Array,
): AsymmetricOuter {
  const reader = new ByteReader(bytes);
  if (reader.u8("version") !== VERSION) throw malformed("version", "not 1");
  if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not 1");
  if (reader.u8("profile") !== ASYMMETRIC_PROFILE) throw malformed("profile", "not asymmetric");
  if (!equalBytes(reader.take(16, "transfer"), context.transfer))
    throw malformed("transfer", "not the envelope's");
  if (!equalBytes(reader.take(32, "sender"), context.sender.fingerprint))
    throw malformed("sender", "not the envelope's");
  const receiver = reader.take(32, "receiver").slice();
  const certificate = reader.lv("certificate", RSA_CERTIFICATE_BYTES_MAX).slice();
  const ciphertext = reader.take(RSA_CIPHERTEXT_BYTES, "ciphertext").slice();
  reader.end();
  return { receiver, certificate, ciphertext };
}
