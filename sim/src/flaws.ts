/**
 * Deliberate defects of the simulated drivers and suites: each must be caught by its checker, or
 * the checker checks nothing.
 *
 * @module
 */
import { createDecipheriv } from "node:crypto";
import { concat } from "@postern/core/bytes";
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type Suite } from "@postern/core/crypto";
import type {
  ChannelJob,
  ChannelMaterial,
  ChannelSave,
  ExchangeInput,
} from "@postern/core/exchange";

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
  /** A sender goes on behind whatever its receiver holds. */
  | "mixes-contents"
  /** Deadlines pass unnoticed. */
  | "never-wakes"
  | "relay-keeps-keys"
  | "relay-loses-presence"
  // Of the end-to-end profile from here on.
  /** A receipt is sent and never stored. */
  | "forgets-receipts"
  /** An offer leaves before its channel is stored. */
  | "sends-before-storing"
  | "keeps-used-packages"
  /** Nothing a receiver says waits for the disk. */
  | "never-syncs"
  /** What a receiver seals has no salt to speak of. */
  | "constant-salts"
  | "ignores-numbers"
  | "ignores-epochs"
  /** Whoever says it, a resync is heeded. */
  | "unsigned-resyncs"
  /** Offers without a receipt are never said again. */
  | "forgets-outbox";

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

const SALT_BYTES = 32;

/** The suite that a channel's job works with. */
export function flawedJobSuite(
  suite: Suite,
  flaw: Flaw | undefined,
  kind: ChannelJob["kind"],
): Suite {
  if (flaw === "constant-salts" && kind !== "seal-offer") {
    const random: Suite["random"] = (length) =>
      length === SALT_BYTES ? new Uint8Array(length) : suite.random(length);
    return { ...suite, random };
  }
  if (flaw === "unsigned-resyncs" && (kind === "heed-resync" || kind === "heed-stray-resync"))
    return { ...suite, verify: () => true };
  return suite;
}

/** Where `epoch` and `expected` stand in a stored receiver's record, and in an outer header. */
const RECORD_EPOCH_AT = 2;
const RECORD_EXPECTED_AT = 2 + 8 + 32;
const OUTER_N_AT = 5;

export function flawedMaterial(
  flaw: Flaw | undefined,
  job: ChannelJob,
  material: ChannelMaterial,
): ChannelMaterial {
  const isOpening = job.kind === "open-offer" || job.kind === "close-offer";
  if (!isOpening || material.receiving === undefined) return material;
  const receiving = material.receiving.slice();
  if (flaw === "ignores-numbers")
    receiving.set(job.outer.subarray(OUTER_N_AT, OUTER_N_AT + 4), RECORD_EXPECTED_AT);
  if (
    flaw === "ignores-epochs" &&
    job.outer.subarray(OUTER_N_AT, OUTER_N_AT + 4).every((b) => b === 0)
  )
    receiving.fill(0, RECORD_EPOCH_AT, RECORD_EPOCH_AT + 8);
  return { ...material, receiving };
}

export function flawedSaves(
  flaw: Flaw | undefined,
  job: ChannelJob,
  saves: readonly ChannelSave[],
): readonly ChannelSave[] {
  return flaw === "forgets-receipts" && job.kind === "seal-receipt" ? [] : saves;
}

export function flawedSync(flaw: Flaw | undefined, isLazy: boolean): boolean {
  return flaw === "never-syncs" || isLazy;
}

export function flawedAnswer(flaw: Flaw | undefined, input: ExchangeInput): ExchangeInput {
  if (flaw !== "forgets-outbox") return input;
  if (input.kind === "offer-sealed") return { ...input, unreceipted: [] };
  if (input.kind !== "resync-heeded" || input.outcome.kind !== "repeat") return input;
  return { ...input, outcome: { kind: "repeat", offers: [] } };
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
