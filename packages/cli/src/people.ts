/**
 * Who the others are to this person: contacts, how sure this device is of them, and who only bears
 * a contact's name. Trust is said in words, never by colour alone.
 *
 * @module
 */
import { groupBase32 } from "@postern/core/bytes";
import type { Contact, Contacts, PeerName, Trust } from "@postern/client";
import type { Context } from "./context.ts";
import { safeText } from "./terminal/safe-text.ts";

export type Acquaintance =
  | { readonly kind: "contact"; readonly contact: Contact }
  /** The name that a contact has at the relay, but another key. */
  | { readonly kind: "key-changed"; readonly contact: Contact }
  /** The name that this person gave to somebody else. */
  | { readonly kind: "namesake"; readonly contact: Contact }
  | { readonly kind: "stranger" };

export function acquaintance(
  contacts: readonly Contact[],
  peer: Pick<PeerName, "name" | "fingerprint">,
): Acquaintance {
  const contact = contacts.find(({ fingerprint }) => fingerprint === peer.fingerprint);
  if (contact !== undefined) return { kind: "contact", contact };
  const changed = contacts.find(({ relayName }) => relayName === peer.name);
  if (changed !== undefined) return { kind: "key-changed", contact: changed };
  const namesake = contacts.find(({ name }) => name === peer.name);
  return namesake === undefined ? { kind: "stranger" } : { kind: "namesake", contact: namesake };
}

export function trustLabel(trust: Trust | undefined): string {
  switch (trust) {
    case "verified":
      return "verified";
    case "first-use":
      return "not verified";
    case undefined:
      return "no contact";
  }
}

/** `bob (verified)`, `bob` for no contact; safe for a terminal. */
export function knownLabel(known: Acquaintance, peer: PeerName): string {
  const name = safeText(peer.name);
  return known.kind === "contact" ? `${name} (${trustLabel(known.contact.trust)})` : name;
}

const START_CHARACTERS = 12;

/** `abcd-efgh-ijkl...`: enough to tell people apart at a glance, too little to verify by. */
function fingerprintStart(fingerprint: string): string {
  return `${groupBase32(safeText(fingerprint).slice(0, START_CHARACTERS))}...`;
}

/**
 * Says how sure it is who the other side is: aloud when its key was never seen before, else in a
 * word. A receiver has that word in the line of the offer.
 */
export function tellTrust(
  context: Context,
  peer: PeerName,
  { known, isFirst }: Recognized,
  role: "sender" | "receiver",
): void {
  const { output } = context;
  const name = safeText(peer.name);
  if (known.kind === "contact" && !isFirst) {
    if (role === "sender") output.say(`${name} is a contact: ${trustLabel(known.contact.trust)}`);
    return;
  }
  const how = `compare the safety number: "postern contacts verify ${name}"`;
  const start = fingerprintStart(peer.fingerprint);
  const when = role === "sender" ? "from now on" : "if you accept";
  output.warn(`first contact with ${name}: its key is kept ${when}, fingerprint ${start}`);
  if (known.kind === "namesake") {
    output.warn(`  this is NOT your contact ${name}, but somebody else who uses the name`);
    output.warn('  it gets another name here: "postern contacts list"');
  } else output.warn(`  nobody has verified that this is ${name}; ${how}`);
  output.event({ type: "first-contact", name: peer.name, fingerprint: peer.fingerprint });
}

/** Of who was met by a code and calls itself like a contact. */
export function tellOtherKey({ output }: Context, known: Acquaintance): void {
  if (known.kind !== "key-changed" && known.kind !== "namesake") return;
  const name = safeText(known.contact.name);
  output.warn(`  this is NOT the key of your contact ${name}: somebody else uses the name, or`);
  output.warn(`  ${name} has a new device; go by who gave you the code, not by the name`);
}

export interface Recognized {
  readonly known: Acquaintance;
  /** The other side's key has not been seen before. */
  readonly isFirst: boolean;
}

/** Recognizes people against the contacts as they are now, and as they were at the beginning. */
export async function watchPeople(
  contacts: Contacts,
): Promise<(peer: PeerName) => Promise<Recognized>> {
  const seen = new Set((await contacts.list()).map(({ fingerprint }) => fingerprint));
  return async (peer) => {
    const known = acquaintance(await contacts.list(), peer);
    // A contact may have been made for this very transfer.
    const isFirst = known.kind !== "contact" || !seen.has(peer.fingerprint);
    seen.add(peer.fingerprint);
    return { known, isFirst };
  };
}

/** For a list of names at the relay: `verified`, `verified: robert`, `KEY CHANGED`. */
export function acquaintanceLabel(known: Acquaintance, relayName: string): string {
  switch (known.kind) {
    case "contact": {
      const { name, trust, blocked } = known.contact;
      const words = blocked ? "BLOCKED" : trustLabel(trust);
      return name === relayName ? words : `${words}: ${safeText(name)}`;
    }
    case "key-changed":
      return "KEY CHANGED";
    case "namesake":
      return "NOT your contact";
    case "stranger":
      return trustLabel(undefined);
  }
}
