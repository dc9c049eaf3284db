/**
 * Two ends of an exchange without a relay: contexts, a suite that remembers every secret it gave
 * out, and inputs of every kind. No RSA: what it would carry is handed over as it is.
 *
 * @module
 */
import assert from "node:assert/strict";
import { concat, hex, utf8 } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import { isErrorCode, PosternError } from "@postern/core/errors";
import type { ExchangeInput } from "@postern/core/exchange";
import { fingerprintOf, identityFromSeed } from "@postern/core/identity";
import type { ContentDescription } from "@postern/core/transfer";

/** Bytes of a test, told apart by their text. */
export function secret(text: string, length = 32): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    nobleSuite.sha256(utf8(`${text} ${i}`)),
  );
  return concat(...blocks)
    .subarray(0, length)
    .slice();
}

export const TRANSFER = secret("transfer", 16);
export const OTHER_TRANSFER = secret("another transfer", 16);
export const HEADER = utf8("the encoded header of a transfer");

export const CONTENT_ID: Uint8Array = secret("content", 16);

/** What a header says of a content that nothing more than this is told of. */
export function contentOf(
  told: Pick<ContentDescription, "kind" | "name" | "size"> & Partial<ContentDescription>,
): ContentDescription {
  return { contentId: CONTENT_ID, signed: false, manifest: undefined, ...told };
}

export const CONTEXT = {
  suite: nobleSuite,
  relayFingerprint: secret("relay"),
  sender: partyOf("sender"),
  receiver: partyOf("receiver"),
  transfer: TRANSFER,
  header: HEADER,
};

export const STRANGER = partyOf("stranger");

/** Remembers what it gave out: chance, extracted and expanded keys. */
export class RememberingSuite {
  readonly random: Uint8Array[] = [];
  readonly extracted: Uint8Array[] = [];
  readonly expanded: Uint8Array[] = [];
  readonly suite: Suite;
  #drawn = 0;

  constructor() {
    this.suite = {
      ...nobleSuite,
      random: (length) => kept(this.random, secret(`random ${this.#drawn++}`, length)),
      extract: (salt, input) => kept(this.extracted, nobleSuite.extract(salt, input)),
      expand: (key, info, length) => kept(this.expanded, nobleSuite.expand(key, info, length)),
    };
  }
}

/** One input of each kind, none of them fitting a particular state. */
export const EVERY_INPUT: readonly ExchangeInput[] = [
  { kind: "pair-key", kept: undefined, counter: 3 },
  { kind: "pair-key-dropped" },
  { kind: "pair-key-kept" },
  { kind: "encrypted", ciphertext: new Uint8Array(384) },
  { kind: "decrypted", plaintext: undefined, ownSpki: new Uint8Array(1) },
  {
    kind: "sealed-to-peer",
    ciphertext: new Uint8Array(384),
    ownCertificate: new Uint8Array(1),
    peerSpki: new Uint8Array(1),
  },
  { kind: "signed", signature: new Uint8Array(384) },
  { kind: "verified", valid: false },
  { kind: "key-up-result", status: "failed" },
  { kind: "job-failed", error: new PosternError("store/failed", "the disk is full") },
  { kind: "room-made" },
];

export function jobFailed(): Extract<ExchangeInput, { kind: "job-failed" }> {
  return { kind: "job-failed", error: new PosternError("store/failed", "the disk is full") };
}

/** The inputs that a state does not wait for leave it as it is. */
export function assertIgnores<S>(
  state: S,
  step: (input: ExchangeInput) => { readonly state: S; readonly effects: readonly unknown[] },
  awaited: readonly ExchangeInput["kind"][],
): void {
  for (const input of EVERY_INPUT) {
    if (awaited.includes(input.kind)) continue;
    const next = step(input);
    assert.equal(next.state, state, input.kind);
    assert.deepEqual(next.effects, [], input.kind);
  }
}

export function isWiped(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

export function assertWiped(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const bytes of secrets) assert.ok(bytes !== undefined && isWiped(bytes), "not wiped");
}

/** The narrowed value, or a failure that names what came instead. */
export function expectKind<T extends { readonly kind: string }, K extends T["kind"]>(
  value: T | undefined,
  kind: K,
): Extract<T, { readonly kind: K }> {
  assert.equal(value?.kind, kind);
  return value as Extract<T, { readonly kind: K }>;
}

/** `undefined` when nothing is thrown; fails for anything but a PosternError. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PosternError && isErrorCode(error.code), String(error));
    return error.code;
  }
}

/** A copy with one bit turned. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** A copy with `value` written over what stands at `at`. */
export function put(bytes: Uint8Array, at: number, value: Uint8Array | readonly number[]) {
  const copy = bytes.slice();
  copy.set(value, at);
  return copy;
}

/** Every shorter length, and one byte more. */
export function otherLengths(bytes: Uint8Array): readonly Uint8Array[] {
  const shorter = Array.from({ length: bytes.length }, (_, length) => bytes.slice(0, length));
  return [...shorter, concat(bytes, Uint8Array.of(0))];
}

export function allDifferent(values: readonly Uint8Array[]): boolean {
  return new Set(values.map(hex)).size === values.length;
}

function partyOf(name: string) {
  const { id } = identityFromSeed(nobleSuite, secret(name));
  return { id, fingerprint: fingerprintOf(nobleSuite, id) };
}

function kept(list: Uint8Array[], bytes: Uint8Array): Uint8Array {
  list.push(bytes);
  return bytes;
}
