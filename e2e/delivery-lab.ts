/**
 * Two people with the real SDK at a real relay in this process, behind wires that a test cuts: what
 * one delivers to the other over several transfers.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  messageSink,
  type Client,
  type ContentSink,
  type Delivery,
  type DeliveryEvent,
  type Offer,
  type ProfileName,
  type ReceiveOptions,
  type Transfer,
  type TransferEvent,
} from "@postern/client";
import { connectNode, keptFileSink } from "@postern/client/node";
import { PosternError } from "@postern/core/errors";
import type { RunningRelay } from "@postern/relay";
import { FaultProxy } from "./fault-proxy.ts";
import { listenTo, relayIn, until } from "./lab.ts";
import { Scene, type Owner } from "./scene.ts";

export class DeliveryLab {
  readonly scene: Scene;
  #relay: RunningRelay;
  readonly #owner: Owner;

  static async open(owner: Owner): Promise<DeliveryLab> {
    const scene = await Scene.open(owner);
    const lab = new DeliveryLab(owner, scene, await relayIn(scene));
    owner.after(async () => await lab.#relay.close());
    return lab;
  }

  private constructor(owner: Owner, scene: Scene, relay: RunningRelay) {
    this.#owner = owner;
    this.scene = scene;
    this.#relay = relay;
  }

  /** It ends, and `forMs` later one with the same key is there. */
  async restartRelay(forMs: number): Promise<void> {
    const { port } = this.#relay;
    await this.#relay.close();
    await wait(forMs);
    this.#relay = await relayIn(this.scene, port);
  }

  /** Somebody connects, for the first time or with the same home, over a wire of their own. */
  async person(name: string): Promise<Somebody> {
    const wire = await FaultProxy.open(this.#owner, this.#relay.port);
    const options = { relay: wire.hostPort, home: this.scene.home(name), name };
    const somebody = new Somebody(this.scene, name, wire, await connectNode(options));
    this.#owner.after(async () => await somebody.leave());
    return somebody;
  }
}

/** A transfer that was accepted. */
export interface Taken {
  readonly offer: Offer;
  readonly transfer: Transfer;
  /** Where its content goes; of no message. */
  readonly sink: ContentSink & { readonly path?: string };
  readonly events: TransferEvent[];
}

export class Somebody {
  readonly name: string;
  readonly wire: FaultProxy;
  readonly client: Client;
  /** In the order of their offers. */
  readonly taken: Taken[] = [];
  readonly offers: Offer[] = [];
  /** What an offer's content is put into; by default files of the inbox. */
  sinkOf = async (offer: Offer): Promise<Taken["sink"]> =>
    offer.content.kind === "message"
      ? messageSink()
      : await keptFileSink(await this.inbox(), offer.content.name, offer.journal);
  decide: (offer: Offer) => "accept" | "decline" = () => "accept";
  readonly #scene: Scene;
  #deafen: () => Promise<unknown> = async () => undefined;

  constructor(scene: Scene, name: string, wire: FaultProxy, client: Client) {
    this.#scene = scene;
    this.name = name;
    this.wire = wire;
    this.client = client;
  }

  async inbox(): Promise<string> {
    const folder = join(this.#scene.folder, `inbox-${this.name}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Takes everything from now on; resolves when the relay knows. */
  async listen(options: Partial<ReceiveOptions> = {}): Promise<void> {
    const profiles: readonly ProfileName[] = ["end-to-end", "symmetric", "asymmetric"];
    await this.#deafen();
    const take = async (offer: Offer): Promise<void> => await this.#take(offer);
    this.#deafen = await listenTo(this.client, { profiles, ...options }, take);
  }

  /** When the relay says that somebody is free: it may hear so after others have their receipt. */
  async sees(name: string): Promise<void> {
    await until(async () => {
      for await (const receiver of this.client.receivers()) if (receiver.name === name) return true;
      return false;
    });
  }

  /** Nobody hears a word more. */
  vanish(): void {
    this.wire.isDown = true;
    this.wire.cut();
  }

  /** Its process ends, as far as others can tell. */
  async leave(): Promise<void> {
    this.vanish();
    await this.client.close();
  }

  async #take(offer: Offer): Promise<void> {
    this.offers.push(offer);
    if (this.decide(offer) === "decline") return offer.decline();
    const sink = await this.sinkOf(offer);
    try {
      const taken: Taken = { offer, sink, transfer: offer.accept(sink), events: [] };
      this.taken.push(taken);
      for await (const event of taken.transfer) taken.events.push(event);
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      await sink.abandon();
    }
  }
}

/** What a delivery says, as it comes. */
export class Watched {
  readonly events: DeliveryEvent[] = [];
  readonly delivery: Delivery;
  readonly #ended: Promise<void>;

  constructor(delivery: Delivery) {
    this.delivery = delivery;
    this.#ended = this.#read();
  }

  async #read(): Promise<void> {
    for await (const event of this.delivery) this.events.push(event);
  }

  of<T extends DeliveryEvent["type"]>(type: T): Extract<DeliveryEvent, { readonly type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      DeliveryEvent,
      { readonly type: T }
    >[];
  }

  get bytes(): number {
    return this.of("progress").at(-1)?.bytes ?? 0;
  }

  /** Its last event, which has come within the time. */
  async end(withinMs = 60_000): Promise<DeliveryEvent | undefined> {
    const late = new AbortController();
    const timer = wait(withinMs, undefined, { signal: late.signal }).then(
      () => Promise.reject(new Error(`no end: ${this.events.map(({ type }) => type).join(" ")}`)),
      () => undefined,
    );
    await Promise.race([this.#ended, timer]);
    late.abort();
    return this.events.at(-1);
  }
}
