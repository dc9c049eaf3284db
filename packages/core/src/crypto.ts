/** Door of the `crypto` room: the ports. Implementations have doors of their own. @module */
export { requireExpandable, requireLength } from "./crypto/inputs.ts";
export type { Rsa, RsaKeyPair, RsaPublicKey } from "./crypto/rsa.ts";
export {
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  HASH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  KEM_SECRET_BYTES,
  SIGNATURE_BYTES,
  SIGNATURE_PUBLIC_BYTES,
  SUITE_ID,
  type KemKeyPair,
  type Sha256Stream,
  type SigningKeyPair,
  type Suite,
} from "./crypto/suite.ts";
