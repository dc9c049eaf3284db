import { equalBytes } from "../../bytes/equal.ts";
import { ByteReader, malformed } from "../../bytes/reader.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { KEM_CIPHERTEXT_BYTES, SUITE_ID } from "../../crypto/suite.ts";
import type { ExchangeContext } from "../context.ts";

/**
 * Outer header of an end-to-end offer, in the clear. docs/protocol-end-to-end.md 7.3.3.
 *
 * ```text
 *   0x01 | suite u16 | profile u8 = 3 | type u8 | n u32 | epoch u64 | kid (16) | tid (16) | S (32)
 *   | T (32) | ct (1120)
 * ```
 */
export interface EndToEndOuter {
  readonly type: OfferType;
  /** Number of the transfer in its channel. */
  readonly n: number;
  readonly epoch: number;
  /** The package or receipt key that `ciphertext` is for, 16 bytes. */
  readonly kid: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** Fingerprint the sender meant it for. */
  readonly receiver: Uint8Array;
}

/** `paired-init`: with the secret of a pairing. */
export type OfferType = "init" | "open" | "paired-init";

export const KID_BYTES = 16;
export const END_TO_END_PROFILE = 3;
const VERSION = 1;
const TYPES: readonly OfferType[] = ["init", "open", "paired-init"];
const CLEAR_BYTES = 1 + 2 + 1 + 1 + 4 + 8 + KID_BYTES + 16 + 32 + 32;
const OUTER_BYTES = CLEAR_BYTES + KEM_CIPHERTEXT_BYTES;

export function encodeEndToEndOuter(
  context: Pick<ExchangeContext, "transfer" | "sender" | "receiver">,
  outer: Omit<EndToEndOuter, "receiver">,
): Uint8Array {
  return new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .u8(END_TO_END_PROFILE)
    .u8(TYPES.indexOf(outer.type))
    .u32(outer.n)
    .u64(outer.epoch)
    .raw(outer.kid)
    .raw(context.transfer)
    .raw(context.sender.fingerprint)
    .raw(context.receiver.fingerprint)
    .raw(outer.ciphertext)
    .bytes();
}

/** The part before the ciphertext, as it stands in a transcript. */
export function withoutCiphertext(outer: Uint8Array): Uint8Array {
  return outer.subarray(0, CLEAR_BYTES);
}

/**
 * Decodes what the peer sent and holds it against what this end knows of the transfer.
 *
 * @throws {@link PosternError} `peer/malformed`
 */
export function decodeEndToEndOuter(
  context: Pick<ExchangeContext, "transfer" | "sender">,
  bytes: Uint8Array,
): EndToEndOuter {
  if (bytes.length !== OUTER_BYTES) throw malformed("outer", `length ${bytes.length}`);
  const reader = new ByteReader(bytes);
  if (reader.u8("version") !== VERSION) throw malformed("version", "not 1");
  if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not 1");
  if (reader.u8("profile") !== END_TO_END_PROFILE) throw malformed("profile", "not end-to-end");
  const type = TYPES[reader.u8("type")];
  if (type === undefined) throw malformed("type", "no such offer");
  const n = reader.u32("n");
  if ((n === 0) !== (type !== "open")) throw malformed("n", "not of this type");
  const epoch = reader.u64("epoch");
  const kid = reader.take(KID_BYTES, "kid").slice();
  if (!equalBytes(reader.take(16, "transfer"), context.transfer))
    throw malformed("transfer", "not the envelope's");
  if (!equalBytes(reader.take(32, "sender"), context.sender.fingerprint))
    throw malformed("sender", "not the envelope's");
  const receiver = reader.take(32, "receiver").slice();
  const ciphertext = reader.take(KEM_CIPHERTEXT_BYTES, "ct").slice();
  return { type, n, epoch, kid, ciphertext, receiver };
}
