/**
 * The people a device knows: pinned by fingerprint, called what the person calls them
 * (docs/protocol-pairing.md 10). Works on the store alone, without a connection.
 *
 * Invariants: one fingerprint is one contact, and no contact takes another's place or name. Trust
 * only grows: what a relay or a peer says of itself never lowers it, nor renames anybody.
 *
 * @module
 */
import { equalBytes, wipe } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { describeChannel } from "@postern/core/exchange";
import {
  decodeId,
  fingerprintOf,
  formatFingerprint,
  isName,
  parseFingerprint,
} from "@postern/core/identity";
import { CONTACTS_MAX, NAME_BYTES_MAX } from "@postern/core/limits";
import { safetyNumber } from "@postern/core/pairing";
import type { WallMs } from "@postern/core/time";
import type { ChannelInfo, Contact, Contacts } from "./people.ts";
import type { Store, StoredContact } from "./store.ts";

export interface ContactPorts {
  readonly store: Store;
  readonly suite: Suite;
  readonly wall: () => WallMs;
}

/** This device's own identity: 35 and 32 bytes. */
export interface ContactOwner {
  readonly id: Uint8Array;
  readonly fingerprint: Uint8Array;
}

/** {@link Contacts}, and what a client needs to keep them up. */
export interface ContactBook extends Contacts {
  /**
   * Pins a client that was met at a relay. A known fingerprint stays as it is, its relay name too.
   *
   * @param relayName as the relay says it: hostile.
   * @throws {@link PosternError} `peer/malformed` for an id or a name that is none, or one's own id
   */
  addFirstUse(id: Uint8Array, relayName: string): Promise<Contact>;
  /**
   * Keeps who was met by a code as `verified`, with the secret of the pairing (32 bytes, copied).
   *
   * @param relayName as it calls itself: hostile. A known fingerprint keeps its name.
   * @param name as the person wants to call it, made unique; else by `relayName`.
   * @throws as {@link addFirstUse}; `usage/invalid-argument` for a `name` that is none
   */
  addVerified(
    id: Uint8Array,
    relayName: string,
    pairingSecret: Uint8Array,
    name?: string,
  ): Promise<Contact>;
  /**
   * Contacts that a relay has shown under this name, verified ones first. When the relay now gives
   * the name to a fingerprint that is not among them, its key has changed.
   */
  byRelayName(name: string): Promise<readonly Contact[]>;
}

/** Reads and writes go to the store at once; nothing is remembered here. */
export function contactBook(ports: ContactPorts, self: ContactOwner): ContactBook {
  return new StoredContacts(ports, self);
}

