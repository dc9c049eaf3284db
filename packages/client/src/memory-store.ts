/**
 * A {@link Store} that forgets everything when it is closed: for tests, and for clients that must
 * leave nothing behind. Nothing is durable here.
 *
 * @module
 */
import { equalBytes, hex, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { SlottedReceipt } from "@postern/core/exchange";
import {
  CONTACTS_MAX,
  RELAY_PINS_MAX,
  STORED_PACKAGES_MAX,
  STRANGERS_CHANNELS_MAX,
  UNFINISHED_MAX,
  UNFINISHED_OF_PEER_MAX,
} from "@postern/core/limits";
import {
  checkChannelId,
  checkChannelRecord,
  checkContact,
  checkFingerprint,
  checkIdentity,
  checkKid,
  checkPackages,
  checkPairKey,
  checkPairKeyId,
  checkPin,
  checkReceipt,
  checkRsaKey,
  checkSlot,
  checkUnfinished,
  checkUnfinishedId,
  contactsFull,
  nameTaken,
  pinsFull,
  type ChannelId,
  type PairKey,
  type PairKeyId,
  type RelayPin,
  type SaveOptions,
  type Store,
  type StoredChannel,
  type StoredContact,
  type StoredIdentity,
  type StoredPackage,
  type StoredRsaKey,
  type StoredUnfinished,
  type UnfinishedId,
} from "./store.ts";

/** @throws {@link PosternError} `usage/invalid-argument` for seeds of a wrong length. */
export function memoryStore(identity: StoredIdentity): Store {
  checkIdentity(identity);
  return new MemoryStore(identity);
}

interface Pair {
  readonly counter: number;
  readonly key: Uint8Array | undefined;
}

class MemoryStore implements Store {
  readonly #pairs = new Map<string, Pair>();
  /** By use: the one saved last is the last. */
  readonly #channels = new Map<string, StoredChannel>();
  /** Of each peer, by their slots. */
  readonly #receipts = new Map<string, Uint8Array[]>();
  /** The one saved last is the last. */
  readonly #packages = new Map<string, StoredPackage>();
  readonly #contacts = new Map<string, StoredContact>();
  /** The one saved last is the last. */
  readonly #unfinished = new Map<string, StoredUnfinished>();
  readonly #pins = new Map<string, Uint8Array>();
  readonly #identity: StoredIdentity;
  #rsaKey: StoredRsaKey | undefined;
  #closed = false;

  constructor(identity: StoredIdentity) {
    this.#identity = copyIdentity(identity);
  }

  async identity(): Promise<StoredIdentity> {
    this.#expectOpen();
    return copyIdentity(this.#identity);
  }

  async pairKey(at: PairKeyId): Promise<PairKey | undefined> {
    const pair = this.#pair(at);
    return pair?.key && { counter: pair.counter, key: pair.key.slice() };
  }

  async keepPairKey(at: PairKeyId, kept: PairKey): Promise<void> {
    checkPairKey(kept);
    wipe(this.#pair(at)?.key);
    this.#pairs.set(pairName(at), { counter: kept.counter, key: kept.key.slice() });
  }

  async takePairKey(at: PairKeyId): Promise<PairKey | undefined> {
    const pair = this.#pair(at);
    if (pair?.key === undefined) return undefined;
    this.#pairs.set(pairName(at), { counter: pair.counter, key: undefined });
    return { counter: pair.counter, key: pair.key };
  }

  async pairCounter(at: PairKeyId): Promise<number> {
    return this.#pair(at)?.counter ?? 0;
  }

  async channel(at: ChannelId): Promise<Uint8Array | undefined> {
    this.#expectOpen();
    checkChannelId(at);
    return this.#channels.get(channelName(at))?.record.slice();
  }

  async saveChannel(
    at: ChannelId,
    record: Uint8Array,
    usedPackage?: Uint8Array,
    { receipt: kept }: SaveOptions = {},
  ): Promise<void> {
    this.#expectOpen();
    checkChannelId(at);
    checkChannelRecord(record);
    if (usedPackage !== undefined) checkKid(usedPackage);
    if (kept !== undefined) checkReceipt(at, kept);
    const isNew = !this.#channels.has(channelName(at));
    this.#dropChannel(channelName(at));
    this.#channels.set(channelName(at), copyChannel({ ...at, record }));
    if (usedPackage !== undefined) this.#dropPackage(hex(usedPackage));
    if (kept !== undefined) this.#keepReceipt(at.peer, kept);
    if (isNew) this.#dropStrangers();
  }

  async receipt(peer: Uint8Array, slot: number): Promise<Uint8Array | undefined> {
    this.#expectOpen();
    checkFingerprint(peer, "peer");
    checkSlot(slot);
    return this.#receipts.get(hex(peer))?.[slot]?.slice();
  }

  async channels(): Promise<readonly StoredChannel[]> {
    this.#expectOpen();
    return [...this.#channels.values()].map(copyChannel);
  }

  async dropChannels(peer: Uint8Array): Promise<void> {
    this.#expectOpen();
    checkFingerprint(peer, "peer");
    for (const role of ["sending", "receiving"] as const)
      this.#dropChannel(channelName({ peer, role }));
    this.#receipts.delete(hex(peer));
  }

  async keyPackage(kid: Uint8Array): Promise<StoredPackage | undefined> {
    this.#expectOpen();
    checkKid(kid);
    const kept = this.#packages.get(hex(kid));
    return kept && copyPackage(kept);
  }

  async keyPackages(): Promise<readonly StoredPackage[]> {
    this.#expectOpen();
    return [...this.#packages.values()].map(copyPackage);
  }

  async saveKeyPackages(packages: readonly StoredPackage[]): Promise<void> {
    this.#expectOpen();
    checkPackages(packages);
    for (const one of packages) {
      this.#dropPackage(hex(one.kid));
      this.#packages.set(hex(one.kid), copyPackage(one));
    }
    const excess = Math.max(0, this.#packages.size - STORED_PACKAGES_MAX);
    for (const name of [...this.#packages.keys()].slice(0, excess)) this.#dropPackage(name);
  }

  async dropKeyPackages(kids: readonly Uint8Array[]): Promise<void> {
    this.#expectOpen();
    for (const kid of kids) checkKid(kid);
    for (const kid of kids) this.#dropPackage(hex(kid));
  }

  async contacts(named?: string): Promise<readonly StoredContact[]> {
    this.#expectOpen();
    const all = [...this.#contacts.values()];
    const some = all.filter(
      ({ name, relayName }) => named === undefined || name === named || relayName === named,
    );
    return some.map(copyContact).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async contact(fingerprint: Uint8Array): Promise<StoredContact | undefined> {
    this.#expectOpen();
    checkFingerprint(fingerprint);
    const kept = this.#contacts.get(hex(fingerprint));
    return kept && copyContact(kept);
  }

  async saveContact(contact: StoredContact): Promise<void> {
    this.#expectOpen();
    checkContact(contact);
    const key = hex(contact.fingerprint);
    for (const [other, { name }] of this.#contacts)
      if (other !== key && name === contact.name) throw nameTaken();
    const before = this.#contacts.get(key);
    if (before === undefined && this.#contacts.size >= CONTACTS_MAX) throw contactsFull();
    wipe(before?.pairingSecret);
    this.#contacts.set(key, copyContact(contact));
  }

  async removeContact(fingerprint: Uint8Array): Promise<void> {
    this.#expectOpen();
    checkFingerprint(fingerprint);
    wipe(this.#contacts.get(hex(fingerprint))?.pairingSecret);
    this.#contacts.delete(hex(fingerprint));
  }

  async unfinished(): Promise<readonly StoredUnfinished[]> {
    this.#expectOpen();
    return [...this.#unfinished.values()].toReversed().map(copyUnfinished);
  }

  async unfinishedOne(at: UnfinishedId): Promise<StoredUnfinished | undefined> {
    this.#expectOpen();
    checkUnfinishedId(at);
    const kept = this.#unfinished.get(unfinishedName(at));
    return kept && copyUnfinished(kept);
  }

  async saveUnfinished(unfinished: StoredUnfinished): Promise<void> {
    this.#expectOpen();
    checkUnfinished(unfinished);
    const name = unfinishedName(unfinished);
    const isNew = !this.#unfinished.delete(name);
    this.#unfinished.set(name, copyUnfinished(unfinished));
    if (isNew) this.#dropOldUnfinished(unfinished);
  }

  async dropUnfinished(at: UnfinishedId): Promise<void> {
    this.#expectOpen();
    checkUnfinishedId(at);
    this.#unfinished.delete(unfinishedName(at));
  }

  async rsaKey(): Promise<StoredRsaKey | undefined> {
    this.#expectOpen();
    return this.#rsaKey && { ...this.#rsaKey, pkcs8: this.#rsaKey.pkcs8.slice() };
  }

  async saveRsaKey(key: StoredRsaKey): Promise<void> {
    this.#expectOpen();
    checkRsaKey(key);
    wipe(this.#rsaKey?.pkcs8);
    this.#rsaKey = { notAfter: key.notAfter, pkcs8: key.pkcs8.slice() };
  }

  async relayPin(address: string): Promise<Uint8Array | undefined> {
    this.#expectOpen();
    return this.#pins.get(address)?.slice();
  }

  async relayPins(): Promise<readonly RelayPin[]> {
    this.#expectOpen();
    const pins = [...this.#pins].map(([address, pin]) => ({ address, fingerprint: pin.slice() }));
    return pins.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  }

  async pinRelay(address: string, fingerprint: Uint8Array): Promise<void> {
    this.#expectOpen();
    checkPin(address, fingerprint);
    if (!this.#pins.has(address) && this.#pins.size >= RELAY_PINS_MAX) throw pinsFull();
    this.#pins.set(address, fingerprint.slice());
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const pair of this.#pairs.values()) wipe(pair.key);
    for (const { record } of this.#channels.values()) wipe(record);
    for (const { seed } of this.#packages.values()) wipe(seed);
    for (const { pairingSecret } of this.#contacts.values()) wipe(pairingSecret);
    wipe(this.#identity.signingSeed, this.#identity.linkSeed, this.#rsaKey?.pkcs8);
  }

  #pair(at: PairKeyId): Pair | undefined {
    this.#expectOpen();
    checkPairKeyId(at);
    return this.#pairs.get(pairName(at));
  }

  #dropChannel(name: string): void {
    wipe(this.#channels.get(name)?.record);
    this.#channels.delete(name);
  }

  #dropStrangers(): void {
    const strangers = [...this.#channels].filter(([, { peer }]) => !this.#contacts.has(hex(peer)));
    const excess = Math.max(0, strangers.length - STRANGERS_CHANNELS_MAX);
    for (const [name, { role, peer }] of strangers.slice(0, excess)) {
      this.#dropChannel(name);
      if (role === "receiving") this.#receipts.delete(hex(peer));
    }
  }

  #keepReceipt(peer: Uint8Array, { slot, receipt }: SlottedReceipt): void {
    const kept = this.#receipts.get(hex(peer)) ?? [];
    this.#receipts.set(hex(peer), kept);
    kept[slot] = receipt.slice();
  }

  #dropOldUnfinished({ role, peer }: UnfinishedId): void {
    const ofRole = [...this.#unfinished.values()].filter((one) => one.role === role);
    const ofPeer = ofRole.filter((one) => equalBytes(one.peer, peer));
    const tooMany = ofPeer.slice(0, Math.max(0, ofPeer.length - UNFINISHED_OF_PEER_MAX));
    const rest = ofRole.filter((one) => !tooMany.includes(one));
    tooMany.push(...rest.slice(0, Math.max(0, rest.length - UNFINISHED_MAX)));
    for (const one of tooMany) this.#unfinished.delete(unfinishedName(one));
  }

  #dropPackage(name: string): void {
    wipe(this.#packages.get(name)?.seed);
    this.#packages.delete(name);
  }

  #expectOpen(): void {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the store is closed");
  }
}

function pairName(at: PairKeyId): string {
  return `${at.role} ${hex(at.relay)} ${hex(at.peer)}`;
}

function channelName(at: ChannelId): string {
  return `${at.role} ${hex(at.peer)}`;
}

function unfinishedName(at: UnfinishedId): string {
  return `${at.role} ${hex(at.peer)} ${hex(at.content)}`;
}

function copyUnfinished(one: StoredUnfinished): StoredUnfinished {
  const { role, peer, content, record, changedAt } = one;
  return {
    role,
    peer: peer.slice(),
    content: content.slice(),
    record: record.slice(),
    changedAt,
  };
}

function copyIdentity(identity: StoredIdentity): StoredIdentity {
  return {
    name: identity.name,
    signingSeed: identity.signingSeed.slice(),
    linkSeed: identity.linkSeed.slice(),
  };
}

function copyChannel({ peer, role, record }: StoredChannel): StoredChannel {
  return { peer: peer.slice(), role, record: record.slice() };
}

function copyPackage({ kid, seed, encoded, type, keepUntil }: StoredPackage): StoredPackage {
  return { kid: kid.slice(), seed: seed.slice(), encoded: encoded.slice(), type, keepUntil };
}

function copyContact(contact: StoredContact): StoredContact {
  const { name, relayName, trust, blocked, addedAt } = contact;
  return {
    id: contact.id.slice(),
    fingerprint: contact.fingerprint.slice(),
    name,
    relayName,
    trust,
    blocked,
    pairingSecret: contact.pairingSecret?.slice(),
    addedAt,
  };
}
