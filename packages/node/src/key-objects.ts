/**
 * Raw keys in and out of node:crypto. Node takes raw keys since late in its 24 line; before, each
 * kind travels in its fixed DER wrapping (RFC 8410; RFC 9935 for ML-KEM seeds). Decoding that costs
 * three times as much as a public key itself.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { concat, wipe } from "@postern/core/bytes";
import { requireLength } from "@postern/core/crypto";

interface Wrapping {
  /** As node:crypto calls it. */
  readonly type: "x25519" | "ed25519" | "ml-kem-768";
  readonly secretBytes: number;
  readonly publicBytes: number;
  /** PKCS#8 up to the secret, which is its end. */
  readonly pkcs8: Uint8Array;
  /** SubjectPublicKeyInfo up to the public key, which is its end. */
  readonly spki: Uint8Array;
}

export const X25519 = curve("x25519", "6e");
export const ED25519 = curve("ed25519", "70");
/** The secret is the 64-byte seed `d || z`. */
export const ML_KEM_768: Wrapping = {
  type: "ml-kem-768",
  secretBytes: 64,
  publicBytes: 1_184,
  pkcs8: Buffer.from("3054020100300b060960864801650304040204428040", "hex"),
  spki: Buffer.from("308204b2300b0609608648016503040402038204a100", "hex"),
};

/** `oidEnd` is the last byte of 1.3.101.110 or 1.3.101.112. */
function curve(type: "x25519" | "ed25519", oidEnd: string): Wrapping {
  return {
    type,
    secretBytes: 32,
    publicBytes: 32,
    pkcs8: Buffer.from(`302e020100300506032b65${oidEnd}04220420`, "hex"),
    spki: Buffer.from(`302a300506032b65${oidEnd}032100`, "hex"),
  };
}

/**
 * Copies `secret` into OpenSSL's memory, which is wiped when the key object is collected.
 *
 * @throws PosternError `usage/invalid-argument` for another length: OpenSSL would ignore the rest.
 */
export function importPrivate(kind: Wrapping, secret: Uint8Array): KeyObject {
  requireLength(secret, kind.secretBytes, "secret");
  // An ML-KEM seed takes twice as long the raw way.
  if (takesRaw && kind.type !== "ml-kem-768")
    return createPrivateKey({
      key: viewOf(secret),
      format: "raw-private",
      asymmetricKeyType: kind.type,
    });
  const der = concat(kind.pkcs8, secret);
  try {
    return createPrivateKey({ key: viewOf(der), format: "der", type: "pkcs8" });
  } finally {
    wipe(der);
  }
}

/** `undefined` when OpenSSL refuses the key: wrong length, ML-KEM coefficients out of range. */
export function importPublic(kind: Wrapping, raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== kind.publicBytes) return undefined;
  try {
    return takesRaw
      ? createPublicKey({
          key: viewOf(raw),
          format: "raw-public",
          asymmetricKeyType: kind.type,
        })
      : createPublicKey({ key: viewOf(concat(kind.spki, raw)), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** The raw public half of a public or a private key, in memory of its own. */
export function exportPublic(kind: Wrapping, key: KeyObject): Uint8Array {
  const half = key.type === "private" ? createPublicKey(key) : key;
  if (takesRaw) return new Uint8Array(half.export({ format: "raw-public" }));
  return new Uint8Array(half.export({ format: "der", type: "spki" }).subarray(kind.spki.length));
}

/** The same bytes as a `Buffer`, where node:crypto's types want one. */
function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether this Node takes and gives raw public keys. */
const takesRaw = ((): boolean => {
  try {
    const [format, asymmetricKeyType] = ["raw-public", "x25519"] as const;
    const key = createPublicKey({ key: Buffer.alloc(32, 9), format, asymmetricKeyType });
    return key.export({ format }).length === X25519.publicBytes;
  } catch {
    return false;
  }
})();
