/**
 * Suite 1 on node:crypto. docs/protocol.md 2.
 *
 * Key pairs are imported once: OpenSSL's key objects live beside the pair and go when it goes.
 * Returned bytes are plain `Uint8Array`s, never `Buffer`s, whose `slice` would share memory.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  type KeyObject,
  randomFillSync,
} from "node:crypto";
import { wipe } from "@postern/core/bytes";
import {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  HASH_BYTES,
  KEM_SECRET_BYTES,
  requireExpandable,
  requireLength,
  type KemKeyPair,
  type Sha256Stream,
  type SigningKeyPair,
  type Suite,
} from "@postern/core/crypto";
import { expandEd25519, signEd25519, verifyEd25519 } from "./ed25519.ts";
import { decapsulateXWing, encapsulateXWing, expandXWing, type XWingKeys } from "./xwing.ts";

const CIPHER = "aes-256-gcm";
const CIPHER_OPTIONS = { authTagLength: AEAD_TAG_BYTES };
const SEED_BYTES = 32;

const kemKeys = new WeakMap<KemKeyPair, XWingKeys>();
const signingKeys = new WeakMap<SigningKeyPair, KeyObject>();

export const nativeSuite: Suite = {
  implementation: `node:crypto (OpenSSL ${process.versions.openssl})`,
  random,
  sha256,
  sha256Stream: () => sha256Stream(),
  hmacSha256,
  extract: (salt, secret) => hmacSha256(salt, secret),
  expand,
  seal,
  open,
  generateKem: () => kemOf(random(KEM_SECRET_BYTES)),
  kemFromSeed,
  encapsulate: encapsulateXWing,
  decapsulate: (keyPair, ciphertext) => decapsulateXWing(kemKeysOf(keyPair), ciphertext),
  generateSigning: () => signingOf(random(SEED_BYTES)),
  signingFromSeed,
  sign: (keyPair, message) => signEd25519(signingKeyOf(keyPair), message),
  verify: verifyEd25519,
};

function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return plain(hash("sha256", parts[0]!, "buffer"));
  const state = createHash("sha256");
  for (const part of parts) state.update(part);
  return plain(state.digest());
}

function sha256Stream(state = createHash("sha256")): Sha256Stream {
  return {
    update: (bytes) => void state.update(bytes),
    copy: () => sha256Stream(state.copy()),
    digest: () => plain(state.copy().digest()),
  };
}

function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHmac("sha256", key);
  for (const part of parts) state.update(part);
  return plain(state.digest());
}

function expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  requireExpandable(key, length);
  const out = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let done = 0, counter = 1; done < length; done += HASH_BYTES, counter++) {
    const next = hmacSha256(key, block, info, Uint8Array.of(counter));
    out.set(next.subarray(0, length - done), done);
    wipe(block);
    block = next;
  }
  wipe(block);
  return out;
}

function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  requireLength(key, AEAD_KEY_BYTES, "key");
  requireLength(nonce, AEAD_NONCE_BYTES, "nonce");
  const cipher = createCipheriv(CIPHER, key, nonce, CIPHER_OPTIONS).setAAD(aad);
  const out = new Uint8Array(plaintext.length + AEAD_TAG_BYTES);
  out.set(cipher.update(plaintext));
  cipher.final();
  out.set(cipher.getAuthTag(), plaintext.length);
  return out;
}

function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  requireLength(key, AEAD_KEY_BYTES, "key");
  requireLength(nonce, AEAD_NONCE_BYTES, "nonce");
  const length = sealed.length - AEAD_TAG_BYTES;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, CIPHER_OPTIONS).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(length));
  const plaintext = plain(decipher.update(sealed.subarray(0, length)));
  try {
    decipher.final();
    return plaintext;
  } catch {
    // Nobody may see what an unverified ciphertext decrypts to.
    wipe(plaintext);
    return undefined;
  }
}

function kemFromSeed(seed: Uint8Array): KemKeyPair {
  requireLength(seed, KEM_SECRET_BYTES, "seed");
  return kemOf(new Uint8Array(seed));
}

function kemOf(seed: Uint8Array): KemKeyPair {
  const keys = expandXWing(seed);
  const keyPair = { seed, publicKey: keys.publicKey };
  kemKeys.set(keyPair, keys);
  return keyPair;
}

function kemKeysOf(keyPair: KemKeyPair): XWingKeys {
  const known = kemKeys.get(keyPair);
  if (known !== undefined) return known;
  requireLength(keyPair.seed, KEM_SECRET_BYTES, "seed");
  const keys = expandXWing(keyPair.seed, keyPair.publicKey);
  kemKeys.set(keyPair, keys);
  return keys;
}

function signingFromSeed(seed: Uint8Array): SigningKeyPair {
  requireLength(seed, SEED_BYTES, "seed");
  return signingOf(new Uint8Array(seed));
}

function signingOf(seed: Uint8Array): SigningKeyPair {
  const { privateKey, publicKey } = expandEd25519(seed);
  const keyPair = { seed, publicKey };
  signingKeys.set(keyPair, privateKey);
  return keyPair;
}

function signingKeyOf(keyPair: SigningKeyPair): KeyObject {
  const known = signingKeys.get(keyPair);
  if (known !== undefined) return known;
  requireLength(keyPair.seed, SEED_BYTES, "seed");
  const { privateKey } = expandEd25519(keyPair.seed);
  signingKeys.set(keyPair, privateKey);
  return privateKey;
}

/** The same memory without `Buffer`'s methods. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
