/**
 * Somebody who has all the ciphertexts of a pair and, at some moment, copies what one or both ends
 * have stored: tries every stored secret where a key could stand, and follows a channel as far as
 * the secrets lead.
 *
 * @module
 */
import { equalBytes, hex } from "@postern/core/bytes";
import { nobleSuite as suite } from "@postern/core/crypto/noble";
import type { ExchangeContext } from "@postern/core/exchange";
import {
  decodeReceiverRecord,
  decodeSenderRecord,
} from "../src/exchange/end-to-end/channel-record.ts";
import {
  deriveInitKeys,
  deriveOpenKeys,
  noKemSecret,
  type DerivedKeys,
} from "../src/exchange/end-to-end/keys.ts";
import { decodeEndToEndOuter } from "../src/exchange/end-to-end/outer.ts";
import { openMessage } from "../src/exchange/end-to-end/sealed-header.ts";
import { SINGLE_USE_NONCE } from "../src/exchange/transfer-keys.ts";
import type { Device } from "./channel-lab.ts";
import type { OfferOnTheWay } from "./channel-steps.ts";

/** An offer that crossed the relay, with what its transcript needs: public, all of it. */
export interface Overheard {
  readonly context: ExchangeContext;
  readonly offer: OfferOnTheWay;
  /** The package or key that it is encapsulated to. */
  readonly encoded: Uint8Array;
  readonly publicKey: Uint8Array;
  /** th_0 and th_(n-1). */
  readonly channel: Uint8Array;
  readonly before: Uint8Array;
  /** Before the first receipt: without a KEM. */
  readonly keyless: boolean;
}

const NO_KEY = new Uint8Array(32);

export class Thief {
  readonly #seeds = new Map<string, Uint8Array>();
  readonly #secrets = new Map<string, Uint8Array>([[hex(NO_KEY), NO_KEY]]);

  /** Everything that a device has stored. */
  copy(device: Device): this {
    for (const { seed } of device.packages.values()) this.#seeds.set(hex(seed), seed);
    for (const [name, record] of device.records) {
      if (name.startsWith("receipt")) continue;
      const isSending = name.startsWith("sending");
      if (!isSending)
        for (const { seed } of decodeReceiverRecord(record).keys) this.#seeds.set(hex(seed), seed);
      for (const secret of isSending ? ofSender(record) : ofReceiver(record)) this.#learn(secret);
    }
    return this;
  }

  /** Tries all it has; what opens is learnt, with all that follows from it. */
  opens(overheard: Overheard): boolean {
    for (const kemSecret of this.#kemSecrets(overheard))
      for (const secret of [undefined, ...this.#secrets.values()]) {
        const derived = derive(overheard, kemSecret.slice(), secret);
        if (derived !== undefined && isKeyOf(overheard, derived)) {
          this.#learn(derived.nextChainKey);
          return true;
        }
      }
    return this.#opensDirectly(overheard);
  }

  #kemSecrets({ offer, context, keyless }: Overheard): readonly Uint8Array[] {
    const { ciphertext } = decodeEndToEndOuter(context, offer.outer);
    if (keyless) return [noKemSecret()];
    return [...this.#seeds.values()].flatMap((seed) => {
      const secret = suite.decapsulate(suite.kemFromSeed(seed), ciphertext);
      return secret === undefined ? [] : [secret];
    });
  }

  /** Each secret as the header's key, as the master key, and as the session chain. */
  #opensDirectly({ offer: { outer, sealedHeader, content } }: Overheard): boolean {
    return [...this.#secrets.values()].some((secret) => {
      const label = new TextEncoder().encode("postern e2e header/1\0");
      const headers = [secret, suite.expand(secret, label, 32)];
      const opened = headers.some((key) => suite.open(key, SINGLE_USE_NONCE, outer, sealedHeader));
      const keys = { header: secret, answer: secret, receipt: secret, reverse: secret };
      const message = openMessage(suite, { ...keys, session: secret, transcript: NO_KEY }, content);
      return opened || message !== undefined;
    });
  }

  #learn(secret: Uint8Array): void {
    this.#secrets.set(hex(secret), secret);
  }
}

function derive(
  { context, offer, encoded, publicKey, channel, before }: Overheard,
  kemSecret: Uint8Array,
  secret: Uint8Array | undefined,
): DerivedKeys | undefined {
  const { ciphertext, n } = decodeEndToEndOuter(context, offer.outer);
  if (n === 0) {
    const base = { package: encoded, pairingSecret: secret };
    return deriveInitKeys(context, offer.outer, ciphertext, base, kemSecret);
  }
  if (secret === undefined) return undefined;
  const base = { channel, transcript: before, publicKey, chainKey: secret };
  return deriveOpenKeys(suite, offer.outer, ciphertext, base, kemSecret);
}

function isKeyOf({ offer }: Overheard, { keys }: DerivedKeys): boolean {
  const { outer, sealedHeader } = offer;
  return suite.open(keys.header, SINGLE_USE_NONCE, outer, sealedHeader) !== undefined;
}

function ofSender(record: Uint8Array): readonly Uint8Array[] {
  const { channel } = decodeSenderRecord(record);
  if (channel === undefined) return [];
  const { id, transcript, chainKey, outbox } = channel;
  return [id, transcript, chainKey, ...outbox.map(({ receiptKey }) => receiptKey)];
}

function ofReceiver(record: Uint8Array): readonly Uint8Array[] {
  const { id, transcript, chainKey, received, keys } = decodeReceiverRecord(record);
  const receiptKeys = received.flatMap(({ state }) =>
    state.kind === "open" ? [state.receiptKey] : [],
  );
  return [id, transcript, chainKey, ...receiptKeys, ...keys.map(({ seed }) => seed)];
}

/** Whether `secret` stands anywhere in what a device has stored. */
export function isStored(device: Device, secret: Uint8Array): boolean {
  const seeds = [...device.packages.values()].map(({ seed }) => seed);
  return [...device.records.values(), ...seeds].some((bytes) =>
    Array.from({ length: Math.max(0, bytes.length - secret.length + 1) }, (_, at) => at).some(
      (at) => equalBytes(bytes.subarray(at, at + secret.length), secret),
    ),
  );
}
