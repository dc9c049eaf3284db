/**
 * What a client keeps on its device, as a port. Every implementation passes
 * `test/store-conformance.ts`.
 *
 * Invariants: a write is durable when its promise resolves, but for a lazy one. Bytes are copied on
 * the way in and on the way out; the caller wipes what it was given. A dropped key is gone for
 * good.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { AllowedLoss, SlottedReceipt } from "@postern/core/exchange";
import { ID_BYTES, isName } from "@postern/core/identity";
import {
  ADDRESS_LENGTH_MAX,
  CHANNEL_RECORD_BYTES_MAX,
  CONTACTS_MAX,
  KEY_PACKAGE_BYTES,
  OUTBOX_MAX,
  RECEIPT_BYTES_MAX,
  RELAY_PINS_MAX,
  RSA_PKCS8_BYTES_MAX,
  STORED_PACKAGES_MAX,
  UNFINISHED_RECORD_BYTES_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";

export interface Store {
  /** The identity this store was made for. */
  identity(): Promise<StoredIdentity>;

  /** Master key kept for the pair's next transfer, per relay, peer and direction. */
  pairKey(at: PairKeyId): Promise<PairKey | undefined>;
  /** Replaces what was kept. */
  keepPairKey(at: PairKeyId, kept: PairKey): Promise<void>;
  /**
   * Deletes the key and hands it out, to one caller only: a key is gone for good before it is used.
   */
  takePairKey(at: PairKeyId): Promise<PairKey | undefined>;
  /** Counter of the last key kept for the pair, also after its drop; 0 without history. */
  pairCounter(at: PairKeyId): Promise<number>;

  /** One end of a channel with a peer, as the core encodes it (docs/protocol-end-to-end.md). */
  channel(at: ChannelId): Promise<Uint8Array | undefined>;
  /**
   * Replaces it, and erases the key package it has used up, in one durable write. Of the channels
   * with peers who are no contacts, the latest `STRANGERS_CHANNELS_MAX` are kept.
   *
   * A receipt that comes along is kept beside the receiving end, in its slot.
   */
  saveChannel(
    at: ChannelId,
    record: Uint8Array,
    usedPackage?: Uint8Array,
    options?: SaveOptions,
  ): Promise<void>;
  /** What was saved last in this slot with a channel end of the peer. */
  receipt(peer: Uint8Array, slot: number): Promise<Uint8Array | undefined>;
  /** Every channel end, in no order. */
  channels(): Promise<readonly StoredChannel[]>;
  /** Forgets both ends with this peer, and its receipts. */
  dropChannels(peer: Uint8Array): Promise<void>;

  /** `kid`: 16 bytes. */
  keyPackage(kid: Uint8Array): Promise<StoredPackage | undefined>;
  /** In the order in which they were saved. */
  keyPackages(): Promise<readonly StoredPackage[]>;
  /** All or none of them. The latest `STORED_PACKAGES_MAX` are kept. */
  saveKeyPackages(packages: readonly StoredPackage[]): Promise<void>;
  dropKeyPackages(kids: readonly Uint8Array[]): Promise<void>;

  /** In the order of their names: all, or those that the person or a relay calls `named`. */
  contacts(named?: string): Promise<readonly StoredContact[]>;
  contact(fingerprint: Uint8Array): Promise<StoredContact | undefined>;
  /**
   * Adds a contact, or replaces the one of this fingerprint.
   *
   * @throws {@link PosternError} `contact/name-taken` when another contact has the name;
   * `store/failed` (`details.contactsMax`) when there are `CONTACTS_MAX` others.
   */
  saveContact(contact: StoredContact): Promise<void>;
  removeContact(fingerprint: Uint8Array): Promise<void>;

  /** Unfinished contents of both roles, the latest change first. */
  unfinished(): Promise<readonly StoredUnfinished[]>;
  unfinishedOne(at: UnfinishedId): Promise<StoredUnfinished | undefined>;
  /**
   * Adds or replaces it. Of each role the latest `UNFINISHED_MAX` are kept, and of those with one
   * peer the latest `UNFINISHED_OF_PEER_MAX`.
   */
  saveUnfinished(unfinished: StoredUnfinished): Promise<void>;
  dropUnfinished(at: UnfinishedId): Promise<void>;

  rsaKey(): Promise<StoredRsaKey | undefined>;
  saveRsaKey(key: StoredRsaKey): Promise<void>;

  /** Fingerprint pinned for a relay's `host:port`. */
  relayPin(address: string): Promise<Uint8Array | undefined>;
  /** All pinned relays, by address. */
  relayPins(): Promise<readonly RelayPin[]>;
  /**
   * Replaces an older pin: the person has agreed.
   *
   * @throws {@link PosternError} `store/failed` (`details.pinsMax`) beyond `RELAY_PINS_MAX`
   */
  pinRelay(address: string, fingerprint: Uint8Array): Promise<void>;

  /** Further calls throw `usage/wrong-state`. */
  close(): Promise<void>;
}

