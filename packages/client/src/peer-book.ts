/**
 * What a client knows of its contacts, in memory: whom it calls what, and whom it refuses. The
 * machine that judges offers cannot wait for a store.
 *
 * Invariant: a contact is taken end-to-end alone, until a person removes it. It became one by an
 * end-to-end transfer to or from its name, or by a code that was kept; nothing else makes contacts.
 * Who was met by a code for a transfer alone is none (docs/protocol-end-to-end.md 7.3.5).
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import { formatFingerprint } from "@postern/core/identity";
import type { PeerAdmission } from "@postern/core/peer";
import type { ProfileName } from "./api.ts";
import type { Contact, PeerName } from "./people.ts";
import type { Store } from "./store.ts";

/** A contact, as far as a transfer depends on it. */
export type KnownPeer = Pick<
  Contact,
  "name" | "fingerprint" | "relayName" | "trust" | "blocked" | "paired"
>;

export class PeerBook {
  /** By fingerprint. */
  readonly #contacts = new Map<string, KnownPeer>();

  /** Reads all that is stored. */
  async load(store: Pick<Store, "contacts">): Promise<void> {
    for (const { pairingSecret, fingerprint, ...contact } of await store.contacts()) {
      wipe(pairingSecret);
      const known = { fingerprint: formatFingerprint(fingerprint), paired: !!pairingSecret };
      this.keep({ ...contact, ...known });
    }
  }

  /** A contact is new or has changed. */
  keep({ name, fingerprint, relayName, trust, blocked, paired }: KnownPeer): void {
    const known = { name, fingerprint, relayName, trust, blocked, paired };
    this.#contacts.set(fingerprint, known);
  }

  /** The contact is removed, and its channels with it. */
  forget(fingerprint: Uint8Array): void {
    this.#contacts.delete(formatFingerprint(fingerprint));
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

  /** Another profile than end-to-end would be a step back. */
  isDowngrade(peer: Uint8Array, profile: ProfileName): boolean {
    return profile !== "end-to-end" && this.of(peer) !== undefined;
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
}
