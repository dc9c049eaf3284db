/**
 * Content records by OpenSSL, synchronous (docs/protocol.md 8).
 *
 * @module
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { RecordCipher } from "../records/record-cipher.ts";

const ALGORITHM = "aes-256-gcm";
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };

export const nodeRecordCipher: RecordCipher = {
  seal(key, nonce, aad, plaintext) {
    const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
    cipher.setAAD(aad);
    const body = cipher.update(plaintext);
    // GCM is a stream: `final` adds no bytes, it makes the tag.
    cipher.final();
    return { parts: [body], tag: cipher.getAuthTag() };
  },

  open(key, nonce, aad, sealed) {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
      return plaintext;
    } catch {
      plaintext.fill(0);
      return undefined;
    }
  },

  release({ buffer, byteLength }) {
    // Detaching frees at once. Only memory that is nobody else's: OpenSSL's output has its own.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
  },
};
