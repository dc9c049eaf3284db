/**
 * Transcripts and keys of an end-to-end transfer. docs/protocol-end-to-end.md 7.3.3.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter, concat, label } from "../../bytes/writer.ts";
import { HASH_BYTES, KEM_CIPHERTEXT_BYTES, type Suite } from "../../crypto/suite.ts";
import type { ExchangeContext } from "../context.ts";
import type { TransferKeys } from "../transfer-keys.ts";
import { hpkeExport } from "./hpke.ts";
import { withoutCiphertext } from "./outer.ts";

/** What the first transfer of a channel adds to its KEM secret. */
export interface InitBase {
  readonly package: Uint8Array;
  /** 32 bytes of a pairing; `undefined` for a pair that has none. */
  readonly pairingSecret: Uint8Array | undefined;
}

/** What a later transfer adds to its KEM secret: the channel as the one before left it. */
export interface OpenBase {
  /** th_0 */
  readonly channel: Uint8Array;
  /** th_(n-1) */
  readonly transcript: Uint8Array;
  /** The key `ct` is encapsulated to. */
  readonly publicKey: Uint8Array;
  /** CK_n */
  readonly chainKey: Uint8Array;
}

/** The keys of transfer n and the chain key of n + 1; the caller owns them all. */
export interface DerivedKeys {
  /** `session` is SC_0. */
  readonly keys: TransferKeys;
  readonly nextChainKey: Uint8Array;
}

type Ends = Pick<ExchangeContext, "suite" | "sender" | "receiver">;

/** Keys of transfer 0. `secret` is the KEM's; it is wiped. */
export function deriveInitKeys(
  { suite, sender, receiver }: Ends,
  outer: Uint8Array,
  ciphertext: Uint8Array,
  base: InitBase,
  secret: Uint8Array,
): DerivedKeys {
  const transcript = suite.sha256(
    label("e2e init"),
    new ByteWriter()
      .lv(withoutCiphertext(outer))
      .lv(sender.id)
      .lv(receiver.id)
      .lv(base.package)
      .lv(ciphertext)
      .bytes(),
  );
  const { pairingSecret: key } = base;
  const psk = key && { key, id: label("e2e pair") };
  return expandAll(suite, transcript, secret, psk);
}

/** Keys of transfer n >= 1. `secret` is the KEM's; it is wiped. */
export function deriveOpenKeys(
  suite: Suite,
  outer: Uint8Array,
  ciphertext: Uint8Array,
  base: OpenBase,
  secret: Uint8Array,
): DerivedKeys {
  const transcript = suite.sha256(
    label("e2e open"),
    new ByteWriter()
      .lv(withoutCiphertext(outer))
      .raw(base.channel)
      .raw(base.transcript)
      .lv(base.publicKey)
      .lv(ciphertext)
      .bytes(),
  );
  return expandAll(suite, transcript, secret, { key: base.chainKey, id: label("e2e chain") });
}

/**
 * Stands for an encapsulation while the receiver has offered no key of the channel. It has erased
 * its package's secret: kept, that would open transfer 0 again, and with it all that follow. What
 * is secret is the chain key; `ciphertext` is random, so that th_n and all keys are new.
 */
export function withoutKem(suite: Suite): {
  readonly ciphertext: Uint8Array;
  readonly secret: Uint8Array;
} {
  return { ciphertext: suite.random(KEM_CIPHERTEXT_BYTES), secret: noKemSecret() };
}

/** The secret that goes with {@link withoutKem}. */
export function noKemSecret(): Uint8Array {
  return new Uint8Array(HASH_BYTES);
}

/** Random bytes of the receiver that make what it seals new, also after its state was restored. */
export const SALT_BYTES = 32;

/**
 * Keys of what the receiver seals in this transfer, from its salt. An older copy of its state may
 * open the same offer twice; without the salt it would seal two texts under one key and nonce.
 * `keys.answer` and `keys.reverse` are wiped.
 */
export function saltKeys(suite: Suite, keys: TransferKeys, salt: Uint8Array): TransferKeys {
  const answer = saltedKey(suite, keys.answer, "answer", salt);
  const reverse = saltedKey(suite, keys.reverse, "reverse", salt);
  wipe(keys.answer, keys.reverse);
  return { ...keys, answer, reverse };
}

export function saltedKey(
  suite: Suite,
  key: Uint8Array,
  use: "answer" | "reverse" | "receipt",
  salt: Uint8Array,
): Uint8Array {
  return suite.expand(key, concat(label(`e2e salted ${use}`), salt), 32);
}

function expandAll(
  suite: Suite,
  transcript: Uint8Array,
  sharedSecret: Uint8Array,
  psk: { readonly key: Uint8Array; readonly id: Uint8Array } | undefined,
): DerivedKeys {
  const masterKey = hpkeExport(suite, {
    sharedSecret,
    info: concat(label("e2e"), transcript),
    ...(psk && { psk }),
    exporterContext: label("e2e master"),
    length: 32,
  });
  const key = (name: string): Uint8Array => suite.expand(masterKey, label(`e2e ${name}`), 32);
  const derived = {
    keys: {
      transcript,
      header: key("header"),
      answer: key("answer"),
      receipt: key("receipt"),
      reverse: key("reverse"),
      session: key("session chain"),
    },
    nextChainKey: key("next"),
  };
  wipe(masterKey, sharedSecret);
  return derived;
}