export interface SaveOptions {
  /**
   * For a step that this may undo: it may become durable later than its promise resolves, but never
   * later than another write after it.
   */
  readonly mayBeLost?: AllowedLoss | undefined;
  readonly receipt?: SlottedReceipt | undefined;
}

export interface RelayPin {
  /** `host:port` */
  readonly address: string;
  readonly fingerprint: Uint8Array;
}

/** `relay` and `peer` are fingerprints (32 bytes); `role` is this client's. */
export interface PairKeyId {
  readonly relay: Uint8Array;
  readonly peer: Uint8Array;
  readonly role: "sending" | "receiving";
}

/** This client's end of the channel with a peer (fingerprint, 32 bytes). */
export interface ChannelId {
  readonly peer: Uint8Array;
  readonly role: "sending" | "receiving";
}

export interface StoredChannel extends ChannelId {
  readonly record: Uint8Array;
}

/** A key package of this client: `encoded` as others see it, `seed` the secret of its key. */
export interface StoredPackage {
  /** 16 bytes. */
  readonly kid: Uint8Array;
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** `KEY_PACKAGE_BYTES`. */
  readonly encoded: Uint8Array;
  readonly type: "one-time" | "last-resort" | "reply";
  /** When the secret may be erased though it was never used. */
  readonly keepUntil: WallMs;
}

/** A content that is under way to or from a peer (fingerprint); `content` is its id, 16 bytes. */
export interface UnfinishedId {
  readonly role: "sending" | "receiving";
  readonly peer: Uint8Array;
  readonly content: Uint8Array;
}

export interface StoredUnfinished extends UnfinishedId {
  /** What it is and where, as `unfinished.ts` encodes it; up to `UNFINISHED_RECORD_BYTES_MAX`. */
  readonly record: Uint8Array;
  readonly changedAt: WallMs;
}

export interface StoredContact {
  /** 35 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes, of `id`. */
  readonly fingerprint: Uint8Array;
  /** What the person calls it: unique, a name as in docs/protocol.md 3. */
  readonly name: string;
  /** Its name at the relay. */
  readonly relayName: string;
  /** `verified`: by a code or a safety number. */
  readonly trust: "verified" | "first-use";
  readonly blocked: boolean;
  /** 32 bytes of a pairing; `undefined` without one. */
  readonly pairingSecret: Uint8Array | undefined;
  readonly addedAt: WallMs;
}

/** `key` is 32 bytes; `counter` as in the outer header (docs/protocol.md 7.1). */
export interface PairKey {
  readonly counter: number;
  readonly key: Uint8Array;
}

/** Seeds of 32 bytes: the Ed25519 identity and the X-Wing key of the link. */
export interface StoredIdentity {
  readonly signingSeed: Uint8Array;
  readonly linkSeed: Uint8Array;
  readonly name: string;
}

export interface StoredRsaKey {
  readonly pkcs8: Uint8Array;
  readonly notAfter: WallMs;
}

const FINGERPRINT_BYTES = 32;
const KEPT_KEY_BYTES = 32;
const SEED_BYTES = 32;
const KID_BYTES = 16;
const PAIRING_SECRET_BYTES = 32;
const CONTENT_ID_BYTES = 16;
const ROLES: readonly string[] = ["sending", "receiving"];
const PACKAGE_TYPES: readonly string[] = ["one-time", "last-resort", "reply"];
const TRUSTS: readonly string[] = ["verified", "first-use"];

/** @throws {@link PosternError} `usage/invalid-argument`, as all the checks here */
export function checkPairKeyId(at: PairKeyId): void {
  checkOneOf("role", at.role, ROLES);
  checkLength("relay", at.relay, FINGERPRINT_BYTES);
  checkFingerprint(at.peer, "peer");
}

