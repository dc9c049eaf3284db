/**
 * CPace (draft-irtf-cfrg-cpace-21), suite CPACE-RISTR255-SHA512, in initiator-responder mode: two
 * who know the same password make a key; whoever does not gets one guess for each run, and none
 * from watching. docs/protocol-pairing.md 10.2.
 *
 * @module
 */
import { concat, utf8, wipe } from "../bytes.ts";
import type { Suite } from "../crypto.ts";
import {
  RISTRETTO255_BYTES,
  ristretto255FromHash,
  ristretto255Multiply,
} from "../crypto/ristretto255.ts";
import { sha512 } from "../crypto/sha512.ts";
import { PosternError } from "../errors.ts";

/** What both know before the first share. */
export interface CpaceInputs {
  /** PRS: the password. */
  readonly password: Uint8Array;
  /** CI: where it takes place. */
  readonly channel: Uint8Array;
  /** sid, of both ends' making. */
  readonly session: Uint8Array;
}

export interface CpaceSecret {
  /** y, 32 bytes. Used once; the caller wipes it. */
  readonly scalar: Uint8Array;
  /** Y = y times the generator. */
  readonly share: Uint8Array;
}

/** What one side sends: its share and its associated data (AD). */
export interface CpaceMessage {
  readonly share: Uint8Array;
  readonly data: Uint8Array;
}

/** "G.DSI = b"CPaceRistretto255"" */
const DOMAIN = utf8("CPaceRistretto255");
const DOMAIN_ISK = utf8("CPaceRistretto255_ISK");
/** "H.s_in_bytes": what SHA-512 takes at once. */
const HASH_BLOCK_BYTES = 128;
/** "Then clear the most significant bits larger than G.group_size_bits" (252). */
const SCALAR_TOP_BITS = 0x0f;

/** A fresh scalar and its share. */
export function startCpace(suite: Suite, inputs: CpaceInputs): CpaceSecret {
  const scalar = suite.random(RISTRETTO255_BYTES);
  scalar[RISTRETTO255_BYTES - 1]! &= SCALAR_TOP_BITS;
  const generator = cpaceGenerator(inputs);
  const share = ristretto255Multiply(scalar, generator);
  wipe(generator);
  // Of a generator that a hash gave, only the scalar 0 makes the identity.
  if (share === undefined) throw new PosternError("platform/crypto-unusable", "random gave zero");
  return { scalar, share };
}

/**
 * ISK, 64 bytes; `undefined` when the peer's share is no element or the identity ("MUST abort if
 * K=G.I"). `own` says which of the two messages is this side's.
 */
export function finishCpace(
  { scalar }: Pick<CpaceSecret, "scalar">,
  session: Uint8Array,
  messages: { readonly initiator: CpaceMessage; readonly responder: CpaceMessage },
  own: "initiator" | "responder",
): Uint8Array | undefined {
  const { initiator, responder } = messages;
  const peer = own === "initiator" ? responder : initiator;
  const shared = ristretto255Multiply(scalar, peer.share);
  if (shared === undefined) return undefined;
  const secret = lvCat(DOMAIN_ISK, session, shared);
  const isk = sha512(
    secret,
    lvCat(initiator.share, initiator.data),
    lvCat(responder.share, responder.data),
  );
  wipe(shared, secret);
  return isk;
}

/** The generator that stands for the password, encoded. As secret as the password: wipe it. */
export function cpaceGenerator({ password, channel, session }: CpaceInputs): Uint8Array {
  const text = generatorString(password, channel, session);
  const uniform = sha512(text);
  const generator = ristretto255FromHash(uniform);
  wipe(text, uniform);
  return generator;
}

/** "lv_cat(DSI, PRS, zero_bytes(len_zpad), CI, sid)": the padding fills the first block. */
function generatorString(
  password: Uint8Array,
  channel: Uint8Array,
  session: Uint8Array,
): Uint8Array {
  const secret = lvCat(DOMAIN, password);
  const padding = new Uint8Array(Math.max(0, HASH_BLOCK_BYTES - 1 - secret.length));
  const text = concat(secret, lvCat(padding, channel, session));
  wipe(secret);
  return text;
}

/** "prepend_len": the length in LEB128, then the bytes; of each part, joined. */
function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [leb128(part.length), part]));
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
