/**
 * Sentences about contacts, their keys and pairing; part of `describe.ts`. A key that changed is
 * never called anything else: not the network, not a mishap.
 *
 * @module
 */
import type { ErrorCode } from "@postern/core/errors";
import { peer } from "./describe-peer.ts";
import type { SentenceTable } from "./describe.ts";

type PeopleCode = Extract<ErrorCode, `${"contact" | "pairing"}/${string}`> | PeerKeyCode;

/** What went wrong about the keys of somebody, and not in a transfer. */
export type PeerKeyCode =
  | "peer/key-changed"
  | "peer/blocked"
  | "peer/no-package"
  | "peer/pairing-lost"
  | "peer/channel-stale";

const NEW_CODE = "ask the other person for the new code that its side shows";

export const PEOPLE_SENTENCES: SentenceTable<PeopleCode> = {
  "peer/key-changed": (about) => [
    `the key of ${peer(about)} has changed`,
    `${about.relay} names another key than the one you know: ${peer(about)} has a new device or ` +
      "lost its keys, or somebody pretends to be this person",
    `nothing was sent or taken; ask ${peer(about)} over another way, then ` +
      `"postern contacts remove ${about.peer ?? "NAME"}" and "postern pair"`,
  ],
  "peer/blocked": (about) => [
    `${peer(about)} is blocked`,
    "you blocked this contact on this device",
    `"postern contacts unblock ${about.peer ?? "NAME"}" takes it back`,
  ],
  "peer/no-package": (about) => [
    `there is no key of ${peer(about)} at ${about.relay}`,
    "its client has left none there, only some that are too old, or one of the clocks is wrong",
    'check date and time, and ask the other person to run "postern receive" once; then try again',
  ],
  "peer/pairing-lost": (about) => [
    `${peer(about)} and you no longer share what your pairing left`,
    "one device lost it, removed the contact or paired once more, or the relay altered the offer",
    'nothing was sent; meet again by a new code: "postern pair"',
  ],
  "peer/channel-stale": (about) => [
    `the keys of ${peer(about)} and yours do not fit together, again and again`,
    "one of the two devices works with an old copy of its state, or the relay repeats old offers",
    `nothing was sent; if it stays so, "postern contacts remove ${about.peer ?? "NAME"}" on both ` +
      'sides and "postern pair"',
  ],
  "contact/unknown": (about) => [
    `no contact called ${about.peer ?? "that"}`,
    "nobody of this name or fingerprint is among your contacts",
    '"postern contacts list" shows them',
  ],
  "contact/name-taken": (about) => [
    `another contact is called ${about.peer ?? "that"} already`,
    "two contacts never have the same name",
    "choose another name",
  ],
  "contact/downgrade": (about) => [
    `refused a weaker profile with ${peer(about)}`,
    "you two have end-to-end keys; going back to less would let the relay in",
    "leave --profile out; if both of you want it, remove the contact on both sides first",
  ],
  "contact/ambiguous": (about) => [
    `${about.peer ?? "this name"} may mean several of your contacts`,
    "they have called themselves so at a relay, and no relay decides whom you mean",
    'nothing was sent; "postern contacts list" shows what you call each, and ' +
      '"postern contacts rename" changes that',
  ],
  "pairing/invalid-code": ({ word }) => [
    word === undefined ? "this is not a code" : `word ${word} of the code is none of the list`,
    "a code is a number and two to six words, such as 37-crystal-velvet",
    "check it with the other person, and type it again; nobody was asked, so it is still good",
  ],
  "pairing/unknown-code": (about) => [
    "nobody waits with this code",
    `it was used, burned or cancelled, has expired, or belongs to another relay than ${about.relay}`,
    "check its number and the relay, and ask the other person for a new code",
  ],
  "pairing/wrong-code": () => [
    "the code does not fit",
    "a word was mistyped, or somebody else tried to meet you; this code is burned",
    NEW_CODE,
  ],
  "pairing/expired": () => [
    "the code has expired",
    "nobody used it in time, or the other side stopped answering",
    "start again with a new code",
  ],
  "pairing/cancelled": () => [
    "the pairing was cancelled",
    "one of the two sides stopped it",
    "start again with a new code",
  ],
  "pairing/limited": (about) => [
    `the relay ${about.relay} takes no more codes for now`,
    "it limits how many are open and how often one may try",
    "wait a minute, then try again",
  ],
  "pairing/failed": () => [
    "the pairing failed",
    "the other side did not follow the protocol, or somebody changed it on the way",
    `nothing was kept; ${NEW_CODE}`,
  ],
};
