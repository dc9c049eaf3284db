/**
 * Waits for offers, has each decided, and takes the accepted ones in, up to a number at once.
 *
 * Invariant: a transfer that fails ends itself and nothing else; waiting ends by an interrupt, by
 * the plan, or with the client. Nobody waits for more offers than there are places.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type {
  Offer,
  PeerName,
  ReceiveEvent,
  ReceiveOptions,
  Unfinished,
  UnfinishedContents,
} from "@postern/client";
import type { Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { within } from "./deadline.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { handleOffer, type ReceivePlan } from "./handle-offer.ts";
import { watchPeople, type Recognized } from "./people.ts";
import { Places } from "./places.ts";
import { removeReplaced } from "./remove-replaced.ts";
import { confirmedField } from "./terminal/unconfirmed.ts";

/** A link that is lost must not hold up whoever wants to stop. */
const STOP_MS = 1_000;

export async function receiveOffers(
  context: Context,
  connected: Connected,
  plan: ReceivePlan,
): Promise<ExitCode> {
  const { client } = connected;
  const recognize = await watchPeople(client.contacts);
  const events = client.receive(receiveOptions(plan))[Symbol.asyncIterator]();
  const receiving = new Receiving(context, plan, { recognize, unfinished: client.unfinished });
  const pumping = receiving.pump(events, connected.ended);
  pumping.catch(() => {});
  try {
    return await Promise.race([pumping, receiving.stopped]);
  } finally {
    receiving.close();
    // Off the relay's list before anything else is asked or done.
    await within(Promise.resolve(events.return?.()), STOP_MS, linkClosed).catch(() => {});
  }
}

/** So many agreements are remembered for contents of which nothing has come. */
const AWAITED_MAX = 256;

/** Of a client, what is asked about each offer. */
interface Known {
  readonly recognize: (peer: PeerName) => Promise<Recognized>;
  readonly unfinished: UnfinishedContents;
}

/** An offer from when it came to when all about it is done. */
interface Taking {
  readonly offer: Offer;
  readonly withdraw: AbortController;
  ended: Promise<void>;
}

class Receiving {
  readonly #context: Context;
  readonly #plan: ReceivePlan;
  readonly #known: Known;
  readonly #places: Places;
  readonly #taking = new Map<string, Taking>();
  /** Contents, with their senders, that were agreed to and broke off. */
  readonly #awaited = new Set<string>();
  readonly #stopped = Promise.withResolvers<ExitCode>();
  readonly #onInterrupt = (): void => void this.#interrupt();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(context: Context, plan: ReceivePlan, known: Known) {
    this.#context = context;
    this.#plan = plan;
    this.#known = known;
    this.#places = new Places(plan.capacity ?? 1);
    this.stopped.catch(() => {});
    const { signal } = context.interrupted;
    signal.addEventListener("abort", this.#onInterrupt);
    if (signal.aborted) this.#onInterrupt();
    this.#waitForNext();
  }

  get stopped(): Promise<ExitCode> {
    return this.#stopped.promise;
  }

  async pump(
    events: AsyncIterator<ReceiveEvent>,
    clientEnded: Promise<PosternError | undefined>,
  ): Promise<never> {
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw (await clientEnded) ?? linkClosed();
      const event = next.value;
      if (event.type === "listening") this.#plan.onListening?.();
      else if (event.type === "offer") this.#take(event.offer);
      else {
        const { id, error } = event;
        const said = { transfer: id, code: error.code, ...confirmedField(error) };
        this.#context.output.event({ type: "withdrawn", ...said });
        this.#taking.get(id)?.withdraw.abort(error);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#context.interrupted.signal.removeEventListener("abort", this.#onInterrupt);
  }

  #take(offer: Offer): void {
    clearTimeout(this.#timer);
    const taking: Taking = { offer, withdraw: new AbortController(), ended: Promise.resolve() };
    this.#taking.set(offer.id, taking);
    taking.ended = this.#places
      .with(async () => await this.#handle(offer, taking))
      .catch((error: unknown) => this.#stopped.reject(error))
      .finally(() => {
        if (this.#taking.get(offer.id) === taking) this.#taking.delete(offer.id);
        this.#waitForNext();
      });
  }

  async #handle(offer: Offer, { withdraw }: Taking): Promise<void> {
    const { interrupted } = this.#context;
    const signal = AbortSignal.any([withdraw.signal, interrupted.signal]);
    const key = agreedKey(offer);
    const isAgreed = this.#awaited.delete(key);
    const arrival = { offer, signal, recognize: this.#known.recognize, isAgreed };
    const handled = await handleOffer(this.#context, this.#plan, arrival);
    if (handled.exitCode === EXIT.done && offer.content.kind !== "message")
      await this.#removeReplaced(offer);
    if (handled.isAwaited) return this.#await(key);
    const { isOneDecision, isOnce } = this.#plan;
    if (isOneDecision === true || (isOnce && handled.isTransfer))
      this.#stopped.resolve(handled.exitCode);
  }

  /** What is still under way is not touched; whatever fails here stays until it is cleaned up. */
  async #removeReplaced(offer: Offer): Promise<void> {
    const isTaken = ({ id, peer }: Unfinished): boolean =>
      [...this.#taking.values()].some(
        ({ offer: { contentId, from } }) =>
          contentId === id && from.fingerprint === peer.fingerprint,
      );
    await removeReplaced(this.#context, this.#known.unfinished, offer, isTaken).catch(() => {});
  }

  /** Older ones are not forgotten by their journals, when something of them has come. */
  #await(key: string): void {
    this.#awaited.add(key);
    const [oldest] = this.#awaited;
    if (this.#awaited.size > AWAITED_MAX && oldest !== undefined) this.#awaited.delete(oldest);
  }

  #waitForNext(): void {
    clearTimeout(this.#timer);
    // Who has begun to send is given the time that the person gives.
    const offerWithinMs =
      this.#awaited.size > 0 ? this.#plan.restWithinMs : this.#plan.offerWithinMs;
    const isIdle =
      this.#taking.size === 0 && !this.#isClosed && !this.#context.interrupted.signal.aborted;
    if (offerWithinMs === undefined || !isIdle) return;
    const late = new PosternError("peer/timed-out", "no offer came in time");
    this.#timer = setTimeout(() => this.#stopped.reject(late), offerWithinMs);
  }

  /** What is under way is cancelled by whoever follows it; the last words are waited for. */
  async #interrupt(): Promise<void> {
    await Promise.all([...this.#taking.values()].map(async ({ ended }) => await ended));
    this.#stopped.resolve(this.#context.interrupted.exitCode ?? EXIT.interrupted);
  }
}

/** A yes is to one sender's content as it was offered: none comes back under its id as another. */
function agreedKey({ from, contentId, content: { kind, name, size, manifest } }: Offer): string {
  const list = manifest && [manifest.entries, manifest.bytes];
  return JSON.stringify([from.fingerprint, contentId, kind, name, size, list]);
}

function receiveOptions({ profiles, from, capacity = 1 }: ReceivePlan): ReceiveOptions {
  const base = { profiles, capacity };
  return from === undefined ? base : { ...base, from, listed: false };
}

function linkClosed(): PosternError {
  return new PosternError("link/closed", "the client ended");
}
