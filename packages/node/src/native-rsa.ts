/**
 * RSA-3072 on node:crypto: OAEP and PSS with SHA-256, MGF1-SHA-256 and salt 32.
 * docs/protocol.md 2.
 *
 * Invariant: only keys with 3072 bits, exponent 65537, the plain RSA algorithm identifier and the
 * one canonical DER are used, so a key has one encoding and its certificate covers all of it.
 *
 * @module
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { equalBytes, utf8, wipe } from "@postern/core/bytes";
import type { Rsa, RsaKeyPair, RsaPublicKey } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { RSA_CIPHERTEXT_BYTES, RSA_MODULUS_BITS, RSA_SPKI_BYTES_MAX } from "@postern/core/limits";

const EXPONENT = 65_537;
/** Modulus less two hashes and two bytes (RFC 8017, 7.1.1). */
const OAEP_PLAINTEXT_BYTES_MAX = 318;
const PSS_SALT_BYTES = 32;
/** An exported pair is about 1,800 bytes. */
const PKCS8_BYTES_MAX = 4_096;
const PUBLIC_DER = { format: "der", type: "spki" } as const;
const SECRET_DER = { format: "der", type: "pkcs8" } as const;

const publicKeys = new WeakMap<RsaPublicKey, KeyObject>();
const privateKeys = new WeakMap<RsaPublicKey, KeyObject>();

export const nativeRsa: Rsa = {
  async generate() {
    const options = { modulusLength: RSA_MODULUS_BITS, publicExponent: EXPONENT };
    return pairOf((await promisify(generateKeyPair)("rsa", options)).privateKey);
  },

  async importSecret(pkcs8) {
    const key = readPrivate(pkcs8);
    if (key === undefined) throw new PosternError("store/failed", "stored RSA key is damaged");
    return pairOf(key);
  },

  async importPublic(spki) {
    const key = readPublic(spki);
    return key && publicOf(key);
  },

  async encrypt(to, label, plaintext) {
    if (plaintext.length > OAEP_PLAINTEXT_BYTES_MAX)
      throw new PosternError("usage/invalid-argument", "plaintext: too long for OAEP");
    return new Uint8Array(publicEncrypt({ key: publicKeyOf(to), ...oaep(label) }, plaintext));
  },

  async decrypt(keyPair, label, ciphertext) {
    const key = privateKeyOf(keyPair);
    if (ciphertext.length !== RSA_CIPHERTEXT_BYTES) return undefined;
    try {
      const opened = privateDecrypt({ key, ...oaep(label) }, ciphertext);
      const plaintext = new Uint8Array(opened);
      wipe(opened);
      return plaintext;
    } catch {
      return undefined;
    }
  },

  async sign(keyPair, message) {
    return new Uint8Array(sign("sha256", message, { key: privateKeyOf(keyPair), ...PSS }));
  },

  async verify(key, message, signature) {
    if (signature.length !== RSA_CIPHERTEXT_BYTES) return false;
    return verify("sha256", message, { key: publicKeyOf(key), ...PSS }, signature);
  },
};

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES };

/** `oaepHash` sets the hash of MGF1 too. */
function oaep(label: Uint8Array) {
  return { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel: label };
}

function publicOf(key: KeyObject): RsaPublicKey {
  const handle = { spki: new Uint8Array(key.export(PUBLIC_DER)) };
  publicKeys.set(handle, key);
  return handle;
}

function pairOf(privateKey: KeyObject): RsaKeyPair {
  const publicKey = createPublicKey(privateKey);
  const spki = new Uint8Array(publicKey.export(PUBLIC_DER));
  const handle = { spki, exportSecret: () => new Uint8Array(privateKey.export(SECRET_DER)) };
  publicKeys.set(handle, publicKey);
  privateKeys.set(handle, privateKey);
  return handle;
}

function publicKeyOf(handle: RsaPublicKey): KeyObject {
  const key = publicKeys.get(handle);
  if (key === undefined) throw new PosternError("usage/invalid-argument", "RSA key: not imported");
  return key;
}

function privateKeyOf(handle: RsaKeyPair): KeyObject {
  const key = privateKeys.get(handle);
  if (key === undefined) throw new PosternError("usage/invalid-argument", "RSA pair: not imported");
  return key;
}

function readPublic(spki: Uint8Array): KeyObject | undefined {
  if (spki.length > RSA_SPKI_BYTES_MAX) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(spki), ...PUBLIC_DER });
    return isAllowed(key) && equalBytes(key.export(PUBLIC_DER), spki) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** `undefined` too for a key whose parts disagree: a damaged store is found here, not in use. */
function readPrivate(pkcs8: Uint8Array): KeyObject | undefined {
  if (pkcs8.length > PKCS8_BYTES_MAX) return undefined;
  const der = Buffer.from(pkcs8);
  try {
    const key = createPrivateKey({ key: der, ...SECRET_DER });
    const again = key.export(SECRET_DER);
    const canonical = isAllowed(key) && equalBytes(again, der);
    wipe(again);
    return canonical && isConsistent(key) ? key : undefined;
  } catch {
    return undefined;
  } finally {
    wipe(der);
  }
}

/** RSA-PSS keys have another type and RSA keys of other sizes another strength. */
function isAllowed(key: KeyObject): boolean {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa" || modulusLength !== RSA_MODULUS_BITS) return false;
  return publicExponent === BigInt(EXPONENT);
}

function isConsistent(key: KeyObject): boolean {
  const message = utf8("pairwise consistency");
  const signature = sign("sha256", message, { key, ...PSS });
  return verify("sha256", message, { key: createPublicKey(key), ...PSS }, signature);
}
