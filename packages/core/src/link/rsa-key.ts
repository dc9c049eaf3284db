/**
 * RSA keys of the RSA profiles: `rsa-certificate` (0x15) from the client, answered by `rsa-key`
 * (0x45) from the relay (docs/protocol.md 3, 5.1, 7.1). Both stay opaque here: whoever uses a key
 * checks it first.
 *
 * ```text
 *   rsa-certificate   0 certificate: lv(SPKI), notAfter u64, signature (64)
 *   rsa-key           0 lv(SPKI)
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { RSA_CERTIFICATE_BYTES_MAX, RSA_SPKI_BYTES_MAX } from "../limits.ts";
import { upTo } from "./fields.ts";

export interface RsaCertificateFrame {
  readonly kind: "rsa-certificate";
  readonly certificate: Uint8Array;
}

export interface RsaKeyFrame {
  readonly kind: "rsa-key";
  readonly spki: Uint8Array;
}

export const RSA_CERTIFICATE_TYPE = 0x15;
export const RSA_KEY_TYPE = 0x45;

export function encodeRsaCertificateFrame(writer: ByteWriter, frame: RsaCertificateFrame): void {
  writer.raw(upTo(frame.certificate, RSA_CERTIFICATE_BYTES_MAX, "certificate"));
}

export function decodeRsaCertificateFrame(reader: ByteReader): RsaCertificateFrame {
  const certificate = reader.rest();
  if (certificate.length === 0 || certificate.length > RSA_CERTIFICATE_BYTES_MAX)
    throw malformed("certificate", `length ${certificate.length}`);
  return { kind: "rsa-certificate", certificate };
}

export function encodeRsaKey(writer: ByteWriter, frame: RsaKeyFrame): void {
  writer.lv(upTo(frame.spki, RSA_SPKI_BYTES_MAX, "spki"));
}

export function decodeRsaKey(reader: ByteReader): RsaKeyFrame {
  const spki = reader.lv("spki", RSA_SPKI_BYTES_MAX);
  if (spki.length === 0) throw malformed("spki", "empty");
  return { kind: "rsa-key", spki };
}
