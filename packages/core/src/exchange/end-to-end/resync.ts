import { equalBytes } from "../../bytes/equal.ts";
import { ByteReader, ifWellFormed, malformed } from "../../bytes/reader.ts";
import { ByteWriter, concat, label } from "../../bytes/writer.ts";
import {
  HASH_BYTES,
  SIGNATURE_BYTES,
  SUITE_ID,
  type SigningKeyPair,
  type Suite,
} from "../../crypto/suite.ts";
import { decodeId } from "../../identity/id.ts";
import type { ExchangeContext } from "../context.ts";
import type { OfferedBytes } from "../steps.ts";

/**
 * A receiver's signed word that an offer does not fit its end of the channel.
 * docs/protocol-end-to-end.md 7.3.5.
 *
 * ```text
 *   0x01 | suite u16 | S (32) | T (32) | offer (32) | epoch u64 | expected u32 | signature (64)
 * ```
 */
export interface Resync {
  /** {@link offerDigest} of what arrived. */
  readonly offer: Uint8Array;
  /** 0 when the receiver knows no channel. */
  readonly epoch: number;
  readonly expected: number;
}

type Ends = Pick<ExchangeContext, "suite" | "sender" | "receiver">;

const VERSION = 1;

export function encodeResync(
  { suite, sender, receiver }: Ends,
  signing: SigningKeyPair,
  { offer, epoch, expected }: Resync,
): Uint8Array {
  const state = new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .raw(sender.fingerprint)
    .raw(receiver.fingerprint)
    .raw(offer)
    .u64(epoch)
    .u32(expected)
    .bytes();
  return concat(state, suite.sign(signing, concat(label("resync"), state)));
}

/** `undefined` when it is malformed, of other ends, or not signed by the receiver. */
export function decodeResync(
  { suite, sender, receiver }: Ends,
  bytes: Uint8Array,
): Resync | undefined {
  const publicKey = decodeId(receiver.id);
  const state = bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES));
  const signature = bytes.subarray(state.length);
  if (publicKey === undefined || signature.length !== SIGNATURE_BYTES) return undefined;
  if (!suite.verify(publicKey, concat(label("resync"), state), signature)) return undefined;
  return ifWellFormed(() => {
    const reader = new ByteReader(state);
    if (reader.u8("version") !== VERSION) throw malformed("version", "not 1");
    if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not 1");
    if (!equalBytes(reader.take(32, "sender"), sender.fingerprint))
      throw malformed("sender", "another client");
    if (!equalBytes(reader.take(32, "receiver"), receiver.fingerprint))
      throw malformed("receiver", "another client");
    const offer = reader.take(HASH_BYTES, "offer").slice();
    const epoch = reader.u64("epoch");
    const expected = reader.u32("expected");
    reader.end();
    return { offer, epoch, expected };
  });
}

/** Names an offer by all its bytes, its content left out. */
export function offerDigest(suite: Suite, { outer, sealedHeader }: OfferedBytes): Uint8Array {
  return suite.sha256(new ByteWriter().lv(outer).lv(sealedHeader).bytes());
}
