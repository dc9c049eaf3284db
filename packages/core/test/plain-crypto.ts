/**
 * The suite of docs/protocol.md 2 straight from `node:crypto`, and the notation of section 1: the
 * second opinion that vectors are held against. It shares no line with the code under test.
 *
 * @module
 */
import { createCipheriv, createHash, createHmac, createPrivateKey, hkdfSync } from "node:crypto";
import { createPublicKey, sign } from "node:crypto";

export const ZERO_NONCE = Buffer.alloc(12);

/** RFC 8410: what stands before the 32 bytes of an Ed25519 secret in PKCS#8. */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

export function unhex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

export function label(use: string): Buffer {
  return Buffer.from(`postern ${use}/1\0`, "latin1");
}

/** An unsigned integer of `length` bytes, big-endian. */
export function uint(value: number, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}

export function lv(bytes: Buffer): Buffer {
  return Buffer.concat([uint(bytes.length, 4), bytes]);
}

export function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

/** HKDF-Extract is one HMAC (RFC 5869, 2.2). */
export function extract(salt: Buffer, secret: Buffer): Buffer {
  return createHmac("sha256", salt).update(secret).digest();
}

/** Extract and expand in one, to 32 bytes. */
export function hkdf(salt: Buffer, secret: Buffer, info: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
}

export function seal(key: Buffer, nonce: Buffer, aad: Buffer, plaintext: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** HKDF-Expand to 32 bytes is one HMAC (RFC 5869, 2.3). */
export function expand(key: Buffer, info: Buffer): Buffer {
  return createHmac("sha256", key).update(info).update(uint(1, 1)).digest();
}

/** HKDF-Expand to `length` bytes: as many HMACs as it takes, each over the one before. */
export function expandTo(key: Buffer, info: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 1; 32 * blocks.length < length; i++) {
    const parts = [blocks.at(-1) ?? Buffer.alloc(0), info, uint(i, 1)];
    blocks.push(createHmac("sha256", key).update(Buffer.concat(parts)).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** Ed25519 (RFC 8032) under the secret `seed`. */
export function signed(seed: Buffer, message: Buffer): Buffer {
  return sign(null, message, signingKey(seed));
}

/** Identity and fingerprint of section 3, from the secret. */
export function party(seed: Buffer): { readonly id: Buffer; readonly fingerprint: Buffer } {
  const spki = createPublicKey(signingKey(seed)).export({ format: "der", type: "spki" });
  const id = Buffer.concat([uint(1, 1), uint(1, 2), spki.subarray(-32)]);
  return { id, fingerprint: sha256(label("identity"), id) };
}

/** The certificate of section 3. */
export function certificate(seed: Buffer, spki: Buffer, notAfter: number): Buffer {
  const body = Buffer.concat([lv(spki), uint(notAfter, 8)]);
  const signature = signed(seed, Buffer.concat([label("rsa"), body]));
  return Buffer.concat([body, signature]);
}

function signingKey(seed: Buffer) {
  const key = Buffer.concat([ED25519_PKCS8, seed]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}
