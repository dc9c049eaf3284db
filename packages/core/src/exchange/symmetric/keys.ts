/**
 * Keys of a transfer in the symmetric profile. docs/protocol.md 7.1.
 *
 * @module
 */
import { ByteWriter, label } from "../../bytes/writer.ts";
import { wipe } from "../../bytes/equal.ts";
import type { ExchangeContext } from "../context.ts";
import type { TransferKeys } from "../transfer-keys.ts";

export const MASTER_KEY_BYTES = 32;

/** Derives all keys of a transfer. The caller keeps `masterKey` and wipes it. */
export function deriveSymmetricKeys(
  context: ExchangeContext,
  outer: Uint8Array,
  masterKey: Uint8Array,
): TransferKeys {
  const { suite } = context;
  const transcript = symmetricTranscript(context, outer);
  const prk = suite.extract(transcript, masterKey);
  const key = (name: string): Uint8Array => suite.expand(prk, label(`symmetric ${name}`), 32);
  const keys = {
    transcript,
    header: key("header"),
    answer: key("answer"),
    receipt: key("receipt"),
    reverse: key("reverse"),
    session: key("wrap"),
  };
  wipe(prk);
  return keys;
}

/** What the receiver proves in its receipt: it holds the next master key. 32 bytes. */
export function nextKeyCheck(
  context: ExchangeContext,
  transcript: Uint8Array,
  nextKey: Uint8Array,
): Uint8Array {
  const prk = context.suite.extract(transcript, nextKey);
  const check = context.suite.expand(prk, label("symmetric next"), 32);
  wipe(prk);
  return check;
}

function symmetricTranscript(context: ExchangeContext, outer: Uint8Array): Uint8Array {
  return context.suite.sha256(
    label("symmetric transfer"),
    new ByteWriter()
      .lv(context.relayFingerprint)
      .lv(outer)
      .lv(context.sender.id)
      .lv(context.receiver.id)
      .bytes(),
  );
}
