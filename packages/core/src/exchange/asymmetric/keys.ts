/**
 * Keys of a transfer in the asymmetric profile, and what its sender signs. docs/protocol.md 7.2.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter, concat, label } from "../../bytes/writer.ts";
import type { ExchangeContext } from "../context.ts";
import type { TransferKeys } from "../transfer-keys.ts";
import { ASYMMETRIC_PROFILE } from "./outer.ts";

export const MASTER_KEY_BYTES = 32;

/** Derives all keys of a transfer. The caller keeps `masterKey` and wipes it. */
export function deriveAsymmetricKeys(
  context: ExchangeContext,
  outer: Uint8Array,
  receiverSpki: Uint8Array,
  masterKey: Uint8Array,
): TransferKeys {
  const { suite } = context;
  const transcript = suite.sha256(
    label("asymmetric transfer"),
    new ByteWriter()
      .lv(context.relayFingerprint)
      .lv(outer)
      .lv(context.sender.id)
      .lv(context.receiver.id)
      .lv(receiverSpki)
      .bytes(),
  );
  const prk = suite.extract(transcript, masterKey);
  const key = (name: string): Uint8Array => suite.expand(prk, label(`asymmetric ${name}`), 32);
  const keys = {
    transcript,
    header: key("header"),
    answer: key("answer"),
    receipt: key("receipt"),
    reverse: key("reverse"),
    session: key("session"),
  };
  wipe(prk);
  return keys;
}

/** OAEP label of the master key's way to the receiver, bound to the transfer. */
export function masterKeyLabel(transfer: Uint8Array): Uint8Array {
  return concat(label("asym-master"), transfer);
}

/** The bytes under the sender's RSA-PSS signature. */
export function signedHeader(
  context: ExchangeContext,
  transcript: Uint8Array,
  header: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  const { suite, sender, receiver } = context;
  const signed = suite.sha256(
    header,
    sender.fingerprint,
    receiver.fingerprint,
    Uint8Array.of(ASYMMETRIC_PROFILE),
    suite.sha256(ciphertext),
  );
  return concat(label("asym header"), transcript, signed);
}
