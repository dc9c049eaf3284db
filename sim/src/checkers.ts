/**
 * What must hold in every run, whatever goes wrong. A checker says what it saw through `report`;
 * the first word ends the run. Agreement about transfers is in `ledger.ts`.
 *
 * @module
 */
import { utf8 } from "@postern/core/bytes";
import { nativeSuite } from "@postern/node";

export type Report = (violation: string) => void;

/** No AEAD key seals two texts under one nonce: in links, wraps, headers, answers, records. */
export class NonceChecker {
  readonly #report: Report;
  readonly #sealed = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  sealed(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): void {
    const place = latin1(key) + latin1(nonce);
    const text = latin1(nativeSuite.sha256(Uint8Array.of(aad.length), aad, plaintext));
    const before = this.#sealed.get(place);
    if (before === undefined) this.#sealed.set(place, text);
    else if (before !== text) this.#report("nonces: a key sealed two texts under one nonce");
  }
}

interface Origin {
  /** HKDF's input: a master key, among others. */
  readonly secret: string;
  /** HKDF's salt: the transcript of a transfer. */
  readonly salt: string;
}

/**
 * A master key serves one transfer: whatever is derived from it and seals, is derived under one
 * transcript. And a device never forgets how far a pair has counted; of two transfers at once the
 * one that ends last has the last word.
 */
export class MasterKeyChecker {
  readonly #report: Report;
  /** By what was derived. */
  readonly #origins = new Map<string, Origin>();
  readonly #salts = new Map<string, string>();
  readonly #counters = new Map<string, number>();

  constructor(report: Report) {
    this.#report = report;
  }

  extracted(salt: Uint8Array, secret: Uint8Array, key: Uint8Array): void {
    // Noise also extracts from nothing, to split its keys.
    if (secret.length === 0) return;
    this.#origins.set(latin1(key), { secret: latin1(secret), salt: latin1(salt) });
  }

  expanded(from: Uint8Array, key: Uint8Array): void {
    const origin = this.#origins.get(latin1(from));
    if (origin !== undefined) this.#origins.set(latin1(key), origin);
  }

  sealed(owner: string, key: Uint8Array): void {
    const origin = this.#origins.get(latin1(key));
    if (origin === undefined) return;
    const salt = this.#salts.get(origin.secret);
    if (salt === undefined) this.#salts.set(origin.secret, origin.salt);
    else if (salt !== origin.salt)
      this.#report(`master keys: ${owner} uses a master key for two transfers`);
  }

  /** `owner` has stored a key for the pair. */
  kept(owner: string, counter: number): void {
    this.#counters.set(owner, counter);
  }

  /** `owner` goes on from this counter. */
  counted(owner: string, counter: number): void {
    const before = this.#counters.get(owner) ?? 0;
    if (counter !== before) this.#report(`master keys: ${owner} counts ${before}, then ${counter}`);
  }
}

/** Stands in every content and every name. */
export const MARK = "plain text of this world";
const MARK_BYTES = Buffer.from(utf8(MARK));

/** The relay sees no plaintext and keeps no master key, even where it sees one in passing. */
export class SecrecyChecker {
  readonly #report: Report;
  readonly #masterKeys: Buffer[] = [];
  readonly #opened: Uint8Array[] = [];

  constructor(report: Report) {
    this.#report = report;
  }

  masterKey(key: Uint8Array): void {
    this.#masterKeys.push(Buffer.from(key));
  }

  /** Bytes on their way through the relay. */
  passes(bytes: Uint8Array): void {
    if (asBuffer(bytes).includes(MARK_BYTES)) this.#report("secrecy: plaintext at the relay");
  }

  /** The relay holds a master key now. It is looked at again when the relay has had its turn. */
  opened(key: Uint8Array): void {
    this.#opened.push(key);
  }

  /**
   * Looks at everything that can be reached from what the relay keeps, but for private fields of
   * classes: their inputs have passed {@link passes}, and opened keys are looked at one by one.
   */
  inspect(...roots: readonly unknown[]): void {
    if (this.#opened.some((key) => key.some((byte) => byte !== 0)))
      this.#report("secrecy: the relay did not wipe a master key");
    const seen = new Set<unknown>();
    const next: unknown[] = [...roots];
    for (let value = next.pop(); next.length > 0 || value !== undefined; value = next.pop()) {
      if (typeof value === "string") this.passes(utf8(value));
      if (typeof value !== "object" || value === null || seen.has(value)) continue;
      seen.add(value);
      if (value instanceof Uint8Array) this.#inspectBytes(value);
      else if (value instanceof Map || value instanceof Set) next.push(...value.entries());
      else next.push(...Object.values(value));
    }
  }

  #inspectBytes(bytes: Uint8Array): void {
    this.passes(bytes);
    const buffer = asBuffer(bytes);
    if (this.#masterKeys.some((key) => buffer.includes(key)))
      this.#report("secrecy: the relay keeps a master key");
  }
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("latin1");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
