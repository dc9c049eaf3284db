/**
 * Secrets that a test has seen, kept so that memory does not hold them once more: each is masked
 * with random bytes. Finds them in other bytes.
 *
 * @module
 */
import { hash, randomBytes } from "node:crypto";

export interface MaskedSecret {
  readonly what: string;
  /** When it was seen: which chapter of a test. */
  readonly chapter: number;
  readonly masked: Uint8Array;
}

/** As many bytes choose the secrets that a place is held against. */
const INDEX_BYTES = 3;
const SECRET_BYTES_MIN = 16;

export class MaskedSecrets {
  /** Given to what is seen from now on. */
  chapter = 0;
  readonly #mask = randomBytes(256);
  readonly #byDigest = new Map<string, MaskedSecret>();
  readonly #byIndex = new Map<number, MaskedSecret[]>();
  /** One bit for each index that has secrets. */
  readonly #isIndexed = new Uint8Array(2 ** (8 * INDEX_BYTES - 3));

  get count(): number {
    return this.#byDigest.size;
  }

  see(what: string, bytes: Uint8Array): void {
    if (bytes.length < SECRET_BYTES_MIN || bytes.every((byte) => byte === 0)) return;
    const digest = hash("sha256", bytes);
    if (this.#byDigest.has(digest)) return;
    const masked = bytes.map((byte, at) => byte ^ this.#mask[at % 256]!);
    const secret = { what, chapter: this.chapter, masked };
    this.#byDigest.set(digest, secret);
    const index = (bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!;
    this.#isIndexed[index >> 3]! |= 1 << (index & 7);
    this.#byIndex.set(index, [...(this.#byIndex.get(index) ?? []), secret]);
  }

  /** Of these, the ones that were seen. */
  known(...secrets: readonly Uint8Array[]): MaskedSecret[] {
    return secrets.flatMap((bytes) => this.#byDigest.get(hash("sha256", bytes)) ?? []);
  }

  findIn(bytes: Uint8Array): MaskedSecret[] {
    const found: MaskedSecret[] = [];
    let index = 0;
    for (let end = 0; end < bytes.length; end++) {
      index = ((index << 8) | bytes[end]!) & 0xff_ffff;
      if ((this.#isIndexed[index >> 3]! & (1 << (index & 7))) === 0) continue;
      const at = end + 1 - INDEX_BYTES;
      for (const secret of this.#byIndex.get(index) ?? [])
        if (at >= 0 && this.#isAt(secret, bytes, at)) found.push(secret);
    }
    return found;
  }

  #isAt({ masked }: MaskedSecret, bytes: Uint8Array, at: number): boolean {
    if (at + masked.length > bytes.length) return false;
    return masked.every((byte, i) => (byte ^ this.#mask[i % 256]!) === bytes[at + i]);
  }
}
