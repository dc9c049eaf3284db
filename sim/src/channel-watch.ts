/**
 * What must hold for the channels of every client, seen from above: one offer for each number, one
 * receipt for each transfer, no resync but the receiver's own, no used secret on any disk
 * (docs/protocol-end-to-end.md 7.3.4-7.3.6). A restored disk starts over in what it has said.
 *
 * @module
 */
import { equalBytes, hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { describeChannel, type ChannelSave, type ExchangeInput } from "@postern/core/exchange";
import { decodeTransferEnvelope, type TransferEnvelope } from "@postern/core/transfer";
import type { ChannelLedger } from "./channel-ledger.ts";
import type { Report } from "./checkers.ts";
import type { Name } from "./ledger.ts";

type Opened = Extract<ExchangeInput, { readonly kind: "receipt-opened" }>["receipt"];

export interface WatchOptions {
  readonly report: Report;
  readonly ledger: ChannelLedger | undefined;
  /** Hex of a fingerprint. */
  readonly names: ReadonlyMap<string, Name>;
  readonly pairingSecret: Uint8Array | undefined;
}

export class ChannelWatch {
  readonly #options: WatchOptions;
  /** By sender and receiver: the key of the last offer. */
  readonly #keys = new Map<string, string>();
  /** By who said it, then by what it is about: what was said. */
  readonly #said = new Map<Name, Map<string, string>>();
  readonly #resyncs = new Set<string>();
  readonly #retired = new Map<Name, Buffer[]>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  nameOf(fingerprint: Uint8Array): Name | undefined {
    return this.#options.names.get(hex(fingerprint));
  }

  /** Of every pair of this run; `undefined` when nobody has paired. */
  pairingSecret(): Uint8Array | undefined {
    return this.#options.pairingSecret?.slice();
  }

  /** `who` sends this. */
  said(who: Name, to: Uint8Array, body: Uint8Array): void {
    if (this.#options.ledger === undefined) return;
    const envelope = decodeTransferEnvelope(body);
    if (envelope.kind === "resync") this.#resyncs.add(`${hex(to)} ${hex(envelope.resync)}`);
    if (envelope.kind === "offer")
      this.#keys.set(`${who} ${hex(to)}`, hex(envelope.outer.subarray(...OFFER_KEY)));
    const about = topicOf(envelope);
    if (about === undefined) return;
    const topic = `${hex(to)} ${about}`;
    const said = this.#said.get(who) ?? new Map<string, string>();
    this.#said.set(who, said);
    const words = wordsOf(envelope);
    const before = said.get(topic);
    if (before !== undefined && before !== words)
      this.#options.report(`channels: ${who} says two ${about.split(" ")[0]}s for one transfer`);
    said.set(topic, words);
  }

  /** The key that the last offer was made under. */
  lastKey(who: Name, to: Uint8Array): string | undefined {
    return this.#keys.get(`${who} ${hex(to)}`);
  }

  /** `who` has judged a resync that came for it. */
  heeded(who: Name, resync: Uint8Array, outcome: string): void {
    const [to] = [...this.#options.names].find(([, name]) => name === who) ?? [];
    if (outcome !== "ignored" && !this.#resyncs.has(`${to} ${hex(resync)}`))
      this.#options.report(`channels: ${who} heeds a resync that nobody said`);
  }

  /** `who` says where its end of a channel is, which is stored as `record`. */
  placed(who: Name, resync: Uint8Array | undefined, record: Uint8Array | undefined): void {
    if (resync === undefined) return;
    const said = new DataView(resync.buffer, resync.byteOffset + RESYNC_PLACE_AT);
    const { epoch, transfers } = (record && describeChannel(record)) ?? { epoch: 0, transfers: 0 };
    if (said.getBigUint64(0) !== BigInt(epoch) || said.getUint32(8) !== transfers)
      this.#options.report(`channels: ${who} says that its channel is where it is not`);
  }

  /** `who` has opened a receipt. */
  acknowledged(who: Name, transfer: Uint8Array, receipt: Opened): void {
    if (receipt?.verdict === "accept")
      this.#options.ledger?.acknowledged(who, hex(transfer), receipt);
  }

  /** What one job of a channel uses up. */
  newUse(who: Name): SecretUse {
    return new SecretUse(this.#options.pairingSecret, (secret, saves) => {
      const bytes = Buffer.from(secret);
      const retired = this.#retired.get(who) ?? [];
      this.#retired.set(who, retired);
      retired.push(bytes);
      if (saves.some(({ record }) => asBuffer(record).includes(bytes)))
        this.#options.report(`secrets: ${who} stores a secret that it has used up`);
    });
  }

  /** After a good transfer each way nothing on a disk opens what came before. */
  inspect(who: Name, secrets: Iterable<Uint8Array>): void {
    const retired = this.#retired.get(who) ?? [];
    for (const stored of secrets) {
      const bytes = asBuffer(stored);
      if (retired.some((secret) => bytes.includes(secret)))
        this.#options.report(`secrets: ${who} keeps a secret that it has used up`);
    }
  }

  /** The disk of `who` has lost what it need not have kept. */
  lostPower(who: Name): void {
    // What it opened then, it opens again.
    this.#retired.delete(who);
    this.#options.ledger?.lostPower(who);
  }

  /** The disk of `who` is an older copy of itself. */
  restored(who: Name, has: (id: string) => boolean): void {
    this.#said.delete(who);
    this.#retired.delete(who);
    this.#options.ledger?.restored(who, has);
  }
}

/** Sees a job's chain keys and package secrets as they are used. */
export class SecretUse {
  readonly #pairingSecret: Uint8Array | undefined;
  readonly #retired: (secret: Uint8Array, saves: readonly ChannelSave[]) => void;
  readonly #chainKeys: Uint8Array[] = [];
  readonly #seeds: Uint8Array[] = [];

  constructor(
    pairingSecret: Uint8Array | undefined,
    retired: (secret: Uint8Array, saves: readonly ChannelSave[]) => void,
  ) {
    this.#pairingSecret = pairingSecret;
    this.#retired = retired;
  }

  /** `isLastResort`: the package at hand is one of last resort. */
  suite(suite: Suite, isLastResort: boolean): Suite {
    return {
      ...suite,
      extract: (salt, secret) => {
        if (secret.length === PSK_AT + PSK_BYTES) this.#psk(secret.slice(PSK_AT));
        return suite.extract(salt, secret);
      },
      kemFromSeed: (seed) => {
        if (!isLastResort) this.#seeds.push(seed.slice());
        return suite.kemFromSeed(seed);
      },
    };
  }

  /** The job has moved its channel on, and this is stored. */
  retire(saves: readonly ChannelSave[]): void {
    if (saves.length === 0) return;
    for (const key of this.#chainKeys) this.#retired(key, saves);
    for (const seed of this.#seeds) this.#retired(seed, saves);
  }

  #psk(key: Uint8Array): void {
    const isPairing = this.#pairingSecret !== undefined && equalBytes(key, this.#pairingSecret);
    if (!isPairing) this.#chainKeys.push(key);
  }
}

/** HPKE's LabeledExtract for a PSK: "HPKE-v1", suite id (10), "secret", then the PSK. */
const PSK_AT = 7 + 10 + 6;
const PSK_BYTES = 32;

/** Epoch and number in a resync. */
const RESYNC_PLACE_AT = 1 + 2 + 32 + 32 + 32;

/** Where n, epoch and channel stand in an outer header and in a receipt. */
const OFFER_NUMBERS = [5, 17] as const;
const OFFER_KEY = [17, 33] as const;
const RECEIPT_NUMBERS = [4, 48] as const;

function topicOf(envelope: TransferEnvelope): string | undefined {
  if (envelope.kind === "offer" || envelope.kind === "close")
    return `offer ${hex(envelope.outer.subarray(...OFFER_NUMBERS))}`;
  if (envelope.kind === "receipt")
    return `receipt ${hex(envelope.sealed.subarray(...RECEIPT_NUMBERS))}`;
  return undefined;
}

function wordsOf(envelope: TransferEnvelope): string {
  if (envelope.kind === "offer" || envelope.kind === "close")
    return latin1(envelope.outer) + latin1(envelope.sealedHeader);
  return envelope.kind === "receipt" ? latin1(envelope.sealed) : "";
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("latin1");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