export function checkPairKey(kept: PairKey): void {
  checkLength("key", kept.key, KEPT_KEY_BYTES);
  checkNumber("counter", kept.counter);
}

export function checkChannelId(at: ChannelId): void {
  checkOneOf("role", at.role, ROLES);
  checkFingerprint(at.peer, "peer");
}

export function checkChannelRecord(record: Uint8Array): void {
  if (record.length === 0 || record.length > CHANNEL_RECORD_BYTES_MAX) throw invalid("record");
}

export function checkReceipt(at: ChannelId, { slot, receipt }: SlottedReceipt): void {
  if (at.role !== "receiving") throw invalid("role");
  checkSlot(slot);
  if (receipt.length === 0 || receipt.length > RECEIPT_BYTES_MAX) throw invalid("receipt");
}

export function checkSlot(slot: number): void {
  if (!Number.isInteger(slot) || slot < 0 || slot >= OUTBOX_MAX) throw invalid("slot");
}

export function checkKid(kid: Uint8Array): void {
  checkLength("kid", kid, KID_BYTES);
}

export function checkPackages(packages: readonly StoredPackage[]): void {
  if (packages.length > STORED_PACKAGES_MAX) throw invalid("packages");
  for (const one of packages) {
    checkKid(one.kid);
    checkLength("seed", one.seed, SEED_BYTES);
    checkLength("encoded", one.encoded, KEY_PACKAGE_BYTES);
    checkOneOf("type", one.type, PACKAGE_TYPES);
    checkNumber("keepUntil", one.keepUntil);
  }
}

export function checkContact(contact: StoredContact): void {
  checkLength("id", contact.id, ID_BYTES);
  checkFingerprint(contact.fingerprint);
  if (!isName(contact.name)) throw invalid("name");
  if (!isName(contact.relayName)) throw invalid("relayName");
  checkOneOf("trust", contact.trust, TRUSTS);
  if (contact.pairingSecret !== undefined)
    checkLength("pairingSecret", contact.pairingSecret, PAIRING_SECRET_BYTES);
  checkNumber("addedAt", contact.addedAt);
}

export function checkUnfinishedId(at: UnfinishedId): void {
  checkOneOf("role", at.role, ROLES);
  checkFingerprint(at.peer, "peer");
  checkLength("content", at.content, CONTENT_ID_BYTES);
}

export function checkUnfinished(unfinished: StoredUnfinished): void {
  const { record, changedAt } = unfinished;
  checkUnfinishedId(unfinished);
  if (record.length === 0 || record.length > UNFINISHED_RECORD_BYTES_MAX) throw invalid("record");
  checkNumber("changedAt", changedAt);
}

export function checkRsaKey(key: StoredRsaKey): void {
  if (key.pkcs8.length === 0 || key.pkcs8.length > RSA_PKCS8_BYTES_MAX) throw invalid("pkcs8");
  checkNumber("notAfter", key.notAfter);
}

export function checkPin(address: string, fingerprint: Uint8Array): void {
  if (address.length === 0 || address.length > ADDRESS_LENGTH_MAX) throw invalid("address");
  checkFingerprint(fingerprint);
}

export function checkFingerprint(fingerprint: Uint8Array, argument = "fingerprint"): void {
  checkLength(argument, fingerprint, FINGERPRINT_BYTES);
}

export function checkIdentity(identity: StoredIdentity): void {
  checkLength("signingSeed", identity.signingSeed, SEED_BYTES);
  checkLength("linkSeed", identity.linkSeed, SEED_BYTES);
}

function checkLength(argument: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw invalid(argument);
}

function checkNumber(argument: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(argument);
}

function checkOneOf(argument: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw invalid(argument);
}

/** For a store that would otherwise keep two contacts of one name. */
export function nameTaken(): PosternError {
  return new PosternError("contact/name-taken", "another contact has this name");
}

/** For a store that has no room for one more contact. */
export function contactsFull(): PosternError {
  const details = { contactsMax: CONTACTS_MAX };
  return new PosternError("store/failed", "no room for one more contact", details);
}

/** For a store that has no room for one more relay. */
export function pinsFull(): PosternError {
  const details = { pinsMax: RELAY_PINS_MAX };
  return new PosternError("store/failed", "no room for one more relay", details);
}

function invalid(argument: string): PosternError {
  return new PosternError("usage/invalid-argument", `wrong ${argument} for the store`, {
    argument,
  });
}
