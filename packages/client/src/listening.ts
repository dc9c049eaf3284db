/**
 * The receiving side of a client: offers that wait for a decision, as events for the application.
 *
 * @module
 */
import { equalBytes, hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { PeerInput, TransferKey } from "@postern/core/peer";
import type {
  ContentDescription,
  Decision,
  TransferEvent as CoreEvent,
} from "@postern/core/transfer";
import type {
  ContentInfo,
  ContentSink,
  DeclineReason,
  Offer,
  ProfileName,
  ReceiveEvent,
  ReceiveOptions,
  Transfer,
} from "./api.ts";
import { EventQueue } from "./event-queue.ts";
import { heldPrefix } from "./held-content.ts";
import type { OfferJournal } from "./offer-journal.ts";
import type { TransferFacts } from "./running-transfer.ts";

/** Of a `withdraw` (docs/protocol.md 9). */
const CANCELLED = 1;

/** What an offer needs of its client. */
export interface ListeningHost {
  step(input: PeerInput): void;
  /** Starts the transfer of an accepted offer, with the events that came before the decision. */
  accept(accepted: Accepted, before: readonly CoreEvent[]): Transfer;
  journal(facts: TransferFacts): OfferJournal;
  /** What has to end before this content is offered; `undefined`: nothing. */
  before(facts: TransferFacts): Promise<unknown> | undefined;
}

export interface Accepted {
  readonly facts: TransferFacts;
  readonly sink: ContentSink;
  readonly journal: OfferJournal;
}

interface Pending {
  readonly before: CoreEvent[];
  offer: PendingOffer | undefined;
}

/** Of a transfer whose offer has not been opened. */
export type PeerFacts = Omit<TransferFacts, "content" | "contentId" | "signed" | "profile">;

export class Listening {
  readonly events = new EventQueue<ReceiveEvent>();
  readonly options: ReceiveOptions;
  readonly #host: ListeningHost;
  readonly #pending = new Map<TransferKey, Pending>();

  constructor(options: ReceiveOptions, host: ListeningHost) {
    this.options = options;
    this.#host = host;
  }

  /** Announces this receiver on a fresh link, with the profiles that can be used on it. */
  announce(profiles: readonly ProfileName[]): void {
    const { capacity = 1, listed = true } = this.options;
    this.#host.step({ kind: "listen", policy: { profiles, capacity }, listed });
    this.events.push({ type: "listening" });
  }

  /** Takes it off the list; offers that wait are declined, running transfers go on. */
  stop(): void {
    for (const { offer } of this.#pending.values()) offer?.decline();
    this.#host.step({ kind: "listen", policy: { profiles: [], capacity: 0 }, listed: false });
    this.events.end();
  }

  /** An event of a transfer nobody has accepted yet. */
  onEvent(facts: PeerFacts, event: CoreEvent): void {
    const { key } = facts;
    const pending: Pending = this.#pending.get(key) ?? { before: [], offer: undefined };
    this.#pending.set(key, pending);
    if (event.kind === "offer") {
      const { profile, content: about } = event;
      const { contentId, signed } = about;
      const offered = { ...facts, profile, content: contentInfo(about), contentId, signed };
      this.#withdrawOf(offered);
      pending.offer = new PendingOffer(
        offered,
        this.#host.journal(offered),
        (decision) => this.#decide(key, decision),
        (accepted) => this.#accept(accepted),
      );
      void this.#tell(pending.offer, this.#host.before(offered));
    } else if (event.kind === "failed") {
      this.#pending.delete(key);
      const { offer } = pending;
      if (offer?.withdraw() !== true) return;
      // Who makes offers and withdraws them need not be heard by an application that is busy.
      if (this.events.takeBack((told) => told.type === "offer" && told.offer === offer)) return;
      this.events.push({ type: "withdrawn", id: offer.id, error: event.error });
    } else pending.before.push(event);
  }

  /** Offers of the same content that wait here: their sender has begun again, and they are void. */
  #withdrawOf({ contentId, party }: TransferFacts): void {
    for (const [key, { offer }] of this.#pending) {
      if (offer?.isOpenWith(contentId, party.fingerprint) !== true) continue;
      const envelope = { kind: "withdraw", transfer: offer.transfer, reason: CANCELLED } as const;
      this.#host.step({ kind: "transfer", key, input: { kind: "envelope", envelope } });
    }
  }

  async #tell(offer: PendingOffer, before: Promise<unknown> | undefined): Promise<void> {
    if (before !== undefined) await before;
    if (offer.tell()) this.events.push({ type: "offer", offer });
  }

  #accept(accepted: Accepted): Transfer {
    const { key } = accepted.facts;
    const before = this.#pending.get(key)?.before ?? [];
    this.#pending.delete(key);
    const held = heldPrefix(accepted.sink);
    const transfer = this.#host.accept(accepted, before);
    const input = { kind: "decide", decision: "accept", held } as const;
    this.#host.step({ kind: "transfer", key, input });
    return transfer;
  }

  #decide(key: TransferKey, decision: Decision): void {
    this.#host.step({ kind: "transfer", key, input: { kind: "decide", decision } });
  }
}

function contentInfo({ kind, name, size, manifest }: ContentDescription): ContentInfo {
  return { kind, name, size, ...(manifest && { manifest }) };
}

class PendingOffer implements Offer {
  readonly id: string;
  readonly from: Offer["from"];
  readonly content: Offer["content"];
  readonly profile: Offer["profile"];
  readonly contentId: string;
  readonly signed: boolean;
  readonly journal: OfferJournal;
  readonly #facts: TransferFacts;
  readonly #decide: (decision: Decision) => void;
  readonly #accept: (accepted: Accepted) => Transfer;
  #open = true;
  #isTold = false;

  constructor(
    facts: TransferFacts,
    journal: OfferJournal,
    decide: (decision: Decision) => void,
    accept: (accepted: Accepted) => Transfer,
  ) {
    this.#facts = facts;
    this.#decide = decide;
    this.#accept = accept;
    this.id = hex(facts.transfer);
    this.contentId = hex(facts.contentId);
    this.signed = facts.signed;
    this.journal = journal;
    this.from = facts.peer;
    this.content = facts.content;
    this.profile = facts.profile;
  }

  accept(sink: ContentSink): Transfer {
    if (!this.#open)
      throw new PosternError("usage/wrong-state", "the offer was decided or has gone");
    this.#open = false;
    return this.#accept({ facts: this.#facts, sink, journal: this.journal });
  }

  decline(reason: DeclineReason = "decline"): void {
    if (!this.#open) return;
    this.#open = false;
    this.#decide(reason);
  }

  get transfer(): Uint8Array {
    return this.#facts.transfer;
  }

  /** Whether this content of this sender (fingerprint) still waits for a decision. */
  isOpenWith(contentId: Uint8Array, from: Uint8Array): boolean {
    const { contentId: own, party } = this.#facts;
    return this.#open && equalBytes(own, contentId) && equalBytes(party.fingerprint, from);
  }

  /** The application hears of it. `false` when there is nothing to decide any more. */
  tell(): boolean {
    this.#isTold = this.#open;
    return this.#open;
  }

  /** The offer has gone. `true` when the application might still decide. */
  withdraw(): boolean {
    const wasOpen = this.#open && this.#isTold;
    this.#open = false;
    return wasOpen;
  }
}
