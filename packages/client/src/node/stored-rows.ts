/**
 * Rows of the state as what the {@link Store} gives out, held to the same bounds as what it takes.
 * They throw for a row that this program did not write.
 *
 * @module
 */
import type { SQLOutputValue } from "node:sqlite";
import type { WallMs } from "@postern/core/time";
import {
  checkChannelId,
  checkChannelRecord,
  checkContact,
  checkIdentity,
  checkPackages,
  checkPairKey,
  checkPin,
  checkReceipt,
  checkRsaKey,
  checkUnfinished,
  type ChannelId,
  type RelayPin,
  type StoredChannel,
  type StoredContact,
  type StoredIdentity,
  type StoredPackage,
  type StoredRsaKey,
  type StoredUnfinished,
} from "../store.ts";
import type { Row } from "./row-seal.ts";

export function identityOf(row: Row): StoredIdentity {
  const identity = {
    signingSeed: bytes(row["signing_seed"]),
    linkSeed: bytes(row["link_seed"]),
    name: text(row["name"]),
  };
  checkIdentity(identity);
  return identity;
}

/** `key` is `undefined` when it has been taken. */
export function pairKeyOf(row: Row): {
  readonly counter: number;
  readonly key: Uint8Array | undefined;
} {
  const counter = number(row["counter"]);
  if (row["key"] === null) return { counter, key: undefined };
  const kept = { counter, key: bytes(row["key"]) };
  checkPairKey(kept);
  return kept;
}

export function channelOf(row: Row): StoredChannel {
  const role = text(row["role"]) as ChannelId["role"];
  const channel = { role, peer: bytes(row["peer"]), record: bytes(row["record"]) };
  checkChannelId(channel);
  checkChannelRecord(channel.record);
  return channel;
}

export function receiptOf(row: Row): Uint8Array {
  const [peer, slot, receipt] = [bytes(row["peer"]), number(row["slot"]), bytes(row["receipt"])];
  checkReceipt({ peer, role: "receiving" }, { slot, receipt });
  return receipt;
}

export function packageOf(row: Row): StoredPackage {
  const one = {
    kid: bytes(row["kid"]),
    seed: bytes(row["seed"]),
    encoded: bytes(row["encoded"]),
    type: text(row["type"]) as StoredPackage["type"],
    keepUntil: number(row["keep_until"]) as WallMs,
  };
  checkPackages([one]);
  return one;
}

export function contactOf(row: Row): StoredContact {
  const secret = row["pairing_secret"];
  const blocked = number(row["blocked"]);
  if (blocked > 1) throw new TypeError("neither 0 nor 1");
  const contact = {
    id: bytes(row["id"]),
    fingerprint: bytes(row["fingerprint"]),
    name: text(row["name"]),
    relayName: text(row["relay_name"]),
    trust: text(row["trust"]) as StoredContact["trust"],
    blocked: blocked === 1,
    pairingSecret: secret === null ? undefined : bytes(secret),
    addedAt: number(row["added_at"]) as WallMs,
  };
  checkContact(contact);
  return contact;
}

export function unfinishedOf(row: Row): StoredUnfinished {
  const one = {
    role: text(row["role"]) as StoredUnfinished["role"],
    peer: bytes(row["peer"]),
    content: bytes(row["content"]),
    record: bytes(row["record"]),
    changedAt: number(row["changed_at"]) as WallMs,
  };
  checkUnfinished(one);
  return one;
}

export function rsaKeyOf(row: Row): StoredRsaKey {
  const key = { pkcs8: bytes(row["pkcs8"]), notAfter: number(row["not_after"]) as WallMs };
  checkRsaKey(key);
  return key;
}

export function pinOf(row: Row): RelayPin {
  const pin = { address: text(row["address"]), fingerprint: bytes(row["fingerprint"]) };
  checkPin(pin.address, pin.fingerprint);
  return pin;
}

function bytes(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("no bytes");
}

function text(value: SQLOutputValue | undefined): string {
  if (typeof value === "string") return value;
  throw new TypeError("no text");
}

function number(value: SQLOutputValue | undefined): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new TypeError("no number");
}
