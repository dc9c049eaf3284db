/**
 * What an exchange asks of its driver, and what it is told: plain data. Every effect that has an
 * answer is answered by exactly one input.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";

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
  | { readonly kind: "key-up"; readonly use: KeyUse; readonly ciphertext: Uint8Array };

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
  /** The driver could not do what an effect asked. */
  | { readonly kind: "job-failed"; readonly error: PosternError };

/** How the master key of a transfer came to both ends. */
export type KeySource = "fresh-rsa" | "kept";
