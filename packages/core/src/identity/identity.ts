/**
 * A client's identity: one Ed25519 key, its public form and its fingerprint. docs/protocol.md 3.
 *
 * @module
 */
import type { SigningKeyPair, Suite } from "../crypto.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { encodeId } from "./id.ts";

export interface Identity {
  /** Holds the secret. Its owner wipes `signing.seed`. */
  readonly signing: SigningKeyPair;
  /** The public form, 35 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
}

export function createIdentity(suite: Suite): Identity {
  return identityOf(suite, suite.generateSigning());
}

/**
 * The identity of a stored 32-byte secret. The seed is copied: the caller may wipe its own.
 *
 * @throws PosternError `usage/invalid-argument` for another length.
 */
export function identityFromSeed(suite: Suite, seed: Uint8Array): Identity {
  return identityOf(suite, suite.signingFromSeed(seed));
}

function identityOf(suite: Suite, signing: SigningKeyPair): Identity {
  const id = encodeId(signing.publicKey);
  return { signing, id, fingerprint: fingerprintOf(suite, id) };
}
