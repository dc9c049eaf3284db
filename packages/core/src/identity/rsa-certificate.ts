/**
 * A client's RSA key, certified by its identity. docs/protocol.md 3.
 *
 * ```text
 *   lv(SPKI) || notAfter u64 (ms) || Ed25519(label("rsa") || lv(SPKI) || notAfter) (64)
 * ```
 *
 * What the SPKI holds is not checked here: `Rsa.importPublic` does.
 *
 * @module
 */
import { ByteReader, ByteWriter, concat, label } from "../bytes.ts";
import { SIGNATURE_BYTES, type Suite } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { RSA_KEY_VALID_MS, RSA_SPKI_BYTES_MAX } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { decodeId } from "./id.ts";
import type { Identity } from "./identity.ts";

/** Twice a key's life: clocks and versions may differ, yet nobody certifies a key for ever. */
const AHEAD_MS_MAX = 2 * RSA_KEY_VALID_MS;

export interface CertifiedRsaKey {
  /** SubjectPublicKeyInfo, DER; a copy. */
  readonly spki: Uint8Array;
  readonly notAfter: WallMs;
}

/** @throws {@link PosternError} `usage/invalid-argument` for an SPKI of no allowed length. */
export function encodeRsaCertificate(
  suite: Suite,
  identity: Identity,
  spki: Uint8Array,
  notAfter: WallMs,
): Uint8Array {
  if (spki.length === 0 || spki.length > RSA_SPKI_BYTES_MAX)
    throw new PosternError("usage/invalid-argument", "spki: length", { length: spki.length });
  const body = new ByteWriter().lv(spki).u64(notAfter).bytes();
  return concat(body, suite.sign(identity.signing, concat(label("rsa"), body)));
}

/**
 * The key that the identity `id` certified in `bytes`. `undefined` when the certificate is
 * malformed, not signed by `id`, past its time at `now`, or valid for longer than allowed.
 */
export function decodeRsaCertificate(
  suite: Suite,
  id: Uint8Array,
  bytes: Uint8Array,
  now: WallMs,
): CertifiedRsaKey | undefined {
  const publicKey = decodeId(id);
  const parts = split(bytes);
  if (publicKey === undefined || parts === undefined) return undefined;
  const body = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  if (!suite.verify(publicKey, concat(label("rsa"), body), parts.signature)) return undefined;
  const { spki, notAfter } = parts;
  if (notAfter < now || notAfter - now > AHEAD_MS_MAX) return undefined;
  return { spki: new Uint8Array(spki), notAfter };
}

function split(bytes: Uint8Array): (CertifiedRsaKey & { signature: Uint8Array }) | undefined {
  try {
    const reader = new ByteReader(bytes);
    const spki = reader.lv("spki", RSA_SPKI_BYTES_MAX);
    const notAfter = reader.u64("notAfter") as WallMs;
    const signature = reader.take(SIGNATURE_BYTES, "signature");
    reader.end();
    return spki.length === 0 ? undefined : { spki, notAfter, signature };
  } catch (error) {
    if (error instanceof PosternError) return undefined;
    throw error;
  }
}
