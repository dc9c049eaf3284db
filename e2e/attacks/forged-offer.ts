/**
 * An offer of the asymmetric profile as anybody can make it who has read docs/protocol.md 7.2 and
 * 9: whom it names, what it says and who signs it are the forger's choice. Shares nothing with the
 * sender under test but the suite.
 *
 * @module
 */
import { ByteWriter, concat, label } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import type { Party } from "@postern/core/exchange";
import { encodeTransferEnvelope } from "@postern/core/transfer";
import { nativeRsa, nativeSuite as suite } from "@postern/node";

export interface Forgery {
  readonly relayFingerprint: Uint8Array;
  readonly sender: Party;
  readonly receiver: Party;
  readonly receiverSpki: Uint8Array;
  /** Goes into the outer header, whoever made it. */
  readonly certificate: Uint8Array;
  /** 384 bytes over what the sender has to sign. */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
  readonly wall: number;
}

export interface ForgedOffer {
  readonly transfer: Uint8Array;
  /** An envelope's body. */
  readonly body: Uint8Array;
  readonly th: Uint8Array;
}

export async function forgeOffer(forgery: Forgery): Promise<ForgedOffer> {
  const { relayFingerprint, sender, receiver, receiverSpki, certificate } = forgery;
  const transfer = suite.random(16);
  const masterKey = suite.random(32);
  const to = await nativeRsa.importPublic(receiverSpki);
  const ciphertext = await nativeRsa.encrypt(
    to!,
    concat(label("asym-master"), transfer),
    masterKey,
  );
  const outer = new ByteWriter()
    .raw(Uint8Array.of(1, 0, 1, 2))
    .raw(transfer)
    .raw(sender.fingerprint)
    .raw(receiver.fingerprint)
    .lv(certificate)
    .raw(ciphertext)
    .bytes();
  const th = transcriptOf({ relayFingerprint, sender, receiver, receiverSpki }, outer);
  const header = headerBytes(transfer, forgery.wall);
  const ends = [sender.fingerprint, receiver.fingerprint, Uint8Array.of(2)];
  const signed = suite.sha256(concat(header, ...ends, suite.sha256(ciphertext)));
  const signature = await forgery.sign(concat(label("asym header"), th, signed));
  const key = suite.expand(suite.extract(th, masterKey), label("asymmetric header"), 32);
  const plaintext = new ByteWriter().lv(header).raw(signature).bytes();
  const sealedHeader = suite.seal(key, new Uint8Array(12), outer, plaintext);
  const body = encodeTransferEnvelope({
    kind: "offer",
    transfer,
    outer,
    sealedHeader,
    content: new Uint8Array(0),
  });
  return { transfer, body, th };
}

/** Public to the relay, but for nothing. */
export function transcriptOf(
  ends: Pick<Forgery, "relayFingerprint" | "sender" | "receiver" | "receiverSpki">,
  outer: Uint8Array,
): Uint8Array {
  const fields = [ends.relayFingerprint, outer, ends.sender.id, ends.receiver.id];
  const writer = new ByteWriter().raw(label("asymmetric transfer"));
  for (const field of [...fields, ends.receiverSpki]) writer.lv(field);
  return suite.sha256(writer.bytes());
}

/** Signs with this key, whosever it is. */
export function signingWith(key: RsaKeyPair): Forgery["sign"] {
  return async (message) => await nativeRsa.sign(key, message);
}

function headerBytes(transfer: Uint8Array, wall: number): Uint8Array {
  return new ByteWriter()
    .u8(2)
    .raw(transfer)
    .u64(wall)
    .u64(wall + 60_000)
    .raw(suite.random(16))
    .u8(5)
    .u8(1)
    .u64(12)
    .u32(0)
    .u32(0)
    .text("forged.txt")
    .bytes();
}
