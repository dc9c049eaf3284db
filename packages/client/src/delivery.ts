/**
 * One content on its way to its receiver, over as many transfers as it takes: each is one of its
 * own, with a master key of its own; what they have in common is the content's id.
 *
 * Invariants: a content that can be opened again is remembered before its first offer leaves, until
 * it has arrived or its receiver never took it. No two transfers of one delivery run at once. One
 * `done` or `failed` is its last event.
 *
 * @module
 */
import { equalBytes, hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { UNFINISHED_NOTED_EVERY_MS, UNFINISHED_TRANSFERS_MAX } from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import type {
  ContentInfo,
  ContentSource,
  DeliverOptions,
  Delivery,
  DeliveryEvent,
  ProfileName,
  Receipt,
  SendOptions,
  Transfer,
  TransferEvent,
} from "./api.ts";
import type { PeerName } from "./people.ts";
import { DeliveryRetry, type Wait } from "./delivery-retry.ts";
import { bothProgress, EventQueue, isNoEnd } from "./event-queue.ts";
import type { Found } from "./find-receiver.ts";
import type { Clock } from "./records/clock.ts";
import { asPosternError } from "./running-transfer.ts";
import { isSameContent } from "./same-content.ts";
import type { UnfinishedId } from "./store.ts";
import type { StoredContents } from "./unfinished.ts";

/** What a delivery needs of its client. */
export interface DeliveryHost {
  readonly clock: Clock;
  readonly jitter: () => number;
  readonly unfinished: StoredContents;
  /** As `Client.send`. */
  send(options: SendOptions, attempt: Attempt): Promise<Transfer>;
}

/** One transfer of a delivery. */
export interface Attempt {
  /** The receiver has taken the content before. */
  readonly isBegun: boolean;
  /** Waited for before the offer leaves. */
  readonly begin: (found: Found, transfer: Uint8Array) => Promise<void>;
}

/** A content that was begun by an earlier delivery. */
export interface Resumed {
  readonly content: ContentInfo;
  /** To whom, fingerprint. */
  readonly fingerprint: Uint8Array;
  readonly peer: PeerName;
  readonly bytes: number;
}

export class RunningDelivery implements Delivery {
  readonly id: string;
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly #host: DeliveryHost;
  readonly #options: DeliverOptions;
  readonly #contentId: Uint8Array;
  readonly #resumed: Resumed | undefined;
  readonly #retry: DeliveryRetry;
  readonly #events = new EventQueue<DeliveryEvent>(replaces, isNoEnd);
  readonly #finished = Promise.withResolvers<Receipt>();
  #peer: PeerName | undefined;
  #fingerprint: Uint8Array | undefined;
  #running: Transfer | undefined;
  /** Its latest transfers. */
  #transfers: readonly Uint8Array[] = [];
  #wasAccepted = false;
  /** Why no further transfer may begin. */
  #stopped: PosternError | undefined;
  #planned: Wait | undefined;
  /** Ends the wait for the other side. */
  #wake: (() => void) | undefined;
  /** With the receiver, as it said last. */
  #bytes: number;
  #most = 0;
  #notedAt: InstantMs;

  constructor(
    host: DeliveryHost,
    options: DeliverOptions,
    content: ContentInfo,
    contentId: Uint8Array,
    resumed: Resumed | undefined,
  ) {
    this.#host = host;
    this.#options = options;
    this.#contentId = contentId;
    this.#resumed = resumed;
    this.id = hex(contentId);
    this.content = content;
    this.profile = options.profile;
    this.#peer = resumed?.peer;
    this.#fingerprint = resumed?.fingerprint;
    this.#bytes = resumed?.bytes ?? 0;
    this.#notedAt = host.clock.now();
    const { patienceMs } = options;
    this.#retry = new DeliveryRetry({ patienceMs, jitter: host.jitter }, this.#bytes > 0);
    // Who reads the events alone need not catch this promise as well.
    this.#finished.promise.catch(() => undefined);
  }

  /**
   * Begins its first transfer. Resolves when that runs, or when it is waited for; what this returns
   * then resolves at its end.
   *
   * @throws {@link PosternError} as `Client.send`
   */
  async start(source: ContentSource): Promise<{ readonly ended: Promise<void> }> {
    try {
      const first = await this.#attempt(source);
      return { ended: this.#run(first) };
    } catch (error) {
      await this.#remember(asPosternError(error));
      throw error;
    }
  }

  get peer(): PeerName {
    if (this.#peer === undefined) throw new PosternError("usage/wrong-state", "not begun yet");
    return this.#peer;
  }

  get finished(): Promise<Receipt> {
    return this.#finished.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<DeliveryEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  cancel(): void {
    this.stop(new PosternError("transfer/cancelled", "stopped here"));
  }

  /** Whether this was one of its transfers: another of them brings what that did not. */
  isGoingOnWith(transfer: Uint8Array): boolean {
    return this.#transfers.some((each) => equalBytes(each, transfer));
  }

  /** No other transfer begins; the one that runs is cancelled. */
  stop(error: PosternError): void {
    this.#stopped ??= error;
    this.#running?.cancel();
    this.#wake?.();
  }

  /** The link is back: whoever waits for the relay need not wait longer. */
  onLink(): void {
    if (this.#planned?.for === "relay") this.#wake?.();
  }

  async #run(first: Transfer | undefined): Promise<void> {
    try {
      let transfer = first;
      for (;;) {
        const receipt = transfer && (await this.#follow(transfer));
        if (receipt !== undefined) return await this.#done(receipt);
        await this.#pause();
        transfer = await this.#attempt(await this.#open());
      }
    } catch (cause) {
      const error = asPosternError(cause);
      await this.#remember(error);
      this.#events.push({ type: "failed", error });
      this.#events.end();
      this.#finished.reject(error);
    }
  }

  /** `undefined`: it could not begin, and another try is planned. */
  async #attempt(source: ContentSource): Promise<Transfer | undefined> {
    const sent = { ...this.#options, content: source, contentId: this.#contentId };
    try {
      const begin: Attempt["begin"] = async (found, transfer) => this.#begin(found, transfer);
      const transfer = await this.#host.send(sent, { begin, isBegun: this.#isBegun });
      this.#peer = transfer.peer;
      this.#running = transfer;
      if (this.#stopped !== undefined) transfer.cancel();
      return transfer;
    } catch (error) {
      this.#plan(asPosternError(error));
      return undefined;
    }
  }

  async #begin({ party, relayName }: Found, transfer: Uint8Array): Promise<void> {
    const { fingerprint } = party;
    // What the other side holds is of this content's receiver and of nobody else.
    if (this.#fingerprint !== undefined && !equalBytes(this.#fingerprint, fingerprint))
      throw new PosternError("peer/key-changed", "not who this content was sent to");
    this.#fingerprint = fingerprint;
    this.#transfers = [...this.#transfers, transfer].slice(-UNFINISHED_TRANSFERS_MAX);
    const { paths, links, profile, signed = false } = this.#options;
    const facts = { content: this.content, profile, signed, relayName };
    if (paths !== undefined)
      await this.#host.unfinished.begin(this.#place(fingerprint), facts, {
        paths,
        links,
        transfer,
      });
  }

  /** To the end of one transfer. `undefined`: it broke, and another is planned. */
  async #follow(transfer: Transfer): Promise<Receipt | undefined> {
    for await (const event of transfer) {
      if (event.type === "done") return event.receipt;
      if (event.type === "failed") break;
      this.#onEvent(event);
    }
    this.#running = undefined;
    const error = await transfer.finished.then(() => undefined, asPosternError);
    if (error !== undefined) this.#plan(error);
    return undefined;
  }

  #onEvent(event: TransferEvent): void {
    this.#events.push(event);
    if (event.type === "accepted") {
      this.#wasAccepted = true;
      this.#bytes = event.offset;
      this.#retry.accepted();
    } else if (event.type === "progress") {
      this.#bytes = event.bytes;
      if (event.bytes > this.#most) this.#retry.progressed();
      this.#most = Math.max(this.#most, event.bytes);
      this.#noteProgress();
    }
  }

  /** @throws `error`, or why the delivery was stopped, when no other transfer follows. */
  #plan(error: PosternError): void {
    const isResumed = this.#resumed !== undefined;
    const wait = this.#stopped
      ? undefined
      : this.#retry.next(error, isResumed, this.#host.clock.now());
    if (wait === undefined) throw this.#stopped ?? error;
    this.#planned = wait;
    this.#events.push({ type: "waiting", error, ...wait });
  }

  async #pause(): Promise<void> {
    const inMs = this.#planned?.inMs ?? 0;
    await new Promise<void>((resolve) => {
      const cancel = this.#host.clock.after(inMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
      if (this.#stopped !== undefined) this.#wake();
    });
    this.#wake = undefined;
    this.#planned = undefined;
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  async #open(): Promise<ContentSource> {
    return await openSame(this.#options, this.content);
  }

  #place(peer: Uint8Array): UnfinishedId {
    return { role: "sending", peer, content: this.#contentId };
  }

  /** Beside the transfer: what is noted late costs nothing but a figure. */
  #noteProgress(): void {
    const { clock, unfinished } = this.#host;
    const fingerprint = this.#fingerprint;
    const now = clock.now();
    if (fingerprint === undefined || now < after(this.#notedAt, UNFINISHED_NOTED_EVERY_MS)) return;
    this.#notedAt = now;
    unfinished.update(this.#place(fingerprint), { bytes: this.#bytes }).catch(() => undefined);
  }

  /** The receiver has taken it, or a part of it, before. */
  get #isBegun(): boolean {
    return this.#wasAccepted || this.#resumed !== undefined;
  }

  async #remember({ code }: PosternError): Promise<void> {
    const fingerprint = this.#fingerprint;
    if (fingerprint === undefined) return;
    const place = this.#place(fingerprint);
    const { unfinished } = this.#host;
    const noted = this.#isBegun
      ? unfinished.update(place, { bytes: this.#bytes, error: code })
      : unfinished.forget(place);
    // It ends for another reason than this.
    await noted.catch(() => undefined);
  }

  async #done(receipt: Receipt): Promise<void> {
    const fingerprint = this.#fingerprint;
    if (fingerprint !== undefined)
      await this.#host.unfinished.forget(this.#place(fingerprint)).catch(() => undefined);
    this.#events.push({ type: "done", receipt });
    this.#events.end();
    this.#finished.resolve(receipt);
  }
}

/** A reader who sleeps need not hear of every wait, nor of every step. */
function replaces(last: DeliveryEvent, next: DeliveryEvent): boolean {
  return bothProgress(last, next) || (last.type === "waiting" && next.type === "waiting");
}

/** @throws {@link PosternError} `transfer/source-changed` when it is not what was begun. */
export async function openSame(
  { open }: Pick<DeliverOptions, "open">,
  content: ContentInfo,
): Promise<ContentSource> {
  const source = await open();
  if (isSameContent(source.info, content)) return source;
  await source.close().catch(() => undefined);
  throw new PosternError("transfer/source-changed", "not what was begun");
}