class StoredContacts implements ContactBook {
  readonly #ports: ContactPorts;
  readonly #self: ContactOwner;
  /** Ends when the last change has: each reads what the one before it wrote. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(ports: ContactPorts, self: ContactOwner) {
    this.#ports = ports;
    this.#self = self;
  }

  async list(): Promise<readonly Contact[]> {
    return this.#shown(await this.#ports.store.contacts());
  }

  async find(nameOrFingerprint: string): Promise<Contact | undefined> {
    const kept = await this.#stored(nameOrFingerprint);
    return kept && this.#show(kept);
  }

  async byRelayName(name: string): Promise<readonly Contact[]> {
    const kept = await this.#select(name, ({ relayName }) => relayName === name);
    const verified = kept.filter(({ trust }) => trust === "verified");
    const others = kept.filter(({ trust }) => trust !== "verified");
    return this.#shown([...verified, ...others]);
  }

  async verify(name: string): Promise<Contact> {
    return this.#change(name, { trust: "verified" });
  }

  async rename(name: string, to: string): Promise<Contact> {
    if (!isName(to)) throw invalid("to");
    return this.#change(name, { name: to });
  }

  async block(name: string, blocked: boolean): Promise<Contact> {
    return this.#change(name, { blocked });
  }

  async remove(name: string): Promise<void> {
    await this.#oneByOne(async () => {
      const { fingerprint, pairingSecret } = await this.#expect(name);
      wipe(pairingSecret);
      // The contact last: whoever is interrupted still sees it and can say so again.
      await this.#ports.store.dropChannels(fingerprint);
      await this.#dropPairKeys(fingerprint);
      await this.#ports.store.removeContact(fingerprint);
    });
  }

  async addFirstUse(id: Uint8Array, relayName: string): Promise<Contact> {
    const fingerprint = this.#fingerprintOf(id);
    expectPeerName(relayName);
    return this.#oneByOne(async () => {
      const known = await this.#ports.store.contact(fingerprint);
      // It keeps its relay name: what a relay calls it now is no more than the relay's word.
      if (known !== undefined) return this.#save(known);
      return this.#save({
        ...this.#newContact(id, fingerprint, relayName),
        name: await this.#freeName(relayName, fingerprint),
      });
    });
  }

  async addVerified(
    id: Uint8Array,
    relayName: string,
    pairingSecret: Uint8Array,
    name?: string,
  ): Promise<Contact> {
    const fingerprint = this.#fingerprintOf(id);
    expectPeerName(relayName);
    if (name !== undefined && !isName(name)) throw invalid("name");
    const secret = pairingSecret.slice();
    return this.#oneByOne(async () => {
      const known = await this.#ports.store.contact(fingerprint);
      wipe(known?.pairingSecret);
      const kept = known ?? this.#newContact(id, fingerprint, relayName);
      const isNamed = known !== undefined && (name === undefined || name === known.name);
      return this.#save({
        ...kept,
        relayName,
        trust: "verified",
        pairingSecret: secret,
        name: isNamed ? known.name : await this.#freeName(name ?? relayName, fingerprint),
      });
    });
  }

  /** @throws {@link PosternError} `peer/malformed` */
  #fingerprintOf(id: Uint8Array): Uint8Array {
    if (decodeId(id) === undefined) throw malformed("not an id");
    const fingerprint = fingerprintOf(this.#ports.suite, id);
    if (equalBytes(fingerprint, this.#self.fingerprint)) throw malformed("this device's own id");
    return fingerprint;
  }

  #newContact(
    id: Uint8Array,
    fingerprint: Uint8Array,
    relayName: string,
  ): Omit<StoredContact, "name"> {
    return {
      id: id.slice(),
      fingerprint,
      relayName,
      trust: "first-use",
      blocked: false,
      pairingSecret: undefined,
      addedAt: this.#ports.wall(),
    };
  }

  /**
   * `bob`, or `bob-2` when a bob is known: nobody gets into another's place by a name, neither by
   * the person's for it nor by the relay's for who is verified.
   */
  async #freeName(wanted: string, wantedBy: Uint8Array): Promise<string> {
    if (!(await this.#takenNames(wantedBy, wanted)).has(wanted)) return wanted;
    const taken = await this.#takenNames(wantedBy);
    for (let n = 2; n <= CONTACTS_MAX + 1; n++) {
      const end = `-${n}`;
      const name = wanted.slice(0, NAME_BYTES_MAX - end.length) + end;
      if (!taken.has(name)) return name;
    }
    throw new PosternError("contact/name-taken", "no free name");
  }

  async #takenNames(wantedBy: Uint8Array, named?: string): Promise<ReadonlySet<string>> {
    const taken = new Set<string>();
    for (const known of await this.#ports.store.contacts(named)) {
      wipe(known.pairingSecret);
      taken.add(known.name);
      const isOther = !equalBytes(known.fingerprint, wantedBy);
      if (isOther && known.trust === "verified") taken.add(known.relayName);
    }
    return taken;
  }

  async #change(
    name: string,
    change: Partial<Pick<StoredContact, "name" | "trust" | "blocked">>,
  ): Promise<Contact> {
    return this.#oneByOne(async () => this.#save({ ...(await this.#expect(name)), ...change }));
  }

