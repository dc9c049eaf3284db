/**
 * End-to-end offers that a forger makes from what it has stolen, by the protocol's own steps: only
 * whose keys go in differs. docs/protocol-end-to-end.md 7.3.3.
 *
 * @module
 */
import { ByteWriter, utf8 } from "@postern/core/bytes";
import { performChannelJob, type ExchangeContext, type Party } from "@postern/core/exchange";
import type { Identity } from "@postern/core/identity";
import { encodeTransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { LyingRelay } from "./lying-relay.ts";

export interface StolenParts {
  /** Who is said to send. */
  readonly sender: Party;
  readonly receiver: Party;
  /** Whose key signs. */
  readonly signer: Identity;
  /** A package of the receiver. */
  readonly keyPackage: Uint8Array;
  readonly pairingSecret?: Uint8Array;
  /** The sender's end of its channel; a new one begins without it. */
  readonly channel?: Uint8Array;
}

export interface ForgedInit {
  readonly transfer: Uint8Array;
  /** An envelope's body. */
  readonly body: Uint8Array;
}

/** An offer that carries `text`. */
export function forgeMessage(relay: LyingRelay, stolen: StolenParts, text: string): ForgedInit {
  const transfer = suite.random(16);
  const { sender, receiver, signer, keyPackage, pairingSecret, channel } = stolen;
  const relayFingerprint = relay.fingerprint;
  const context: ExchangeContext = { suite, relayFingerprint, sender, receiver, transfer };
  const message = padded(text);
  const header = headerBytes(transfer, relay.wall(), message.length);
  const step = performChannelJob(
    { context, identity: signer, now: relay.wall() },
    { kind: "seal-offer", header, message },
    { sending: channel?.slice(), receiving: undefined, peerPackage: keyPackage, pairingSecret },
  );
  if (step.kind !== "done" || step.input.kind !== "offer-sealed") throw new Error("no offer");
  const { outer, sealedHeader, inChannel } = step.input.ready;
  const content = inChannel?.content ?? new Uint8Array(0);
  const envelope = { kind: "offer", transfer, outer, sealedHeader, content } as const;
  return { transfer, body: encodeTransferEnvelope(envelope) };
}

function padded(text: string): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set(new ByteWriter().lv(utf8(text)).bytes());
  return bytes;
}

function headerBytes(transfer: Uint8Array, wall: number, size: number): Uint8Array {
  const times = new ByteWriter()
    .u8(1)
    .raw(transfer)
    .u64(wall)
    .u64(wall + 60_000);
  const content = times.raw(suite.random(16)).u8(5).u8(1).u64(size).u32(0).u32(0);
  return content.text("").bytes();
}
