/**
 * Cards: the name that a side goes by, and its proof that it holds the key of the ID it named.
 * docs/protocol-pairing.md 10.2.
 *
 * ```text
 *   0 lv(name) (5 to 36) | signature (64), sealed: 16 more
 * ```
 *
 * Knowing the words is not enough to be somebody: whoever was told a code could else name a third
 * person's ID, and so destroy what the other side has with that person.
 *
 * Invariant: a side counts as paired only as a {@link ProvenPeer}, which only {@link openCard}
 * makes.
 *
 * @module
 */
import { ByteReader, ByteWriter, ifWellFormed, label, malformed } from "../bytes.ts";
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  SIGNATURE_BYTES,
  type SigningKeyPair,
  type Suite,
} from "../crypto.ts";
import { decodeId, isName } from "../identity.ts";
import { NAME_BYTES_MAX } from "../limits.ts";
import type { ConfirmedKeys, PairingKeys, PairingRole } from "./keys.ts";

/** With a name of one letter, and with the longest. */
export const CARD_BYTES_MIN = 4 + 1 + SIGNATURE_BYTES + AEAD_TAG_BYTES;
export const CARD_BYTES_MAX = 4 + NAME_BYTES_MAX + SIGNATURE_BYTES + AEAD_TAG_BYTES;

declare const proven: unique symbol;

/** A side that knows the words and holds the key of `id`. */
export interface ProvenPeer {
  readonly id: Uint8Array;
  /** What it calls itself. */
  readonly name: string;
  readonly [proven]: true;
}

/** Every key seals one card. */
const CARD_NONCE = new Uint8Array(AEAD_NONCE_BYTES);
/** A signature is good for the side that made it. */
const ROLE_NUMBERS: Readonly<Record<PairingRole, number>> = { opener: 1, joiner: 2 };

/** For the other side alone. Once for each key: its nonce is 0. */
export function sealCard(
  suite: Suite,
  keys: PairingKeys,
  role: PairingRole,
  { name, signing }: { readonly name: string; readonly signing: SigningKeyPair },
): Uint8Array {
  const signature = suite.sign(signing, signatureInput(keys, role));
  const plaintext = new ByteWriter().text(name).raw(signature).bytes();
  return suite.seal(cardKey(keys, role), CARD_NONCE, keys.transcript, plaintext);
}

/**
 * `id` is what `role` said in the run that `keys` are of. `undefined` when the card does not open,
 * holds no name, or is not signed by that ID.
 */
export function openCard(
  suite: Suite,
  keys: ConfirmedKeys,
  { role, id }: { readonly role: PairingRole; readonly id: Uint8Array },
  card: Uint8Array,
): ProvenPeer | undefined {
  const plaintext = suite.open(cardKey(keys, role), CARD_NONCE, keys.transcript, card);
  const publicKey = decodeId(id);
  if (plaintext === undefined || publicKey === undefined) return undefined;
  const read = ifWellFormed(() => readCard(plaintext));
  if (read === undefined) return undefined;
  const { name, signature } = read;
  if (!suite.verify(publicKey, signatureInput(keys, role), signature)) return undefined;
  return { id, name } as ProvenPeer;
}

function readCard(plaintext: Uint8Array) {
  const reader = new ByteReader(plaintext);
  const name = reader.text("name", NAME_BYTES_MAX);
  if (!isName(name)) throw malformed("name", "not a name");
  const signature = reader.take(SIGNATURE_BYTES, "signature");
  reader.end();
  return { name, signature };
}

/** Both IDs, and all else that was said, are in the transcript. */
function signatureInput({ transcript }: PairingKeys, role: PairingRole): Uint8Array {
  return new ByteWriter()
    .raw(label("pairing identity"))
    .u8(ROLE_NUMBERS[role])
    .raw(transcript)
    .bytes();
}

function cardKey(keys: PairingKeys, role: PairingRole): Uint8Array {
  return role === "opener" ? keys.openerCard : keys.joinerCard;
}
