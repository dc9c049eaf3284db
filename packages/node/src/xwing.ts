/**
 * X-Wing (draft-connolly-cfrg-xwing-kem) from the ML-KEM-768, X25519 and SHA-3 of OpenSSL.
 * docs/protocol.md 2.
 *
 * ```text
 *   public key  ML-KEM (1184) || X25519 (32)        ciphertext  ML-KEM (1088) || X25519 (32)
 *   secret      SHA3-256(mlKemSecret || x25519Secret || x25519 ciphertext || x25519 key || label)
 * ```
 *
 * Invariants: an all-zero X25519 result is refused (OpenSSL fails); the ciphertext and the X25519
 * key are part of the secret, so another encoding of the same point gives another secret.
 *
 * @module
 */
import {
  createHash,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { concat, wipe } from "@postern/core/bytes";
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES } from "@postern/core/crypto";
import { exportPublic, importPrivate, importPublic, ML_KEM_768, X25519 } from "./key-objects.ts";

const ML_KEM_SEED_BYTES = 64;
const EXPANDED_BYTES = 96;
const ML_KEM_PUBLIC_BYTES = 1_184;
const ML_KEM_CIPHERTEXT_BYTES = 1_088;
/** `\.//^\`, the draft's XWingLabel. */
const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

/** A seed's two private keys, ready for use, and the public key they make. */
export interface XWingKeys {
  readonly mlKem: KeyObject;
  readonly x25519: KeyObject;
  /** 1216 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * `seed` is the 32-byte X-Wing secret key; it is not kept. `publicKey` is the one it makes, where
 * that is known already: to make it again costs as much as all the rest.
 */
export function expandXWing(seed: Uint8Array, publicKey?: Uint8Array): XWingKeys {
  const expanded = createHash("shake256", { outputLength: EXPANDED_BYTES }).update(seed).digest();
  const mlKem = importPrivate(ML_KEM_768, expanded.subarray(0, ML_KEM_SEED_BYTES));
  const x25519 = importPrivate(X25519, expanded.subarray(ML_KEM_SEED_BYTES));
  wipe(expanded);
  const exported = (): Uint8Array =>
    concat(exportPublic(ML_KEM_768, mlKem), exportPublic(X25519, x25519));
  return { mlKem, x25519, publicKey: publicKey ?? exported() };
}

/** `undefined` for a key of wrong length, with coefficients out of range, or of low order. */
export function encapsulateXWing(
  publicKey: Uint8Array,
): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } | undefined {
  if (publicKey.length !== KEM_PUBLIC_BYTES) return undefined;
  const theirX25519 = publicKey.subarray(ML_KEM_PUBLIC_BYTES);
  const mlKem = importPublic(ML_KEM_768, publicKey.subarray(0, ML_KEM_PUBLIC_BYTES));
  if (mlKem === undefined) return undefined;
  const ephemeral = generateKeyPairSync("x25519");
  const x25519Secret = agree(ephemeral.privateKey, theirX25519);
  if (x25519Secret === undefined) return undefined;
  const share = exportPublic(X25519, ephemeral.publicKey);
  const { sharedKey, ciphertext } = encapsulate(mlKem);
  const secret = combine(sharedKey, x25519Secret, share, theirX25519);
  return { ciphertext: concat(ciphertext, share), secret };
}

/** `undefined` for a wrong length or a low-order X25519 share. */
export function decapsulateXWing(keys: XWingKeys, ciphertext: Uint8Array): Uint8Array | undefined {
  if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) return undefined;
  const share = ciphertext.subarray(ML_KEM_CIPHERTEXT_BYTES);
  const x25519Secret = agree(keys.x25519, share);
  if (x25519Secret === undefined) return undefined;
  const mlKemSecret = decapsulate(keys.mlKem, ciphertext.subarray(0, ML_KEM_CIPHERTEXT_BYTES));
  return combine(mlKemSecret, x25519Secret, share, keys.publicKey.subarray(ML_KEM_PUBLIC_BYTES));
}

function agree(privateKey: KeyObject, theirPublicKey: Uint8Array): Uint8Array | undefined {
  const publicKey = importPublic(X25519, theirPublicKey);
  if (publicKey === undefined) return undefined;
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    // The only failure of X25519 is the all-zero result of a low-order share.
    return undefined;
  }
}

/** Wipes the two secrets it is given. */
function combine(
  mlKemSecret: Uint8Array,
  x25519Secret: Uint8Array,
  share: Uint8Array,
  x25519Key: Uint8Array,
): Uint8Array {
  const hash = createHash("sha3-256").update(mlKemSecret).update(x25519Secret);
  wipe(mlKemSecret, x25519Secret);
  return new Uint8Array(hash.update(share).update(x25519Key).update(LABEL).digest());
}
