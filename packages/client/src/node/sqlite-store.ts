/**
 * A {@link Store} in one SQLite file, optionally under a passphrase.
 *
 * Invariant: a second after a secret was dropped or replaced, and once the store is closed, neither
 * the file nor its journal holds it; after a crash, from the next opening on. What the storage
 * device keeps of overwritten blocks is out of a program's reach.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import {
  CONTACTS_MAX,
  RELAY_PINS_MAX,
  STORED_PACKAGES_MAX,
  UNFINISHED_MAX,
  UNFINISHED_OF_PEER_MAX,
} from "@postern/core/limits";
import { nativeSuite as suite } from "@postern/node";
import type { Clock } from "../records/clock.ts";
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
} from "../store.ts";
import { ChannelRows } from "./channel-rows.ts";
import { rowKeysOf, storedValues } from "./row-seal.ts";
import { createState, openState, type StateFile } from "./state-file.ts";
import { checkPassphrase, sealDataKey, type PassphraseCost } from "./state-passphrase.ts";
import { StateRows } from "./state-rows.ts";
import { snapshotState } from "./state-snapshot.ts";
import {
  contactOf,
  identityOf,
  packageOf,
  pairKeyOf,
  pinOf,
  rsaKeyOf,
  unfinishedOf,
} from "./stored-rows.ts";
import { type Passphrase, unlockState } from "./unlock-state.ts";

/** A store whose secrets can be sealed. */
export interface SealableStore extends Store {
  /** A passphrase seals the secrets. */
  readonly isProtected: boolean;
  /**
   * Seals every secret anew under the passphrase, which stays the caller's; with `undefined` under
   * none. A crash leaves the state under the old or the new one, whole.
   *
   * @param cost of one guess; the default is for people.
   * @throws {@link PosternError} `usage/invalid-argument` for an empty or endless one;
   * `store/failed`, `store/no-space`
   */
  setPassphrase(passphrase: Uint8Array | undefined, cost?: PassphraseCost): Promise<void>;
}

/**
 * Opens the store at `path`; the first time it is made with what `newIdentity` gives.
 *
 * @throws {@link PosternError} `store/in-use`, `store/failed`, `store/no-space`; `store/locked`
 * when it needs a passphrase and there is none, `store/wrong-passphrase`; what `passphrase` throws.
 */
export async function sqliteStore(
  path: string,
  newIdentity: () => StoredIdentity,
  passphrase?: Passphrase,
  clock?: Clock,
): Promise<SealableStore> {
  await createState(path, (database) => {
    const made = newIdentity();
    checkIdentity(made);
    const { signingSeed, linkSeed, name } = made;
    const values = storedValues("identity", [1, signingSeed, linkSeed, name], undefined);
    database.prepare("INSERT INTO identity VALUES (?, ?, ?, ?, ?)").run(...values);
  });
  return await unlockedStore(await openState(path, clock), passphrase);
}

/**
 * The store at `path` as it is at this moment, beside the process that has it. What would change it
 * throws `usage/wrong-state`.
 *
 * @throws {@link PosternError} as {@link sqliteStore}; `store/in-use` when this process has it
 */
export async function sqliteStoreCopy(
  path: string,
  passphrase?: Passphrase,
): Promise<SealableStore> {
  return await unlockedStore(await snapshotState(path), passphrase);
}

async function unlockedStore(
  state: StateFile,
  passphrase: Passphrase | undefined,
): Promise<SealableStore> {
  try {
    const keys = await unlockState(state.database, state.path, passphrase);
    return new SqliteStore(new StateRows(state, keys));
  } catch (error) {
    state.journal.close();
    throw error;
  }
}

class SqliteStore implements SealableStore {
  readonly #rows: StateRows;
  readonly #channels: ChannelRows;

  constructor(rows: StateRows) {
    this.#rows = rows;
    this.#channels = new ChannelRows(rows);
  }

  get isProtected(): boolean {
    return this.#rows.isGuarded;
  }

