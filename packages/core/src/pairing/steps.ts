/**
 * A pairing's states, what it asks of its driver, and what it is told: plain data.
 * docs/protocol-pairing.md 10.
 *
 * @module
 */
import type { SigningKeyPair, Suite } from "../crypto.ts";
import type { PosternError } from "../errors.ts";
import type { Party } from "../exchange.ts";
import type { InstantMs } from "../time.ts";
import type { PairingEnd, PairingKeys, PairingPlace } from "./keys.ts";

export interface PairingContext {
  readonly suite: Suite;
  readonly relayFingerprint: Uint8Array;
  readonly self: Party;
  /** The key of `self`, which stays its owner's. */
  readonly signing: SigningKeyPair;
  /** What this client calls itself, for the other side to see. */
  readonly name: string;
}

/** A frame that concerns another slot than `pairingSlot(state)` is not for this pairing. */
export type PairingInput =
  /** Answers `open-slot`. */
  | { readonly kind: "slot"; readonly slot: number; readonly validMs: number }
  /** Answers `open-slot`, with the status of a `result`. */
  | { readonly kind: "slot-refused"; readonly status: string }
  /** Answers `join-slot`, with the status of a `result`. */
  | { readonly kind: "join-result"; readonly status: string }
  /** Somebody has joined the opener's slot. */
  | { readonly kind: "joined" }
  | { readonly kind: "message"; readonly body: Uint8Array }
  | { readonly kind: "closed"; readonly reason: "other-end" | "expired" | "gone" }
  /** The link to the relay has ended, and the slot with it. */
  | { readonly kind: "link-lost"; readonly error: PosternError }
  /** The person gives up. */
  | { readonly kind: "cancel" }
  /** `pairingDeadline(state)` may have come. */
  | { readonly kind: "woke" };

export type PairingEffect =
  /** Answer: `slot` or `slot-refused`. */
  | { readonly kind: "open-slot" }
  /** Answer: `join-result`. */
  | { readonly kind: "join-slot"; readonly slot: number }
  | { readonly kind: "send"; readonly slot: number; readonly body: Uint8Array }
  | { readonly kind: "close"; readonly slot: number }
  | { readonly kind: "emit"; readonly event: PairingEvent };

export type PairingEvent =
  /** To be told to the other person; it replaces the one before. */
  | { readonly kind: "code"; readonly code: string; readonly validMs: number }
  /** Somebody joined and did not prove to know the words. The code is burned; a new one follows. */
  | { readonly kind: "guessed" }
  /** The last event, as `failed` is. The bytes are the driver's, which wipes the secret. */
  | {
      readonly kind: "paired";
      readonly id: Uint8Array;
      readonly fingerprint: Uint8Array;
      /** What the other side calls itself. */
      readonly name: string;
      /** 32 bytes: psk of the pair's next `INIT`s. */
      readonly secret: Uint8Array;
    }
  | { readonly kind: "failed"; readonly error: PosternError };

interface Waiting {
  readonly deadline: InstantMs;
}

interface InSlot extends Waiting {
  readonly slot: number;
}

/** What an opener needs to go on after a wrong guess. */
export interface Opening {
  /** How many words a code has. */
  readonly words: number;
  /** This code's number, from 1. */
  readonly codes: number;
}

export type OpenerState =
  | ({ readonly kind: "expect-slot" } & Opening & Waiting)
  /** `password` (PRS): the words that were shown. */
  | ({ readonly kind: "expect-joiner"; readonly password: Uint8Array } & Opening & InSlot)
  | ({
      readonly kind: "expect-joiner-share";
      readonly password: Uint8Array;
      readonly nonce: Uint8Array;
    } & Opening &
      InSlot)
  | ({
      readonly kind: "expect-joiner-confirmation";
      readonly peerId: Uint8Array;
      readonly keys: PairingKeys;
    } & Opening &
      InSlot);

export type JoinerState =
  | ({ readonly kind: "expect-admission"; readonly password: Uint8Array } & InSlot)
  | ({ readonly kind: "expect-nonce"; readonly password: Uint8Array } & InSlot)
  | ({
      readonly kind: "expect-opener-share";
      readonly place: PairingPlace;
      readonly own: PairingEnd;
      readonly scalar: Uint8Array;
    } & InSlot)
  | ({
      readonly kind: "expect-opener-confirmation";
      readonly peerId: Uint8Array;
      readonly keys: PairingKeys;
    } & InSlot);

/** Nothing is left to do, and no secret is held. */
export type EndedState =
  | { readonly kind: "paired" }
  | { readonly kind: "failed"; readonly error: PosternError };

export type PairingState = OpenerState | JoinerState | EndedState;

export interface PairingStep {
  readonly state: PairingState;
  /** To be done in this order. */
  readonly effects: readonly PairingEffect[];
}