  async #save(contact: StoredContact): Promise<Contact> {
    try {
      await this.#ports.store.saveContact(contact);
      return await this.#show({ ...contact, pairingSecret: contact.pairingSecret?.slice() });
    } finally {
      wipe(contact.pairingSecret);
    }
  }

  /** Master keys of the RSA profiles, at every relay this device knows. */
  async #dropPairKeys(peer: Uint8Array): Promise<void> {
    const { store } = this.#ports;
    for (const { fingerprint: relay } of await store.relayPins())
      for (const role of ["sending", "receiving"] as const)
        wipe((await store.takePairKey({ relay, peer, role }))?.key);
  }

  /** @throws {@link PosternError} `contact/unknown` */
  async #expect(nameOrFingerprint: string): Promise<StoredContact> {
    const kept = await this.#stored(nameOrFingerprint);
    if (kept === undefined) throw new PosternError("contact/unknown", "no such contact");
    return kept;
  }

  /** A name is shorter than a fingerprint's 52 symbols: none can pass for the other (C-11). */
  async #stored(nameOrFingerprint: string): Promise<StoredContact | undefined> {
    if (isName(nameOrFingerprint)) {
      const [found] = await this.#select(
        nameOrFingerprint,
        ({ name }) => name === nameOrFingerprint,
      );
      return found;
    }
    const fingerprint = parseGrouped(nameOrFingerprint);
    return fingerprint && this.#ports.store.contact(fingerprint);
  }

  async #select(
    named: string,
    wanted: (contact: StoredContact) => boolean,
  ): Promise<StoredContact[]> {
    const all = await this.#ports.store.contacts(named);
    return all.filter((one) => {
      const isWanted = wanted(one);
      if (!isWanted) wipe(one.pairingSecret);
      return isWanted;
    });
  }

  async #shown(contacts: readonly StoredContact[]): Promise<readonly Contact[]> {
    const shown: Contact[] = [];
    for (const contact of contacts) shown.push(await this.#show(contact));
    return shown;
  }

  /** Wipes the secret of `contact`, which is a copy. */
  async #show(contact: StoredContact): Promise<Contact> {
    const { name, relayName, trust, blocked, addedAt, fingerprint, pairingSecret, id } = contact;
    wipe(pairingSecret);
    const { suite } = this.#ports;
    const ownId = this.#self.id;
    return {
      name,
      fingerprint: formatFingerprint(fingerprint),
      relayName,
      trust,
      blocked,
      paired: pairingSecret !== undefined,
      // Whoever sends something does not look at it, and it takes a hash that only pairings need.
      get safetyNumber() {
        return safetyNumber(suite, ownId, id);
      },
      addedAt,
      channels: await this.#channelsWith(fingerprint),
    };
  }

  async #channelsWith(peer: Uint8Array): Promise<readonly ChannelInfo[]> {
    const channels: ChannelInfo[] = [];
    for (const role of ["sending", "receiving"] as const) {
      const record = await this.#ports.store.channel({ peer, role });
      const facts = record && describeChannel(record);
      wipe(record);
      if (facts !== undefined) channels.push({ role, ...facts });
    }
    return channels;
  }

  #oneByOne<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => {});
    return result;
  }
}

/** Longer than 52 symbols in groups of one. */
const GROUPED_LENGTH_MAX = 128;

/** As people copy and type it: upper case, in groups of any length, with blanks or dashes. */
function parseGrouped(text: string): Uint8Array | undefined {
  if (text.length > GROUPED_LENGTH_MAX) return undefined;
  return parseFingerprint(text.replaceAll(/[\s-]+/gu, ""));
}

function expectPeerName(relayName: string): void {
  if (!isName(relayName)) throw malformed("not a name");
}

function malformed(what: string): PosternError {
  return new PosternError("peer/malformed", `a contact: ${what}`);
}

function invalid(argument: string): PosternError {
  return new PosternError("usage/invalid-argument", "not a name for a contact", { argument });
}