  async setPassphrase(passphrase: Uint8Array | undefined, cost?: PassphraseCost): Promise<void> {
    if (passphrase === undefined) return this.#rows.guard(undefined, undefined);
    checkPassphrase(passphrase);
    this.#rows.run(() => {});
    const dataKey = suite.random(32);
    try {
      const sealed = await sealDataKey(passphrase, dataKey, cost);
      this.#rows.guard(rowKeysOf(dataKey), sealed);
    } finally {
      wipe(dataKey);
    }
  }

  async identity(): Promise<StoredIdentity> {
    const row = this.#rows.get("identity", 1);
    if (row === undefined) throw this.#rows.damaged();
    return this.#rows.read(() => identityOf(row));
  }

  async pairKey(at: PairKeyId): Promise<PairKey | undefined> {
    return this.#pairKey(at);
  }

  async keepPairKey(at: PairKeyId, kept: PairKey): Promise<void> {
    checkPairKeyId(at);
    checkPairKey(kept);
    this.#savePair(at, kept.counter, kept.key);
  }

  async takePairKey(at: PairKeyId): Promise<PairKey | undefined> {
    // No await between the two: nobody else may see the key in between.
    const kept = this.#pairKey(at);
    if (kept !== undefined) this.#savePair(at, kept.counter, null);
    return kept;
  }

  async pairCounter(at: PairKeyId): Promise<number> {
    const pair = this.#pair(at);
    return pair?.counter ?? 0;
  }

  async channel(at: ChannelId): Promise<Uint8Array | undefined> {
    checkChannelId(at);
    return this.#channels.get(at);
  }

  async saveChannel(
    at: ChannelId,
    record: Uint8Array,
    usedPackage?: Uint8Array,
    options: SaveOptions = {},
  ): Promise<void> {
    checkChannelId(at);
    checkChannelRecord(record);
    if (usedPackage !== undefined) checkKid(usedPackage);
    if (options.receipt !== undefined) checkReceipt(at, options.receipt);
    this.#channels.save(at, record, usedPackage, options);
  }

  async receipt(peer: Uint8Array, slot: number): Promise<Uint8Array | undefined> {
    checkFingerprint(peer, "peer");
    checkSlot(slot);
    return this.#channels.receipt(peer, slot);
  }

  async channels(): Promise<readonly StoredChannel[]> {
    return this.#channels.all();
  }

  async dropChannels(peer: Uint8Array): Promise<void> {
    checkFingerprint(peer, "peer");
    this.#channels.drop(peer);
  }

  async keyPackage(kid: Uint8Array): Promise<StoredPackage | undefined> {
    checkKid(kid);
    const row = this.#rows.get("key_package", kid);
    return row && this.#rows.read(() => packageOf(row));
  }

  async keyPackages(): Promise<readonly StoredPackage[]> {
    const rows = this.#rows.all("key_package", "rowid");
    return this.#rows.read(() => rows.map(packageOf));
  }

