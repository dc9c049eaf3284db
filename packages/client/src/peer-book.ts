/**
 * What a client knows of others, in memory: whom it calls what, whom it refuses, and the secrets of
 * codes used in its life. The machine that judges offers cannot wait for a store.
 *
 * Invariant: whoever is a contact and has a channel is taken end-to-end alone, until a person
 * removes the contact (docs/protocol-end-to-end.md 7.3.5).
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import { formatFingerprint } from "@postern/core/identity";
import type { PeerAdmission } from "@postern/core/peer";
import type { PeerName, ProfileName, Trust } from "./api.ts";
import type { Store } from "./store.ts";

/** A contact, as far as a transfer depends on it. */
export interface KnownPeer {
  readonly name: string;
  /** Base32. */
  readonly fingerprint: string;
  readonly relayName: string;
  readonly trust: Trust;
  readonly blocked: boolean;
  readonly paired: boolean;
}

export class PeerBook {
  /** By fingerprint. */
  readonly #contacts = new Map<string, KnownPeer>();
  readonly #withChannel = new Set<string>();
  /** Secrets of pairings of this client's life. */
  readonly #secrets = new Map<string, Uint8Array>();

  /** Reads all that is stored. */
  async load(store: Pick<Store, "contacts" | "channels">): Promise<void> {
    for (const { pairingSecret, fingerprint, ...contact } of await store.contacts()) {
      wipe(pairingSecret);
      const known = { fingerprint: formatFingerprint(fingerprint), paired: !!pairingSecret };
      this.keep({ ...contact, ...known });
    }
    for (const { peer, record } of await store.channels()) {
      wipe(record);
      this.addChannel(peer);
    }
  }

  /** A contact is new or has changed. */
  keep({ name, fingerprint, relayName, trust, blocked, paired }: KnownPeer): void {
    const known = { name, fingerprint, relayName, trust, blocked, paired };
    this.#contacts.set(fingerprint, known);
  }

  /** The contact is removed, and its channels with it. */
  forget(fingerprint: Uint8Array): void {
    const key = formatFingerprint(fingerprint);
    this.#contacts.delete(key);
    this.#withChannel.delete(key);
    wipe(this.#secrets.get(key));
    this.#secrets.delete(key);
  }

  of(fingerprint: Uint8Array): KnownPeer | undefined {
    return this.#contacts.get(formatFingerprint(fingerprint));
  }

  named(name: string): KnownPeer | undefined {
    for (const known of this.#contacts.values()) if (known.name === name) return known;
    return undefined;
  }

  /** Whom a relay has shown under this name. */
  byRelayName(name: string): readonly KnownPeer[] {
    return [...this.#contacts.values()].filter(({ relayName }) => relayName === name);
  }

  addChannel(peer: Uint8Array): void {
    this.#withChannel.add(formatFingerprint(peer));
  }

  dropChannels(peer: Uint8Array): void {
    this.#withChannel.delete(formatFingerprint(peer));
  }

  /** Another profile than end-to-end would be a step back. */
  isDowngrade(peer: Uint8Array, profile: ProfileName): boolean {
    const key = formatFingerprint(peer);
    return profile !== "end-to-end" && this.#contacts.has(key) && this.#withChannel.has(key);
  }

  admits(peer: Uint8Array, profile: ProfileName): PeerAdmission {
    if (this.of(peer)?.blocked === true) return "blocked";
    return this.isDowngrade(peer, profile) ? "profile-refused" : "welcome";
  }

  /** @param said what the relay, or the peer, calls it. */
  peerName(fingerprint: Uint8Array, said: string): PeerName {
    const known = this.of(fingerprint);
    const name = known?.name ?? said;
    return { name, fingerprint: formatFingerprint(fingerprint), trust: known?.trust };
  }

  /** Met by a code: `secret` (32 bytes, now the book's) goes into first keys of this pair. */
  meet(fingerprint: Uint8Array, secret: Uint8Array): void {
    const key = formatFingerprint(fingerprint);
    wipe(this.#secrets.get(key));
    this.#secrets.set(key, secret);
  }

  /** A copy, which the caller wipes. */
  secretOf(fingerprint: Uint8Array): Uint8Array | undefined {
    return this.#secrets.get(formatFingerprint(fingerprint))?.slice();
  }

  wipe(): void {
    wipe(...this.#secrets.values());
    this.#secrets.clear();
  }
}
