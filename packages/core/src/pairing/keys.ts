/**
 * What comes of CPace in a pairing: transcript, confirmations, keys, and the pair's secret.
 * docs/protocol-pairing.md 10.2.
 *
 * Invariant: a card is opened, and a secret given away, only under {@link ConfirmedKeys}, which
 * only {@link checkConfirmation} makes.
 *
 * @module
 */
import { ByteWriter, equalBytes, label, wipe } from "../bytes.ts";
import { HASH_BYTES, type Suite } from "../crypto.ts";
import { finishCpace, startCpace, type CpaceSecret } from "./cpace.ts";

export type PairingRole = "opener" | "joiner";

/** Where a pairing takes place, and what both drew for it. */
export interface PairingPlace {
  readonly relayFingerprint: Uint8Array;
  readonly slot: number;
  readonly openerNonce: Uint8Array;
  readonly joinerNonce: Uint8Array;
}

/** What one side says of itself. */
export interface PairingEnd {
  readonly id: Uint8Array;
  readonly share: Uint8Array;
}

export type PairingEnds = Readonly<Record<PairingRole, PairingEnd>>;

export interface PairingKeys {
  /** th */
  readonly transcript: Uint8Array;
  readonly openerConfirm: Uint8Array;
  readonly joinerConfirm: Uint8Array;
  readonly openerCard: Uint8Array;
  readonly joinerCard: Uint8Array;
  /** The pair's. */
  readonly secret: Uint8Array;
}

declare const confirmed: unique symbol;

/** Keys that the other side has proved it holds, and so that it knows the words. */
export type ConfirmedKeys = PairingKeys & { readonly [confirmed]: true };

/** This side's scalar and share, under the generator that the words and the place give. */
export function drawShare(suite: Suite, place: PairingPlace, password: Uint8Array): CpaceSecret {
  const session = pairingSession(suite, place);
  return startCpace(suite, { password, channel: pairingChannel(place), session });
}

/** `undefined` when the other side's share is no element or the identity. Wipes `scalar`. */
export function agreeOnKeys(
  suite: Suite,
  place: PairingPlace,
  ends: PairingEnds,
  scalar: Uint8Array,
  own: PairingRole,
): PairingKeys | undefined {
  const messages = {
    initiator: { share: ends.joiner.share, data: associatedData(suite, ends.joiner.id) },
    responder: { share: ends.opener.share, data: associatedData(suite, ends.opener.id) },
  };
  const cpaceRole = own === "joiner" ? "initiator" : "responder";
  const isk = finishCpace({ scalar }, pairingSession(suite, place), messages, cpaceRole);
  wipe(scalar);
  return isk && derivePairingKeys(suite, place, ends, isk);
}

/** Says that `role` knows the words. */
export function confirmationOf(suite: Suite, keys: PairingKeys, role: PairingRole): Uint8Array {
  const key = role === "opener" ? keys.openerConfirm : keys.joinerConfirm;
  return suite.hmacSha256(key, keys.transcript);
}

/** The keys, now confirmed by `role`; `undefined` when it does not know the words. */
export function checkConfirmation(
  suite: Suite,
  keys: PairingKeys,
  role: PairingRole,
  confirmation: Uint8Array,
): ConfirmedKeys | undefined {
  const expected = confirmationOf(suite, keys, role);
  const holds = equalBytes(expected, confirmation);
  wipe(expected);
  return holds ? (keys as ConfirmedKeys) : undefined;
}

export function wipePairingKeys(keys: PairingKeys): void {
  const { openerConfirm, joinerConfirm, openerCard, joinerCard, secret } = keys;
  wipe(openerConfirm, joinerConfirm, openerCard, joinerCard, secret);
}

/** sid: neither side alone decides it, so no run is like another. */
function pairingSession(suite: Suite, place: PairingPlace): Uint8Array {
  return suite.sha256(label("pairing sid"), place.openerNonce, place.joinerNonce);
}

/** CI */
function pairingChannel({ relayFingerprint, slot }: PairingPlace): Uint8Array {
  const number = new ByteWriter().u32(slot).bytes();
  return new ByteWriter().lv(relayFingerprint).lv(number).bytes();
}

/** AD: the ID of 35 bytes as one of 32. */
function associatedData(suite: Suite, id: Uint8Array): Uint8Array {
  return suite.sha256(id);
}

/** Wipes `isk`. */
function derivePairingKeys(
  suite: Suite,
  place: PairingPlace,
  ends: PairingEnds,
  isk: Uint8Array,
): PairingKeys {
  const transcript = transcriptOf(suite, place, ends);
  const prk = suite.extract(transcript, isk);
  const key = (use: string) => suite.expand(prk, label(`pairing ${use}`), HASH_BYTES);
  const keys = {
    transcript,
    openerConfirm: key("opener confirm"),
    joinerConfirm: key("joiner confirm"),
    openerCard: key("opener card"),
    joinerCard: key("joiner card"),
    secret: key("secret"),
  };
  wipe(prk, isk);
  return keys;
}

function transcriptOf(suite: Suite, place: PairingPlace, { opener, joiner }: PairingEnds) {
  const facts = new ByteWriter()
    .raw(label("pairing"))
    .lv(place.relayFingerprint)
    .u32(place.slot)
    .raw(place.openerNonce)
    .raw(place.joinerNonce)
    .lv(opener.id)
    .lv(joiner.id)
    .raw(opener.share)
    .raw(joiner.share);
  return suite.sha256(facts.bytes());
}
