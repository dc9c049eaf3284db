/**
 * People as an application sees them: contacts, and who is met by a code. Plain types.
 *
 * @module
 */
export interface PeerName {
  /** What the person calls it, if it is a contact; else its name at the relay. */
  readonly name: string;
  readonly fingerprint: string;
  /** How sure this device is of who it is; `undefined`: no contact. */
  readonly trust: Trust | undefined;
}

/** `first-use`: pinned when it was first seen. `verified`: by a code or a safety number. */
export type Trust = "verified" | "first-use";

export interface Contact {
  readonly name: string;
  /** Base32, 52 characters. */
  readonly fingerprint: string;
  readonly relayName: string;
  readonly trust: Trust;
  readonly blocked: boolean;
  /** A pairing's secret goes into every first key of this pair. */
  readonly paired: boolean;
  /** 12 groups of 5 digits (docs/protocol-pairing.md 10.4). */
  readonly safetyNumber: readonly string[];
  /** ms since 1970. */
  readonly addedAt: number;
  readonly channels: readonly ChannelInfo[];
}

/** One direction of the end-to-end keys with a contact. */
export interface ChannelInfo {
  readonly role: "sending" | "receiving";
  readonly epoch: number;
  /** Transfers in this epoch. */
  readonly transfers: number;
  /** Of them without a receipt. */
  readonly unacknowledged: number;
  /** When the other side last gave a fresh key, or this side took one; ms since 1970. */
  readonly renewedAt: number;
}

/** People this device knows, by fingerprint; `name` is what the person calls them. */
export interface Contacts {
  /** In the order of their names. */
  list(): Promise<readonly Contact[]>;
  /** By name, or by fingerprint in any grouping. `undefined`: none. */
  find(nameOrFingerprint: string): Promise<Contact | undefined>;
  /** The person has compared the safety number. @throws {@link PosternError} `contact/unknown` */
  verify(name: string): Promise<Contact>;
  /** @throws {@link PosternError} `contact/unknown`, `contact/name-taken` */
  rename(name: string, to: string): Promise<Contact>;
  /** A blocked one's offers are refused unseen. @throws {@link PosternError} `contact/unknown` */
  block(name: string, blocked: boolean): Promise<Contact>;
  /** Forgets pin, pairing and keys. @throws {@link PosternError} `contact/unknown` */
  remove(name: string): Promise<void>;
}

/**
 * Who met this client by a code (docs/protocol-pairing.md). Its secret serves the transfers that
 * are sent `to` it and received `from` it, and is gone with the last of them or with the listening;
 * then the other calls throw `usage/wrong-state`. What is stored of its peer stays as it was.
 */
export interface Paired {
  readonly peer: PeerName;
  /**
   * Keeps it as a verified contact, under `name` or the name it gave, made unique. From then on
   * first keys with it take the secret for ever. Both sides should, or neither.
   */
  keep(name?: string): Promise<Contact>;
}

export type PairingEvent =
  /** The code to tell the other person; a new one after each `guessed`. */
  | { readonly type: "code"; readonly code: string; readonly validMs: number }
  /** Somebody joined with a wrong code, which is burned. */
  | { readonly type: "guessed" };

/** This side of a pairing by code. Iterating yields its events; the last end it. */
export interface Pairing extends AsyncIterable<PairingEvent> {
  /**
   * @throws {@link PosternError} `pairing/wrong-code`, `pairing/expired`, `pairing/unknown-code`,
   * `pairing/cancelled`, `pairing/limited`, `pairing/failed`, `link/closed`
   */
  readonly paired: Promise<Paired>;
  cancel(): void;
}

export interface PairingOptions {
  /** Joins with this code; absent: opens one and makes a new code after each wrong guess. */
  readonly code?: string;
  /** Words of a new code, 2 to 6; 2 when absent. */
  readonly words?: number;
}