  async saveKeyPackages(packages: readonly StoredPackage[]): Promise<void> {
    checkPackages(packages);
    this.#rows.change(() => {
      for (const { kid, seed, encoded, type, keepUntil } of packages) {
        this.#rows.remove("key_package", kid);
        this.#rows.put("key_package", kid, seed, encoded, type, keepUntil);
      }
      this.#rows.dropOldest("key_package", "FROM key_package", STORED_PACKAGES_MAX);
    });
  }

  async dropKeyPackages(kids: readonly Uint8Array[]): Promise<void> {
    for (const kid of kids) checkKid(kid);
    this.#rows.change(() => {
      for (const kid of kids) this.#rows.remove("key_package", kid);
    });
  }

  async contacts(named?: string): Promise<readonly StoredContact[]> {
    const which = named === undefined ? [] : ["name = ? OR relay_name = ?", named, named];
    const rows = this.#rows.all("contact", "name", ...which);
    return this.#rows.read(() => rows.map(contactOf));
  }

  async contact(fingerprint: Uint8Array): Promise<StoredContact | undefined> {
    checkFingerprint(fingerprint);
    const row = this.#rows.get("contact", fingerprint);
    return row && this.#rows.read(() => contactOf(row));
  }

  async saveContact(contact: StoredContact): Promise<void> {
    checkContact(contact);
    const { fingerprint, id, name, relayName, trust, blocked, addedAt } = contact;
    const secret = contact.pairingSecret ?? null;
    const others = "SELECT count(*) FROM contact WHERE fingerprint <> ?";
    this.#rows.change(() => {
      if (this.#rows.count(`${others} AND name = ?`, fingerprint, name) > 0) throw nameTaken();
      if (this.#rows.count(others, fingerprint) >= CONTACTS_MAX) throw contactsFull();
      const rest = [relayName, trust, blocked ? 1 : 0, secret, addedAt] as const;
      this.#rows.put("contact", fingerprint, id, name, ...rest);
    });
  }

  async removeContact(fingerprint: Uint8Array): Promise<void> {
    checkFingerprint(fingerprint);
    this.#rows.change(() => this.#rows.remove("contact", fingerprint));
  }

  async unfinished(): Promise<readonly StoredUnfinished[]> {
    const rows = this.#rows.all("unfinished", "rowid DESC");
    return this.#rows.read(() => rows.map(unfinishedOf));
  }

  async unfinishedOne(at: UnfinishedId): Promise<StoredUnfinished | undefined> {
    checkUnfinishedId(at);
    const row = this.#rows.get("unfinished", at.role, at.peer, at.content);
    return row && this.#rows.read(() => unfinishedOf(row));
  }

  async saveUnfinished(unfinished: StoredUnfinished): Promise<void> {
    checkUnfinished(unfinished);
    const { role, peer, content, record, changedAt } = unfinished;
    this.#rows.change(() => {
      // Removed first: a row that is added has the latest rowid.
      this.#rows.remove("unfinished", role, peer, content);
      this.#rows.put("unfinished", role, peer, content, record, changedAt);
      const ofPeer = "FROM unfinished WHERE role = ? AND peer = ?";
      this.#rows.dropOldest("unfinished", ofPeer, UNFINISHED_OF_PEER_MAX, role, peer);
      this.#rows.dropOldest("unfinished", "FROM unfinished WHERE role = ?", UNFINISHED_MAX, role);
    });
  }

  async dropUnfinished(at: UnfinishedId): Promise<void> {
    checkUnfinishedId(at);
    this.#rows.change(() => this.#rows.remove("unfinished", at.role, at.peer, at.content));
  }

  async rsaKey(): Promise<StoredRsaKey | undefined> {
    const row = this.#rows.get("rsa_key", 1);
    return row && this.#rows.read(() => rsaKeyOf(row));
  }

  async saveRsaKey(key: StoredRsaKey): Promise<void> {
    checkRsaKey(key);
    this.#rows.change(() => this.#rows.put("rsa_key", 1, key.pkcs8, key.notAfter));
  }

  async relayPin(address: string): Promise<Uint8Array | undefined> {
    const row = this.#rows.get("relay_pin", address);
    return row && this.#rows.read(() => pinOf(row).fingerprint);
  }

  async relayPins(): Promise<readonly RelayPin[]> {
    const rows = this.#rows.all("relay_pin", "address");
    return this.#rows.read(() => rows.map(pinOf));
  }

  async pinRelay(address: string, fingerprint: Uint8Array): Promise<void> {
    checkPin(address, fingerprint);
    const others = "SELECT count(*) FROM relay_pin WHERE address <> ?";
    this.#rows.change(() => {
      if (this.#rows.count(others, address) >= RELAY_PINS_MAX) throw pinsFull();
      this.#rows.put("relay_pin", address, fingerprint);
    });
  }

  async close(): Promise<void> {
    try {
      this.#rows.close();
    } finally {
      this.#channels.wipe();
    }
  }

  #pairKey(at: PairKeyId): PairKey | undefined {
    const pair = this.#pair(at);
    return pair?.key && { counter: pair.counter, key: pair.key };
  }

  #pair(at: PairKeyId): ReturnType<typeof pairKeyOf> | undefined {
    checkPairKeyId(at);
    const row = this.#rows.get("pair", at.role, at.relay, at.peer);
    return row && this.#rows.read(() => pairKeyOf(row));
  }

  #savePair(at: PairKeyId, counter: number, key: Uint8Array | null): void {
    this.#rows.change(() => this.#rows.put("pair", at.role, at.relay, at.peer, counter, key));
  }
}
