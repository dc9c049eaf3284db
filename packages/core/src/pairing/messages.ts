/**
 * The five bodies of `pair-message`, A the opener, B the joiner. docs/protocol-pairing.md 10.2.
 *
 * ```text
 *   1 nonce                A > B   0 0x01 | 1 nonce A (16) | 17
 *   2 joiner-share         B > A   0 0x02 | 1 nonce B (16) | 17 ID B (35) | 52 Y B (32) | 84
 *   3 opener-share         A > B   0 0x03 | 1 ID A (35) | 36 Y A (32) | 68
 *   4 joiner-confirmation  B > A   0 0x04 | 1 confirm B (32) | 33 card B (85 to 116)
 *   5 opener-confirmation  A > B   0 0x05 | 1 confirm A (32) | 33 card A (85 to 116)
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter, ifWellFormed, malformed } from "../bytes.ts";
import { HASH_BYTES } from "../crypto.ts";
import { RISTRETTO255_BYTES } from "../crypto/ristretto255.ts";
import { decodeId, ID_BYTES } from "../identity.ts";
import { CARD_BYTES_MAX, CARD_BYTES_MIN } from "./card.ts";

export const PAIRING_NONCE_BYTES = 16;

export interface Confirmation {
  readonly confirmation: Uint8Array;
  /** Sealed. */
  readonly card: Uint8Array;
}

export type PairingMessage =
  | { readonly kind: "nonce"; readonly nonce: Uint8Array }
  | {
      readonly kind: "joiner-share";
      readonly nonce: Uint8Array;
      readonly id: Uint8Array;
      readonly share: Uint8Array;
    }
  | { readonly kind: "opener-share"; readonly id: Uint8Array; readonly share: Uint8Array }
  | ({ readonly kind: "joiner-confirmation" } & Confirmation)
  | ({ readonly kind: "opener-confirmation" } & Confirmation);

type PairingMessageOf<K extends PairingMessage["kind"]> = Extract<PairingMessage, { kind: K }>;

/** A message's type is its place here, from 1. */
const KINDS: readonly PairingMessage["kind"][] = [
  "nonce",
  "joiner-share",
  "opener-share",
  "joiner-confirmation",
  "opener-confirmation",
];

export function encodePairingMessage(message: PairingMessage): Uint8Array {
  const writer = new ByteWriter().u8(KINDS.indexOf(message.kind) + 1);
  if ("nonce" in message) writer.raw(message.nonce);
  if ("id" in message) writer.raw(message.id).raw(message.share);
  if ("card" in message) writer.raw(message.confirmation).raw(message.card);
  return writer.bytes();
}

/**
 * The message, if it is the one that is waited for: `undefined` for another type, a wrong length,
 * or an ID of another version or suite. Its parts are copies.
 */
export function decodePairingMessage<K extends PairingMessage["kind"]>(
  kind: K,
  body: Uint8Array,
): PairingMessageOf<K> | undefined {
  const message = ifWellFormed(() => {
    const reader = new ByteReader(body.slice());
    if (KINDS[reader.u8("type") - 1] !== kind) throw malformed("type", "out of turn");
    const read = readPairingMessage(kind, reader);
    reader.end();
    return read;
  });
  return message as PairingMessageOf<K> | undefined;
}

function readPairingMessage(kind: PairingMessage["kind"], reader: ByteReader): PairingMessage {
  switch (kind) {
    case "nonce":
      return { kind, nonce: readNonce(reader) };
    case "joiner-share":
      return { kind, nonce: readNonce(reader), id: readId(reader), share: readShare(reader) };
    case "opener-share":
      return { kind, id: readId(reader), share: readShare(reader) };
    case "joiner-confirmation":
    case "opener-confirmation":
      return { kind, confirmation: reader.take(HASH_BYTES, "confirm"), card: readCard(reader) };
  }
}

function readNonce(reader: ByteReader): Uint8Array {
  return reader.take(PAIRING_NONCE_BYTES, "nonce");
}

function readId(reader: ByteReader): Uint8Array {
  const id = reader.take(ID_BYTES, "id");
  if (decodeId(id) === undefined) throw malformed("id", "not an ID of this suite");
  return id;
}

function readShare(reader: ByteReader): Uint8Array {
  return reader.take(RISTRETTO255_BYTES, "share");
}

function readCard(reader: ByteReader): Uint8Array {
  const length = reader.remaining;
  if (length < CARD_BYTES_MIN || length > CARD_BYTES_MAX) throw malformed("card", "wrong length");
  return reader.rest();
}
