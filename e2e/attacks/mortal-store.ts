/**
 * A store whose process dies at one of its durable writes: before it or after it, and never says
 * which. Whatever is asked of it afterwards is never answered.
 *
 * @module
 */
import type { ClientPorts, Store } from "@postern/client";

export interface Death {
  /** At which write, 1 for the first. */
  readonly write: number;
  /** Whether that write is on the disk. */
  readonly isWritten: boolean;
}

export class Life {
  /** Durable writes so far. */
  writes = 0;
  isOver = false;
  /** What `clock` showed then, if it was at a write that has to come before any word. */
  diedAt: number | undefined;
  readonly #death: Death | undefined;
  readonly #clock: () => number;
  readonly #over = Promise.withResolvers<void>();

  constructor(death: Death | undefined, clock: () => number) {
    this.#death = death;
    this.#clock = clock;
  }

  /** Resolves with its death. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** The ports of a process with this life. */
  of(ports: ClientPorts): Partial<ClientPorts> {
    const { transport } = ports;
    return {
      store: mortalStore(ports.store, this),
      transport: {
        openLink: async (...args) => await (this.isOver ? never() : transport.openLink(...args)),
        openPipe: async (...args) => await (this.isOver ? never() : transport.openPipe(...args)),
      },
    };
  }

  async read<T>(work: () => Promise<T>): Promise<T> {
    return await (this.isOver ? never() : work());
  }

  async write<T>(work: () => Promise<T>, isFirst = false): Promise<T> {
    if (this.isOver) return await never();
    this.writes += 1;
    if (this.writes !== this.#death?.write) return await work();
    this.isOver = true;
    if (isFirst) this.diedAt = this.#clock();
    if (this.#death.isWritten) await work();
    this.#over.resolve();
    return await never();
  }
}

function mortalStore(store: Store, life: Life): Store {
  return {
    identity: async () => life.read(async () => store.identity()),
    pairKey: async (at) => life.read(async () => store.pairKey(at)),
    keepPairKey: async (at, kept) => life.write(async () => store.keepPairKey(at, kept)),
    takePairKey: async (at) => life.write(async () => store.takePairKey(at)),
    pairCounter: async (at) => life.read(async () => store.pairCounter(at)),
    channel: async (at) => life.read(async () => store.channel(at)),
    saveChannel: async (...args) => life.write(async () => store.saveChannel(...args), true),
    receipt: async (...args) => life.read(async () => store.receipt(...args)),
    channels: async () => life.read(async () => store.channels()),
    dropChannels: async (peer) => life.write(async () => store.dropChannels(peer)),
    keyPackage: async (kid) => life.read(async () => store.keyPackage(kid)),
    keyPackages: async () => life.read(async () => store.keyPackages()),
    saveKeyPackages: async (made) => life.write(async () => store.saveKeyPackages(made)),
    dropKeyPackages: async (kids) => life.write(async () => store.dropKeyPackages(kids)),
    contacts: async () => life.read(async () => store.contacts()),
    contact: async (of) => life.read(async () => store.contact(of)),
    saveContact: async (contact) => life.write(async () => store.saveContact(contact)),
    removeContact: async (of) => life.write(async () => store.removeContact(of)),
    unfinished: async () => life.read(async () => store.unfinished()),
    unfinishedOne: async (at) => life.read(async () => store.unfinishedOne(at)),
    saveUnfinished: async (one) => life.write(async () => store.saveUnfinished(one)),
    dropUnfinished: async (at) => life.write(async () => store.dropUnfinished(at)),
    rsaKey: async () => life.read(async () => store.rsaKey()),
    saveRsaKey: async (key) => life.write(async () => store.saveRsaKey(key)),
    relayPin: async (address) => life.read(async () => store.relayPin(address)),
    relayPins: async () => life.read(async () => store.relayPins()),
    // Of no importance here, and before there is a client.
    pinRelay: async (...args) => life.read(async () => store.pinRelay(...args)),
    close: async () => life.read(async () => store.close()),
  };
}

async function never<T>(): Promise<T> {
  return await new Promise<T>(() => undefined);
}
