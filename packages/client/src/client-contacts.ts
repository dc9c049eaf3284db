/**
 * The contacts of a connected client: every change is also known to the {@link PeerBook} at once,
 * and none gets between the jobs of a channel.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { Party } from "@postern/core/exchange";
import { parseFingerprint } from "@postern/core/identity";
import type { Contact, Contacts } from "./people.ts";
import type { ChannelDesk } from "./channel-desk.ts";
import type { ContactBook } from "./contacts.ts";
import { MetKeys } from "./met-keys.ts";
import { MetPeer } from "./met-peer.ts";
import type { PeerBook } from "./peer-book.ts";
import type { Store } from "./store.ts";

/** Who was met, as the pairing says; the secret (32 bytes) becomes that of its {@link MetKeys}. */
export interface Met extends Party {
  readonly name: string;
  readonly secret: Uint8Array;
}

export class ClientContacts implements Contacts {
  readonly #stored: ContactBook;
  readonly #book: PeerBook;
  readonly #channels: ChannelDesk;
  readonly #store: Pick<Store, "dropChannels">;
  /** Of meetings that have not served. */
  readonly #met = new Set<MetKeys>();

  constructor(
    stored: ContactBook,
    book: PeerBook,
    channels: ChannelDesk,
    store: Pick<Store, "dropChannels">,
  ) {
    this.#stored = stored;
    this.#book = book;
    this.#channels = channels;
    this.#store = store;
  }

  async list(): Promise<readonly Contact[]> {
    return await this.#stored.list();
  }

  async find(nameOrFingerprint: string): Promise<Contact | undefined> {
    return await this.#stored.find(nameOrFingerprint);
  }

  async verify(name: string): Promise<Contact> {
    return this.#changed(await this.#stored.verify(name));
  }

  async rename(name: string, to: string): Promise<Contact> {
    return this.#changed(await this.#stored.rename(name, to));
  }

  async block(name: string, blocked: boolean): Promise<Contact> {
    return this.#changed(await this.#stored.block(name, blocked));
  }

  async remove(name: string): Promise<void> {
    const contact = await this.#stored.find(name);
    const fingerprint = contact && parseFingerprint(contact.fingerprint);
    if (contact === undefined || fingerprint === undefined)
      throw new PosternError("contact/unknown", "no such contact");
    await this.#channels.between(fingerprint, async () => {
      await this.#stored.remove(contact.fingerprint);
      this.#book.forget(fingerprint);
    });
  }

  /** Keeps the key of whoever is no contact yet, so that another one is noticed from now on. */
  async pin({ id, fingerprint }: Party, relayName: string): Promise<void> {
    if (this.#book.of(fingerprint) !== undefined) return;
    this.#changed(await this.#stored.addFirstUse(id, relayName));
  }

  /** Somebody was met by a code: what is stored stays as it is until this meeting is kept. */
  meet({ id, fingerprint, name: relayName, secret }: Met): MetPeer {
    const keys: MetKeys = new MetKeys(secret, () => this.#met.delete(keys));
    this.#met.add(keys);
    const peer = this.#book.peerName(fingerprint, relayName);
    return new MetPeer({ id, fingerprint, relayName, peer, keys }, async (met, name) =>
      this.#keep(met, name),
    );
  }

  /** Nobody will use or keep what is left of meetings. */
  wipe(): void {
    for (const keys of this.#met) keys.wipe();
  }

  /**
   * Both ends that keep a meeting forget their channels, so that the next first key, with the new
   * secret, suits both.
   */
  async #keep(met: MetPeer, name: string | undefined): Promise<Contact> {
    const { id, fingerprint, relayName, keys } = met;
    return await this.#channels.between(fingerprint, async () => {
      const secret = keys.secret();
      try {
        await this.#store.dropChannels(fingerprint);
        const contact = this.#changed(await this.#stored.addVerified(id, relayName, secret, name));
        keys.kept();
        return contact;
      } finally {
        wipe(secret);
      }
    });
  }

  #changed(contact: Contact): Contact {
    this.#book.keep(contact);
    return contact;
  }
}
