/**
 * People with the real SDK and real homes at a real relay, all in this process: what they send each
 * other end-to-end, and what happens to their homes meanwhile.
 *
 * @module
 */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  messageSink,
  messageSource,
  type Client,
  type Offer,
  type Paired,
  type ProfileName,
  type ReceiveOptions,
  type Transfer,
  type TransferEvent,
} from "@postern/client";
import { connectNode, fileSinkAt, fileSource } from "@postern/client/node";
import { PosternError } from "@postern/core/errors";
import type { RunningRelay } from "@postern/relay";
import { listenTo, relayIn, until } from "./lab.ts";
import { Scene, type Owner } from "./scene.ts";

export class Lab {
  readonly scene: Scene;
  readonly relay: RunningRelay;
  readonly #people: Person[] = [];

  static async open(owner: Owner): Promise<Lab> {
    const scene = await Scene.open(owner);
    const lab = new Lab(scene, await relayIn(scene));
    owner.after(async () => await lab.#close());
    return lab;
  }

  private constructor(scene: Scene, relay: RunningRelay) {
    this.scene = scene;
    this.relay = relay;
  }

  /** Somebody connects, for the first time or again, with a home of this lab or another. */
  async person(name: string, at: Lab = this): Promise<Person> {
    const home = at.scene.home(name);
    const relay = `127.0.0.1:${this.relay.port}`;
    const person = new Person(this, name, await connectNode({ relay, home, name }));
    this.#people.push(person);
    return person;
  }

  /** Somebody connects and takes everything. */
  async receiver(name: string, options: Partial<ReceiveOptions> = {}): Promise<Person> {
    const person = await this.person(name);
    await person.listen(options);
    return person;
  }

  /** Keeps a copy of a home whose client is closed. */
  async save(name: string): Promise<void> {
    await rm(this.#copy(name), { recursive: true, force: true });
    await cp(this.scene.home(name), this.#copy(name), { recursive: true });
  }

  /** Sets a home back to its copy. */
  async restore(name: string): Promise<void> {
    await rm(this.scene.home(name), { recursive: true, force: true });
    await cp(this.#copy(name), this.scene.home(name), { recursive: true });
  }

  #copy(name: string): string {
    return join(this.scene.folder, `copy-${name}`);
  }

  async #close(): Promise<void> {
    await Promise.all(this.#people.map(async ({ client }) => await client.close()));
    await this.relay.close();
  }
}

export interface Arrival {
  readonly offer: Offer;
  readonly text: string | undefined;
  readonly events: readonly TransferEvent[];
}

export class Person {
  readonly name: string;
  readonly client: Client;
  readonly offers: Offer[] = [];
  /** Of what came to its end, in the order of the ends. */
  readonly arrived: Arrival[] = [];
  /** Codes of what did not. */
  readonly failed: string[] = [];
  decide: (offer: Offer) => "accept" | "decline" = () => "accept";
  readonly #lab: Lab;
  #deafen: () => Promise<unknown> = async () => undefined;

  constructor(lab: Lab, name: string, client: Client) {
    this.#lab = lab;
    this.name = name;
    this.client = client;
  }

  get inbox(): string {
    return join(this.#lab.scene.folder, `inbox-${this.name}`);
  }

  /** Resolves when the relay knows. */
  async listen(options: Partial<ReceiveOptions> = {}): Promise<void> {
    const profiles: readonly ProfileName[] = ["end-to-end"];
    const take = async (offer: Offer): Promise<void> => await this.#take(offer);
    this.#deafen = await listenTo(this.client, { profiles, capacity: 16, ...options }, take);
  }

  /** Ends the listening. */
  async deafen(): Promise<void> {
    await this.#deafen();
  }

  /** A message to its end: the events of its transfer. */
  async tell(
    to: string | Paired,
    text: string,
    profile: ProfileName = "end-to-end",
  ): Promise<readonly TransferEvent[]> {
    return await eventsOf(await this.start(to, text, profile));
  }

  async start(
    to: string | Paired,
    text: string,
    profile: ProfileName = "end-to-end",
  ): Promise<Transfer> {
    return await this.client.send({ to, content: messageSource(text), profile });
  }

  async sendFile(to: string | Paired, path: string): Promise<readonly TransferEvent[]> {
    const content = await fileSource(path);
    return await eventsOf(await this.client.send({ to, content, profile: "end-to-end" }));
  }

  /** `done` or the code of the error, of sending a message. */
  async outcome(to: string | Paired, text: string, profile?: ProfileName): Promise<string> {
    try {
      const last = (await this.tell(to, text, profile)).at(-1);
      return last?.type === "failed" ? last.error.code : (last?.type ?? "nothing");
    } catch (error) {
      if (error instanceof PosternError) return error.code;
      throw error;
    }
  }

  /** The receiver's last event comes with its receipt, which its sender may have sooner. */
  async hasArrived(count: number): Promise<void> {
    await until(() => this.arrived.length >= count);
  }

  /** Of messages, in the order of their ends. */
  texts(): readonly string[] {
    return this.arrived.flatMap(({ text }) => (text === undefined ? [] : [text]));
  }

  async #take(offer: Offer): Promise<void> {
    this.offers.push(offer);
    if (this.decide(offer) === "decline") return offer.decline();
    try {
      this.arrived.push(await this.#accept(offer));
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      this.failed.push(error.code);
    }
  }

  async #accept(offer: Offer): Promise<Arrival> {
    if (offer.content.kind === "message") {
      const sink = messageSink();
      const events = await eventsOf(offer.accept(sink));
      return { offer, text: await sink.text, events };
    }
    const path = join(this.inbox, offer.content.name);
    const transfer = offer.accept(await fileSinkAt(path));
    const events = await eventsOf(transfer);
    await transfer.finished;
    return { offer, text: undefined, events };
  }
}

async function eventsOf(transfer: Transfer): Promise<readonly TransferEvent[]> {
  const events: TransferEvent[] = [];
  for await (const event of transfer) events.push(event);
  return events;
}

/** How the master key of a transfer came about: `key-package 0`, `channel 3`. */
export function keySource(events: readonly TransferEvent[]): string {
  const found = events.findLast(({ type }) => type === "master-key");
  return found?.type === "master-key" ? `${found.source} ${found.counter}` : "none";
}

export function kinds(events: readonly TransferEvent[]): readonly string[] {
  return events.map(({ type }) => type).filter((type) => type !== "progress");
}
