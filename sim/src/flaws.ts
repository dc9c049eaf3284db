/**
 * Deliberate defects of the simulated drivers and suites: each must be caught by its checker, or
 * the checker checks nothing.
 *
 * @module
 */
import { createDecipheriv } from "node:crypto";
import { concat } from "@postern/core/bytes";
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type Suite } from "@postern/core/crypto";

export type Flaw =
  /** Every text is sealed under the nonce 0. */
  | "repeats-nonces"
  /** Sealing hides nothing and proves nothing. */
  | "no-cipher"
  /** Whatever a tag says, the bytes are taken. */
  | "ignores-tags"
  /** A kept key stays in the store when it is taken. */
  | "reuses-kept-keys"
  /** Dropping a key forgets the pair's counter with it. */
  | "forgets-counters"
  | "stores-other-bytes"
  /** Deadlines pass unnoticed. */
  | "never-wakes"
  | "relay-keeps-keys"
  | "relay-loses-presence";

const ZERO = new Uint8Array(AEAD_NONCE_BYTES);

export function flawedSuite(suite: Suite, flaw: Flaw | undefined): Suite {
  if (flaw === "repeats-nonces")
    return {
      ...suite,
      seal: (key, _nonce, aad, plaintext) => suite.seal(key, ZERO, aad, plaintext),
      open: (key, _nonce, aad, sealed) => suite.open(key, ZERO, aad, sealed),
    };
  if (flaw === "ignores-tags") return { ...suite, open: openUnchecked };
  if (flaw !== "no-cipher") return suite;
  return {
    ...suite,
    seal: (_key, _nonce, _aad, plaintext) => concat(plaintext, new Uint8Array(AEAD_TAG_BYTES)),
    open: (_key, _nonce, _aad, sealed) =>
      sealed.length < AEAD_TAG_BYTES ? undefined : sealed.slice(0, -AEAD_TAG_BYTES),
  };
}

function openUnchecked(
  key: Uint8Array,
  nonce: Uint8Array,
  _aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  // Without `final()` nobody looks at the tag.
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  return new Uint8Array(decipher.update(sealed.subarray(0, -AEAD_TAG_BYTES)));
}
