/**
 * Somebody with the real SDK and a real home, whose cryptography a test watches.
 *
 * @module
 */
import {
  connect,
  memoryStore,
  messageSink,
  type Client,
  type ClientPorts,
  type ContentSource,
  type Offer,
  type Store,
  type TransferEvent,
} from "@postern/client";
import { nodePorts, openHome } from "@postern/client/node";
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { parseRelayAddress } from "@postern/core/identity";
import { chooseSuite } from "@postern/node";
import { listenTo, meetByCode } from "./lab.ts";
import type { Owner } from "./scene.ts";

export interface WatchedOptions {
  readonly name: string;
  /** Directory of all identities; absent: a store in memory. */
  readonly home?: string;
  readonly relayPort: number;
  /** Closes it in the end, however that comes. */
  readonly owner: Owner;
  /** What stands between the client and its platform. */
  readonly watch: (ports: ClientPorts) => Partial<ClientPorts>;
}

export class WatchedPerson {
  readonly client: Client;
  readonly store: Store;
  readonly offers: Offer[] = [];
  /** Of what came whole. */
  readonly texts: string[] = [];
  files = 0;
  decide: (offer: Offer) => "accept" | "decline" | "wait" = () => "accept";

  static async join(options: WatchedOptions): Promise<WatchedPerson> {
    const { name, home, relayPort, owner, watch } = options;
    const suite = chooseSuite();
    const opened = home === undefined ? undefined : await openHome({ home, name });
    const seeds = { signingSeed: suite.random(32), linkSeed: suite.random(32) };
    const store = opened?.store ?? memoryStore({ name, ...seeds });
    wipe(seeds.signingSeed, seeds.linkSeed);
    const ports = nodePorts(suite, store);
    const address = parseRelayAddress(`127.0.0.1:${relayPort}`);
    const onClosed = async (): Promise<void> => await (opened ?? store).close();
    const client = await connect({ ...ports, ...watch(ports) }, { address, onClosed });
    // Weak: what is closed must be free to go.
    const reference = new WeakRef(client);
    owner.after(async () => await reference.deref()?.close());
    return new WatchedPerson(client, store);
  }

  private constructor(client: Client, store: Store) {
    this.client = client;
    this.store = store;
  }

  /** Takes offers until the client is closed. Resolves when the relay has been told. */
  async listen(): Promise<void> {
    const options = { profiles: ["end-to-end"], capacity: 8 } as const;
    await listenTo(this.client, options, async (offer) => await this.#take(offer));
  }

  /** The events of one transfer to its end; the last says how it ended. */
  async send(to: string, content: ContentSource): Promise<readonly TransferEvent[]> {
    const events: TransferEvent[] = [];
    const transfer = await this.client.send({ to, content, profile: "end-to-end" });
    for await (const event of transfer) events.push(event);
    return events;
  }

  async #take(offer: Offer): Promise<void> {
    this.offers.push(offer);
    const decision = this.decide(offer);
    if (decision === "decline") offer.decline();
    if (decision === "accept") await this.#accept(offer);
  }

  async #accept(offer: Offer): Promise<void> {
    try {
      const isMessage = offer.content.kind === "message";
      const sink = messageSink();
      const nothing = { ...sink, write: async () => {}, commit: async () => {} };
      await offer.accept(isMessage ? sink : nothing).finished;
      if (isMessage) this.texts.push(await sink.text);
      else this.files++;
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
    }
  }
}

/** Two meet by a code and keep each other. */
export async function pairUp(opener: WatchedPerson, joiner: WatchedPerson): Promise<void> {
  for (const paired of await meetByCode(opener, joiner)) await paired.keep();
}

/** How a transfer ended: `done`, or the code of its failure. */
export function endOf(events: readonly TransferEvent[]): string {
  const last = events.at(-1);
  return last?.type === "failed" ? last.error.code : (last?.type ?? "nothing");
}
