/**
 * What a client receives: one listening at a time, and what it accepts.
 *
 * @module
 */
import { equalBytes } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { PeerInput } from "@postern/core/peer";
import type { TransferEvent as CoreEvent } from "@postern/core/transfer";
import type { ProfileName, ReceiveEvent, ReceiveOptions } from "./api.ts";
import type { ClientContacts } from "./client-contacts.ts";
import type { LinkKeeper } from "./link-keeper.ts";
import { Listening, type Accepted, type PeerFacts } from "./listening.ts";
import type { MetKeys } from "./met-keys.ts";
import { metBy } from "./met-peer.ts";
import type { OfferJournal } from "./offer-journal.ts";
import { asPosternError, type RunningTransfer, type TransferFacts } from "./running-transfer.ts";
import type { UnfinishedId } from "./store.ts";
import type { TransferDesk } from "./transfer-desk.ts";
import type { StoredContents } from "./unfinished.ts";

/** What receiving needs of its client. */
export interface ReceivingHost {
  readonly link: Pick<LinkKeeper, "isWaiting" | "expectConnection">;
  readonly transfers: Pick<TransferDesk, "start" | "settling" | "supersede">;
  readonly contacts: Pick<ClientContacts, "pin">;
  readonly unfinished: StoredContents;
  step(input: PeerInput): void;
  /** Tells the relay what is received now. */
  announce(): Promise<void>;
}

export class Receiving {
  readonly #host: ReceivingHost;
  #listening: Listening | undefined;

  constructor(host: ReceivingHost) {
    this.#host = host;
  }

  /** `undefined` while nothing is received. */
  get profiles(): readonly ProfileName[] | undefined {
    return this.#listening?.options.profiles;
  }

  /** Whether only offers of somebody else are taken, by a code. */
  isClosedTo(fingerprint: Uint8Array): boolean {
    const from = this.#listening?.options.from;
    return from !== undefined && !equalBytes(metBy(from).fingerprint, fingerprint);
  }

  /** Of whom alone offers are taken now, by a code: what they open under. */
  keysOf(fingerprint: Uint8Array): MetKeys | undefined {
    const from = this.#listening?.options.from;
    return from === undefined || this.isClosedTo(fingerprint) ? undefined : metBy(from).ownKeys;
  }

  receive(options: ReceiveOptions): AsyncIterableIterator<ReceiveEvent> {
    const listening = new Listening(options, {
      step: (input) => this.#host.step(input),
      journal: (facts) => this.#host.unfinished.journal(receivingPlace(facts), facts),
      before: ({ contentId, party }) =>
        this.#host.transfers.supersede(contentId, party.fingerprint),
      accept: (accepted, before) => this.#accept(options, accepted, before),
    });
    const events = this.#listen(listening);
    return {
      next: () => events.next(),
      return() {
        // A generator that waits for its next event returns only after it: give it the end.
        listening.events.end();
        return events.return(undefined);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  onOffered(facts: PeerFacts, event: CoreEvent): void {
    this.#listening?.onEvent(facts, event);
  }

  announced(profiles: readonly ProfileName[]): void {
    this.#listening?.announce(profiles);
  }

  end(): void {
    this.#listening?.events.end();
  }

  async *#listen(listening: Listening): AsyncGenerator<ReceiveEvent, undefined> {
    if (this.#listening !== undefined)
      throw new PosternError("usage/wrong-state", "this client receives already");
    const { from } = listening.options;
    // Not for one that was kept: its offers are the contact's.
    const release = from && metBy(from).ownKeys?.hold();
    this.#listening = listening;
    this.#host.transfers.settling(this.#host.unfinished.forgetWhole());
    try {
      await this.#host.announce().catch((error: unknown) => {
        // A link that is lost meanwhile is announced on again when it is back.
        if (!this.#host.link.isWaiting) throw error;
      });
      yield* listening.events;
    } finally {
      this.#listening = undefined;
      listening.stop();
      release?.();
    }
    return undefined;
  }

  #accept(
    { from }: ReceiveOptions,
    { facts, sink, journal }: Accepted,
    before: readonly CoreEvent[],
  ): RunningTransfer {
    const { contacts, link, transfers } = this.#host;
    const side = { role: "receiving", sink } as const;
    const transfer = transfers.start(facts, side, link.expectConnection().rsa);
    for (const event of before) transfer.onEvent(event);
    // Who comes with a code alone is no contact afterwards.
    if (facts.profile === "end-to-end" && from === undefined)
      transfers.settling(contacts.pin(facts.party, facts.relayName));
    journal.begin();
    transfers.settling(this.#noteEnd(facts, journal, transfer));
    return transfer;
  }

  /** Why the last transfer of a content ended, if anything of it is kept. */
  async #noteEnd(
    facts: TransferFacts,
    journal: OfferJournal,
    transfer: RunningTransfer,
  ): Promise<void> {
    const error = await transfer.finished.then(() => undefined, asPosternError);
    await transfer.settled;
    await journal.end(transfer.isStored);
    if (error !== undefined)
      await this.#host.unfinished.update(receivingPlace(facts), { error: error.code });
  }
}

/** Where what this device holds of a content is noted. */
function receivingPlace({ party, contentId }: TransferFacts): UnfinishedId {
  return { role: "receiving", peer: party.fingerprint, content: contentId };
}
