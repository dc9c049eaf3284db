/**
 * Another client's RSA key: `fetch-certificate` (0x19) from the client, answered by `certificate`
 * (0x4b) from the relay, or by `result` (docs/protocol.md 5.1, 7.2). The certificate is opaque
 * here: whoever asked holds it against the fingerprint that it asked for.
 *
 * ```text
 *   fetch-certificate   0 request u32 | 4 of (32) | 36
 *   certificate         0 request u32 | 4 certificate, length 0: none
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import { RSA_CERTIFICATE_BYTES_MAX } from "../limits.ts";
import { exactly, FINGERPRINT_BYTES, readRequest, upTo, writeRequest } from "./fields.ts";

export interface FetchCertificateFrame {
  readonly kind: "fetch-certificate";
  readonly request: number;
  /** The owner's fingerprint, 32 bytes. */
  readonly of: Uint8Array;
}

export interface CertificateFrame {
  readonly kind: "certificate";
  readonly request: number;
  /** Empty when its owner is connected and has shown none that is valid. */
  readonly certificate: Uint8Array;
}

export const FETCH_CERTIFICATE_TYPE = 0x19;
export const CERTIFICATE_TYPE = 0x4b;

export function encodeFetchCertificate(writer: ByteWriter, frame: FetchCertificateFrame): void {
  writeRequest(writer, frame.request);
  writer.raw(exactly(frame.of, FINGERPRINT_BYTES, "of"));
}

export function decodeFetchCertificate(reader: ByteReader): FetchCertificateFrame {
  const request = readRequest(reader);
  return { kind: "fetch-certificate", request, of: reader.take(FINGERPRINT_BYTES, "of") };
}

export function encodeCertificate(writer: ByteWriter, frame: CertificateFrame): void {
  const { request, certificate } = frame;
  writeRequest(writer, request);
  if (certificate.length > 0)
    writer.raw(upTo(certificate, RSA_CERTIFICATE_BYTES_MAX, "certificate"));
}

export function decodeCertificate(reader: ByteReader): CertificateFrame {
  const request = readRequest(reader);
  const certificate = reader.rest();
  if (certificate.length > RSA_CERTIFICATE_BYTES_MAX)
    throw malformed("certificate", `length ${certificate.length}`);
  return { kind: "certificate", request, certificate };
}
