import { equalBytes } from "../../bytes/equal.ts";
import { ByteReader, malformed } from "../../bytes/reader.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { SUITE_ID } from "../../crypto/suite.ts";
import type { ExchangeContext } from "../context.ts";
import type { KeySource } from "../steps.ts";

/**
 * Outer header of an offer in the symmetric profile, in the clear. docs/protocol.md 7.1.
 *
 * ```text
 *   0x01 | suite u16 | profile u8 = 1 | key u8 | counter u64 | tid (16) | S (32) | T (32)
 * ```
 */
export interface SymmetricOuter {
  readonly source: KeySource;
  /** Counter of the kept key; with a fresh key the pair's last counter, 0 without history. */
  readonly counter: number;
  /** Fingerprint the sender meant it for: a verdict of its own when it is not this client's. */
  readonly receiver: Uint8Array;
}

export const OUTER_BYTES = 93;
const SYMMETRIC_PROFILE = 1;
const VERSION = 1;
const SOURCES: readonly KeySource[] = ["fresh-rsa", "kept"];

export function encodeSymmetricOuter(
  context: ExchangeContext,
  outer: Omit<SymmetricOuter, "receiver">,
): Uint8Array {
  return new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .u8(SYMMETRIC_PROFILE)
    .u8(SOURCES.indexOf(outer.source))
    .u64(outer.counter)
    .raw(context.transfer)
    .raw(context.sender.fingerprint)
    .raw(context.receiver.fingerprint)
    .bytes();
}

/**
 * Decodes what the peer sent and holds it against what this end knows of the transfer.
 *
 * @throws {@link PosternError} `peer/malformed`
 */
export function decodeSymmetricOuter(context: ExchangeContext, bytes: Uint8Array): SymmetricOuter {
  const reader = new ByteReader(bytes);
  if (reader.u8("version") !== VERSION) throw malformed("version", "not 1");
  if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not 1");
  if (reader.u8("profile") !== SYMMETRIC_PROFILE) throw malformed("profile", "not symmetric");
  const source = SOURCES[reader.u8("key")];
  if (source === undefined) throw malformed("key", "neither fresh nor kept");
  const counter = reader.u64("counter");
  if (!equalBytes(reader.take(16, "transfer"), context.transfer))
    throw malformed("transfer", "not the envelope's");
  if (!equalBytes(reader.take(32, "sender"), context.sender.fingerprint))
    throw malformed("sender", "not the envelope's");
  const receiver = reader.take(32, "receiver").slice();
  reader.end();
  return { source, counter, receiver };
}
