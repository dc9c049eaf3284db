/**
 * The relay's whole share of an exchange: under which labels it opens a symmetric master key from
 * the sender and wraps it for the receiver (docs/protocol.md 7.1), and its half of the proof that
 * comes before the asymmetric profile (7.2). The relay may import nothing else of this room, so
 * that it cannot derive a transfer's keys by mistake.
 *
 * Invariant: this and the next master key, and the two hops, have four different labels; each is
 * bound to its transfer, sender and receiver, so no ciphertext opens where it was not meant to.
 *
 * @module
 */
import { concat, label } from "../bytes.ts";
import type { KeyUse } from "../link.ts";

export {
  startRelayAuth,
  stepRelayAuth,
  wipeRelayAuth,
  type RelayAuthInput,
  type RelayAuthJob,
  type RelayAuthState,
  type RelayAuthStep,
} from "./relay-auth/relay.ts";
export type { AuthContext } from "./relay-auth/transcript.ts";

/** What an opened `key-up` must hold; anything else is refused as a key that does not open. */
export const RELAYED_KEY_BYTES = 32;

export interface RelayKeyLabels {
  /** OAEP label of `key-up`, from the sender to the relay. */
  readonly up: Uint8Array;
  /** OAEP label of `key-down`, from the relay to the receiver. */
  readonly down: Uint8Array;
}

/**
 * The labels of one `key-up`. `transfer` has 16 bytes; `sender` and `receiver` are fingerprints of
 * 32 bytes, to the relay those of the two proven links.
 */
export function relayKeyLabels(
  use: KeyUse,
  transfer: Uint8Array,
  sender: Uint8Array,
  receiver: Uint8Array,
): RelayKeyLabels {
  const names = LABELS[use];
  const bound = concat(transfer, sender, receiver);
  return { up: concat(label(names.up), bound), down: concat(label(names.down), bound) };
}

const LABELS = {
  this: { up: "sym-up", down: "sym-down" },
  next: { up: "sym-next-up", down: "sym-next-down" },
} as const satisfies Record<KeyUse, Record<keyof RelayKeyLabels, string>>;
