/**
 * Who a transfer goes to: a contact, a name at the relay, or who was met by a code. The relay only
 * says who is there; whom it may be is this device's to know (docs/protocol-pairing.md 10).
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Party } from "@postern/core/exchange";
import { fingerprintOf, formatFingerprint } from "@postern/core/identity";
import { ANSWER_TIMEOUT_MS } from "@postern/core/limits";
import type { FoundFrame } from "@postern/core/link";
import { after } from "@postern/core/time";
import type { ProfileName } from "./api.ts";
import type { Paired } from "./people.ts";
import { freeReceiver, type Directory } from "./directory.ts";
import { metBy, type MetPeer } from "./met-peer.ts";
import type { KnownPeer, PeerBook } from "./peer-book.ts";
import type { Clock } from "./records/clock.ts";
import type { RecentFinds } from "./recent-finds.ts";

export interface Found {
  readonly party: Party;
  /** As the relay calls it. */
  readonly relayName: string;
}

export interface FindReceiverPorts {
  readonly suite: Suite;
  readonly clock: Clock;
  readonly directory: Pick<Directory, "find">;
  readonly book: PeerBook;
  readonly recent: Pick<RecentFinds, "of" | "next" | "mark" | "keep">;
}

/**
 * @param isBegun it has taken a part of the content already, see {@link freeReceiver}.
 * @throws {@link PosternError} `peer/unknown`, `peer/absent`, `peer/busy`, `peer/profile-refused`,
 * `peer/key-changed`, `peer/blocked`, `contact/downgrade`, `contact/ambiguous`, `link/closed`
 */
export async function findReceiver(
  ports: FindReceiverPorts,
  to: string | Paired,
  profile: ProfileName,
  isBegun = false,
): Promise<Found> {
  if (typeof to !== "string") return await findMet(ports, metBy(to), { profile, isBegun });
  const { book, directory, recent } = ports;
  const contact = book.named(to);
  if (contact?.blocked === true) throw blocked();
  const relayName = contact?.relayName ?? to;
  const pinned = whoMayBe(contact, book.byRelayName(to));
  const expected = { relayName, pinned, profile, isBegun };
  // The RSA profiles, and a first contact, rest on the relay's word: it is asked each time.
  if (pinned.length === 0 || profile !== "end-to-end")
    return admitted(ports, await directory.find(relayName), expected);
  const { mark } = recent;
  const known = recent.of(relayName);
  const found = known ?? (await recent.next(relayName, (name) => directory.find(name)));
  const receiver = admitted(ports, found, expected);
  // Who is busy now, and asked all the same for what was begun, may be free a moment later.
  if (known === undefined && found.status === "free")
    recent.keep(relayName, found, receiver.party.fingerprint, mark);
  return receiver;
}

/**
 * Whom a name means, of those this device knows; nobody for a name of nobody's. A verified contact
 * of this relay name is meant rather than others that went by it: a relay could have shown anybody
 * under it. Which of two is meant no relay decides, nor may either take the other's place: not a
 * first-use contact that of a verified one, whose name it was given first, nor a verified one, who
 * can call itself what it likes, that of whom the person knows by this name.
 *
 * @throws {@link PosternError} `contact/ambiguous`
 */
function whoMayBe(
  contact: KnownPeer | undefined,
  sameName: readonly KnownPeer[],
): readonly KnownPeer[] {
  if (contact?.trust === "verified") return [contact];
  const verified = sameName.filter(({ trust }) => trust === "verified");
  const others = verified.length > 0 ? verified : contact === undefined ? sameName : [];
  const meant = contact === undefined ? others : [contact, ...others];
  if (meant.length > 1) throw new PosternError("contact/ambiguous", "a name of several contacts");
  return meant;
}

/** The other side of a code begins to receive when its own end of the pairing is through. */
async function findMet(
  ports: FindReceiverPorts,
  met: MetPeer,
  wanted: Pick<Expected, "profile" | "isBegun">,
): Promise<Found> {
  const { clock, directory } = ports;
  const { relayName, fingerprint } = met;
  const pinned = [{ fingerprint: formatFingerprint(fingerprint) }];
  const expected = { relayName, pinned, ...wanted };
  const deadline = after(clock.now(), ANSWER_TIMEOUT_MS);
  for (let waitMs = MET_RETRY_MS_MIN; ; waitMs = Math.min(2 * waitMs, MET_RETRY_MS_MAX)) {
    try {
      return admitted(ports, await directory.find(relayName), expected);
    } catch (error) {
      const isEarly = error instanceof PosternError && NOT_YET.has(error.code);
      if (!isEarly || clock.now() + waitMs >= deadline) throw error;
    }
    await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
  }
}

const MET_RETRY_MS_MIN = 50;
const MET_RETRY_MS_MAX = 1_000;
const NOT_YET: ReadonlySet<string> = new Set(["peer/absent", "peer/busy", "peer/profile-refused"]);

interface Expected {
  readonly relayName: string;
  /** Who may have the name; anybody if it is nobody's. */
  readonly pinned: readonly Pick<KnownPeer, "fingerprint">[];
  readonly profile: ProfileName;
  readonly isBegun: boolean;
}

function admitted(
  { suite, book }: FindReceiverPorts,
  found: FoundFrame,
  { relayName, pinned, profile, isBegun }: Expected,
): Found {
  if (found.status !== "unknown") {
    const fingerprint = fingerprintOf(suite, found.id);
    const text = formatFingerprint(fingerprint);
    if (pinned.length > 0 && !pinned.some((known) => known.fingerprint === text))
      throw new PosternError("peer/key-changed", "the name belongs to another key now");
    if (book.of(fingerprint)?.blocked === true) throw blocked();
    if (book.isDowngrade(fingerprint, profile))
      throw new PosternError("contact/downgrade", "this contact is reached end-to-end alone");
  }
  const id = freeReceiver(found, profile, isBegun);
  return { party: { id, fingerprint: fingerprintOf(suite, id) }, relayName };
}

function blocked(): PosternError {
  return new PosternError("peer/blocked", "this contact is blocked");
}
