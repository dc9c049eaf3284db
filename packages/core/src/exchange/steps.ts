/**
 * What an exchange asks of its driver, and what it is told: plain data. Every effect that has an
 * answer is answered by exactly one input.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { OpenedOffer, ReceiptWords } from "./end-to-end/receiver-channel.ts";
import type { EndToEndReceipt } from "./end-to-end/receipt.ts";
import type { OutboxEntry } from "./end-to-end/sender-channel.ts";
import type { SenderReady } from "./transfer-keys.ts";

/** A master key kept for the pair's next transfer. `counter` grows with every transfer. */
export interface KeptKey {
  readonly counter: number;
  readonly key: Uint8Array;
}

export type KeyUse = "this" | "next";

/** An offer as it arrived. */
export interface OfferedBytes {
  readonly outer: Uint8Array;
  readonly sealedHeader: Uint8Array;
}

export type RequestStatus = "done" | "absent" | "unknown" | "overloaded" | "refused" | "failed";

export type ExchangeEffect =
  /** Load the pair's kept key and, for a sender, delete it durably first. Answer: `pair-key`. */
  | { readonly kind: "take-pair-key" }
  /** Load without deleting. Answer: `pair-key`. */
  | { readonly kind: "load-pair-key" }
  /** Delete durably. Answer: `pair-key-dropped`. */
  | { readonly kind: "drop-pair-key" }
  /** Store durably; the driver then wipes the key. Answer: `pair-key-kept`. */
  | { readonly kind: "keep-pair-key"; readonly kept: KeptKey }
  /** RSA-OAEP to the relay's key (exchanged first if need be). Answer: `encrypted`. */
  | {
      readonly kind: "encrypt-to-relay";
      readonly label: Uint8Array;
      readonly plaintext: Uint8Array;
    }
  /** RSA-OAEP with this client's own key. Answer: `decrypted`. */
  | { readonly kind: "decrypt"; readonly label: Uint8Array; readonly ciphertext: Uint8Array }
  /**
   * Prove each other's RSA keys with the relay if that was not done, fetch the receiver's certified
   * key and encrypt to it. Answer: `sealed-to-peer`.
   */
  | { readonly kind: "seal-to-peer"; readonly label: Uint8Array; readonly plaintext: Uint8Array }
  /** RSA-PSS with this client's own key. Answer: `signed`. */
  | { readonly kind: "sign"; readonly message: Uint8Array }
  /**
   * Check the peer's certificate, and RSA-PSS under the key in it. Answer: `verified`.
   */
  | {
      readonly kind: "verify";
      readonly certificate: Uint8Array;
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    }
  /** Frame `key-up` to the relay. Answer: `key-up-result`. */
  | { readonly kind: "key-up"; readonly use: KeyUse; readonly ciphertext: Uint8Array }
  /** `sealOffer` on the pair's stored channel, durably. Answer: `offer-sealed`. */
  | {
      readonly kind: "seal-offer";
      readonly header: Uint8Array;
      readonly message: Uint8Array | undefined;
    }
  /** `openOffer` on the pair's stored channel, durably. Answer: `offer-opened`. */
  | ({ readonly kind: "open-offer"; readonly content: Uint8Array } & OfferedBytes)
  /** `sealReceiptOf` on the pair's stored channel, durably. Answer: `receipt-sealed`. */
  | {
      readonly kind: "seal-receipt";
      readonly place: ChannelPlace;
      readonly words: ReceiptWords;
    }
  /** `acceptEndToEndReceipt` on the pair's stored channel, durably. Answer: `receipt-opened`. */
  | { readonly kind: "open-receipt"; readonly receipt: Uint8Array }
  /** `heedResync` on the pair's stored channel, durably. Answer: `resync-heeded`. */
  | ({
      readonly kind: "heed-resync";
      readonly resync: Uint8Array;
      readonly epoch: number;
      /** From here on this transfer has had offers sent again before. */
      readonly repeatedFrom?: number | undefined;
    } & OfferedBytes)
  /**
   * Send these offers of the pair again: as they were if their transfer still runs (`which` all),
   * as `close` if it has ended.
   */
  | {
      readonly kind: "repeat-offers";
      readonly offers: readonly OutboxEntry[];
      readonly which: "all" | "ended";
    };

/** A transfer in its channel. */
export type ChannelPlace = Pick<OpenedOffer, "n" | "epoch">;

export type ExchangeInput =
  | { readonly kind: "pair-key"; readonly kept: KeptKey | undefined; readonly counter: number }
  | { readonly kind: "pair-key-dropped" }
  | { readonly kind: "pair-key-kept" }
  | { readonly kind: "encrypted"; readonly ciphertext: Uint8Array }
  /** `ownSpki`: the public half of the key that was used. */
  | {
      readonly kind: "decrypted";
      readonly plaintext: Uint8Array | undefined;
      readonly ownSpki: Uint8Array;
    }
  | {
      readonly kind: "sealed-to-peer";
      readonly ciphertext: Uint8Array;
      readonly ownCertificate: Uint8Array;
      readonly peerSpki: Uint8Array;
    }
  | { readonly kind: "signed"; readonly signature: Uint8Array }
  | { readonly kind: "verified"; readonly valid: boolean }
  | { readonly kind: "key-up-result"; readonly status: RequestStatus }
  | {
      readonly kind: "offer-sealed";
      readonly ready: SenderReady;
      /** Earlier offers of the pair that have no receipt yet. */
      readonly unreceipted: readonly OutboxEntry[];
    }
  | {
      readonly kind: "offer-opened";
      readonly outcome:
        | { readonly kind: "opened"; readonly offer: OpenedOffer }
        /** Known already: its receipt, made now if there was none. */
        | { readonly kind: "receipt"; readonly receipt: Uint8Array }
        | { readonly kind: "out-of-step"; readonly resync: Uint8Array }
        | { readonly kind: "key-unknown" | "wrong-receiver" }
        /** With `resync` it is answered like one that is out of step. */
        | { readonly kind: "invalid"; readonly resync?: Uint8Array };
    }
  | { readonly kind: "receipt-sealed"; readonly receipt: Uint8Array }
  /** `undefined`: not the receiver's receipt of this transfer. */
  | { readonly kind: "receipt-opened"; readonly receipt: EndToEndReceipt | undefined }
  | {
      readonly kind: "resync-heeded";
      readonly outcome:
        /** `forgotten`: of a transfer that has ended, and of it alone. */
        | { readonly kind: "ignored" | "anew" | "forgotten" }
        | { readonly kind: "repeat"; readonly offers: readonly OutboxEntry[] };
    }
  /** The receiver said something of earlier offers of the pair, and the channel has heard it. */
  | { readonly kind: "room-made" }
  /**
   * The driver could not do what an effect asked. `unreceipted`: as in `offer-sealed`, when there
   * are too many of them for another offer.
   */
  | {
      readonly kind: "job-failed";
      readonly error: PosternError;
      readonly unreceipted?: readonly OutboxEntry[];
    };

/**
 * How the master key of a transfer came to both ends: by RSA, or kept from the last transfer;
 * end-to-end by a key package, or by the channel's next step.
 */
export type KeySource = "fresh-rsa" | "kept" | "key-package" | "channel";
