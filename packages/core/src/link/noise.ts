/**
 * CipherState and SymmetricState of the Noise Protocol Framework, revision 34, sections 5.1 and
 * 5.2, over a Suite (docs/protocol.md 5): AESGCM, SHA256. Which tokens a handshake has is not
 * known here.
 *
 * Invariants: a key and a nonce never seal twice; what is overwritten is wiped. A ciphertext that
 * does not open leaves nothing changed but ends its handshake or link.
 *
 * @module
 */
import { utf8, wipe } from "../bytes.ts";
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, HASH_BYTES, type Suite } from "../crypto.ts";

const EMPTY = new Uint8Array(0);
const ZEROS = new Uint8Array(AEAD_KEY_BYTES);
/** 0^4 || 2^64 - 1: reserved for Rekey() (section 5.1). */
const REKEY_NONCE = new Uint8Array(AEAD_NONCE_BYTES).fill(0xff, 4);

/** One direction's key and counter. Changes in place. */
export class CipherState {
  readonly #suite: Suite;
  readonly #key: Uint8Array;
  /** Cannot reach 2^53 at any rate a link has, so it cannot come near Noise's 2^64. */
  #counter = 0;

  /** Copies `key`. */
  constructor(suite: Suite, key: Uint8Array) {
    this.#suite = suite;
    this.#key = new Uint8Array(key);
  }

  /** Messages sealed or opened so far. */
  get counter(): number {
    return this.#counter;
  }

  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#suite.seal(this.#key, nonceOf(this.#counter), aad, plaintext);
    this.#counter++;
    return sealed;
  }

  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#suite.open(this.#key, nonceOf(this.#counter), aad, sealed);
    if (plaintext !== undefined) this.#counter++;
    return plaintext;
  }

  /** Rekey() of section 4.2: the default one. The counter goes on. */
  rekey(): void {
    const sealed = this.#suite.seal(this.#key, REKEY_NONCE, EMPTY, ZEROS);
    this.#key.set(sealed.subarray(0, AEAD_KEY_BYTES));
    wipe(sealed);
  }

  wipe(): void {
    wipe(this.#key);
  }
}

/** The handshake's chaining key, hash and current key. Changes in place. */
export class SymmetricState {
  readonly #suite: Suite;
  readonly #chainingKey: Uint8Array;
  /** Replaced, never overwritten: who has been given it may keep it. */
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  constructor(suite: Suite, protocolName: string) {
    const name = utf8(protocolName);
    this.#suite = suite;
    this.#hash = new Uint8Array(HASH_BYTES);
    if (name.length <= HASH_BYTES) this.#hash.set(name);
    else this.#hash = suite.sha256(name);
    this.#chainingKey = new Uint8Array(this.#hash);
  }

  /** `h`: binds everything both sides have seen so far. Public. */
  get handshakeHash(): Uint8Array {
    return this.#hash;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#suite.sha256(this.#hash, data);
  }

  mixKey(secret: Uint8Array): void {
    const output = this.#chain(secret, 2);
    this.#setCipher(output.subarray(HASH_BYTES));
    wipe(output);
  }

  mixKeyAndHash(secret: Uint8Array): void {
    const output = this.#chain(secret, 3);
    this.mixHash(output.subarray(HASH_BYTES, 2 * HASH_BYTES));
    this.#setCipher(output.subarray(2 * HASH_BYTES));
    wipe(output);
  }

  /** Without a key yet, the plaintext itself. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.seal(this.#hash, plaintext) ?? plaintext;
    this.mixHash(sealed);
    return sealed;
  }

  /** `undefined` when the tag does not hold. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher === undefined ? sealed : this.#cipher.open(this.#hash, sealed);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** The keys of the two directions, the initiator's first. Ends this state. */
  split(): { readonly initiator: CipherState; readonly responder: CipherState } {
    const output = this.#chain(EMPTY, 2);
    const initiator = new CipherState(this.#suite, output.subarray(0, HASH_BYTES));
    const responder = new CipherState(this.#suite, output.subarray(HASH_BYTES));
    wipe(output);
    this.wipe();
    return { initiator, responder };
  }

  wipe(): void {
    wipe(this.#chainingKey);
    this.#cipher?.wipe();
  }

  /** HKDF of section 4.3: sets the chaining key to the first output. Returns all of them. */
  #chain(secret: Uint8Array, outputs: 2 | 3): Uint8Array {
    const temporary = this.#suite.extract(this.#chainingKey, secret);
    const output = this.#suite.expand(temporary, EMPTY, outputs * HASH_BYTES);
    this.#chainingKey.set(output.subarray(0, HASH_BYTES));
    wipe(temporary);
    return output;
  }

  #setCipher(key: Uint8Array): void {
    this.#cipher?.wipe();
    this.#cipher = new CipherState(this.#suite, key);
  }
}

/** `0^4 || counter u64`. */
function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(AEAD_NONCE_BYTES);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(counter / 2 ** 32));
  view.setUint32(8, counter >>> 0);
  return nonce;
}
