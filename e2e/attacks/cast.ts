/**
 * The people of a test, each with the real SDK, at a relay that lies.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  connect,
  memoryStore,
  messageSource,
  type Client,
  type ClientEvent,
  type ClientPorts,
  type ContentKind,
  type ContentSink,
  type ContentSource,
  type Offer,
  type ProfileName,
  type Store,
  type Transfer,
  type TransferEvent,
} from "@postern/client";
import { concat, hex } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { createIdentity, type Identity } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { LyingRelay, wallOf } from "./lying-relay.ts";
import { TurnedClock } from "./turned-clock.ts";

export const ADDRESS = { host: "relay.test", port: 1 } as const;
export const KEY_LIFE_MS = 90 * 86_400_000;

type Answer = "accept" | "decline" | "wait";

export interface Shown {
  /** Fingerprint, base32. */
  readonly from: string;
  readonly kind: ContentKind;
  readonly bytes: Uint8Array;
}

/** One person: an identity, its keys, a client. */
export class Actor {
  readonly name: string;
  readonly identity: Identity;
  readonly rsaKey: RsaKeyPair;
  store: Store;
  ports: ClientPorts;
  /** How far this person's wall clock is ahead. */
  skewMs = 0;
  client!: Client;
  readonly events: ClientEvent[] = [];
  readonly offers: Offer[] = [];
  readonly withdrawn: string[] = [];
  readonly incoming: Transfer[] = [];
  /** Whatever a sink was given, committed or not. */
  readonly written: Uint8Array[] = [];
  /** Content of transfers that were committed. */
  readonly received: Uint8Array[] = [];
  /** The same with whom it came from, as the person sees it. */
  readonly shown: Shown[] = [];
  answer: (offer: Offer) => Answer = () => "accept";

  constructor(
    stage: Stage,
    name: string,
    rsaKey: RsaKeyPair,
    change: (ports: ClientPorts) => Partial<ClientPorts>,
  ) {
    this.name = name;
    this.rsaKey = rsaKey;
    this.identity = createIdentity(suite);
    const { seed: signingSeed } = this.identity.signing;
    this.store = memoryStore({ name, signingSeed, linkSeed: suite.random(32) });
    const honest: ClientPorts = {
      transport: stage.relay.transport,
      store: this.store,
      suite,
      rsa: nativeRsa,
      cipher: suiteCipher,
      clock: stage.clock,
      wall: () => wallOf(stage.clock, this.skewMs),
    };
    this.ports = { ...honest, ...change(honest) };
  }

  /** `done`, or the error's code, for each transfer that came in. */
  async ends(): Promise<string[]> {
    return await Promise.all(this.incoming.map(async (transfer) => await outcomeOf(transfer)));
  }

  /** Waits for offers until the test ends. */
  async listen(profiles: readonly ProfileName[], capacity = 1): Promise<void> {
    for await (const event of this.client.receive({ profiles, capacity })) {
      if (event.type === "withdrawn") this.withdrawn.push(event.error.code);
      if (event.type !== "offer") continue;
      this.offers.push(event.offer);
      const answer = this.answer(event.offer);
      if (answer === "decline") event.offer.decline();
      if (answer === "accept") this.accept(event.offer);
    }
  }

  accept(offer: Offer): Transfer {
    const transfer = offer.accept(this.#sink(offer));
    this.incoming.push(transfer);
    return transfer;
  }

  #sink({ from, content }: Offer): ContentSink {
    const parts: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        parts.push(bytes.slice());
        this.written.push(bytes.slice());
      },
      commit: async () => {
        const bytes = new Uint8Array(Buffer.concat(parts));
        this.received.push(bytes);
        this.shown.push({ from: from.fingerprint, kind: content.kind, bytes });
      },
      async abandon() {},
    };
  }
}

export interface ReceiverOptions {
  readonly profiles?: readonly ProfileName[];
  readonly capacity?: number;
  readonly ports?: (ports: ClientPorts) => Partial<ClientPorts>;
  /** Whose RSA key it has; its name's when absent. */
  readonly rsaKeyOf?: string;
}

export interface Sending {
  /** `asymmetric` when absent. */
  readonly profile?: ProfileName;
  readonly content?: ContentSource;
  readonly sessionSeconds?: number;
}

export class Stage {
  readonly clock = new TurnedClock();
  readonly relay: LyingRelay;

  static async open(): Promise<Stage> {
    return new Stage(await rsaKeyOf("relay"));
  }

  private constructor(relayKey: RsaKeyPair) {
    this.relay = new LyingRelay(this.clock, relayKey);
  }

  /** Somebody connects. `change` gives dishonest ports. */
  async person(
    name: string,
    change: (ports: ClientPorts) => Partial<ClientPorts> = () => ({}),
    keyOf = name,
  ): Promise<Actor> {
    const actor = new Actor(this, name, await rsaKeyOf(keyOf), change);
    await this.certify(actor);
    await this.connect(actor);
    return actor;
  }

  /** Gives a person's store the RSA key that the client would make. */
  async certify({ store, rsaKey }: Pick<Actor, "store" | "rsaKey">): Promise<void> {
    const notAfter = (wallOf(this.clock, 0) + KEY_LIFE_MS) as WallMs;
    await store.saveRsaKey({ pkcs8: rsaKey.exportSecret(), notAfter });
  }

  async connect(actor: Actor): Promise<void> {
    actor.client = await this.clock.until(connect(actor.ports, { address: ADDRESS }));
    void (async () => {
      for await (const event of actor.client.events) actor.events.push(event);
    })();
  }

  /** Its program ends and starts again, with what its store holds or with another store. */
  async restart(actor: Actor, store: Store = actor.store): Promise<void> {
    await this.clock.until(actor.client.close());
    actor.store = store;
    actor.ports = { ...actor.ports, store };
    await this.connect(actor);
  }

  /** Somebody connects and is listed. */
  async receiver(name: string, options: ReceiverOptions = {}): Promise<Actor> {
    const actor = await this.person(name, options.ports, options.rsaKeyOf);
    void actor.listen(options.profiles ?? ["asymmetric"], options.capacity);
    await this.clock.advance(0);
    return actor;
  }

  /** Alice and Bob, who takes both RSA profiles. */
  async pair(): Promise<readonly [Actor, Actor]> {
    return [
      await this.person("alice"),
      await this.receiver("bob", { profiles: ["asymmetric", "symmetric"] }),
    ];
  }

  /** Sends; `done`, or the code of the error that the sender gets. */
  async send(from: Actor, to: string, sending: Sending = {}): Promise<string> {
    return await this.clock.until(outcomeOf(this.start(from, to, sending)));
  }

  async start(from: Actor, to: string, sending: Sending = {}): Promise<Transfer> {
    const { content = messageSource("hello"), profile = "asymmetric", sessionSeconds } = sending;
    const options = { to, content, profile };
    return await from.client.send(
      sessionSeconds === undefined ? options : { ...options, sessionSeconds },
    );
  }
}

/** `done` or a code; the error goes into `failures`. */
export async function outcomeOf(
  transfer: Transfer | Promise<Transfer>,
  failures: PosternError[] = [],
): Promise<string> {
  try {
    await (
      await transfer
    ).finished;
    return "done";
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    failures.push(error);
    return error.code;
  }
}

/** To compare by: a diff of long byte arrays takes memory by the square of their length. */
export function digests(contents: readonly Uint8Array[]): string[] {
  return contents.map((content) => hex(suite.sha256(content)));
}

/** All events of a transfer so far and to come. */
export function eventsOf(transfer: Transfer): TransferEvent[] {
  const events: TransferEvent[] = [];
  void (async () => {
    for await (const event of transfer) events.push(event);
  })();
  return events;
}

/** A file in memory, in records of at most `readBytes`. */
export function bytesSource(
  bytes: Uint8Array,
  { name = "file.bin", readBytes = Infinity }: { name?: string; readBytes?: number } = {},
): ContentSource {
  return {
    info: { kind: "file", name, size: bytes.length },
    async read(into, offset) {
      const part = bytes.subarray(offset, offset + Math.min(into.length, readBytes));
      into.set(part);
      return part.length;
    },
    verified() {},
    async close() {},
  };
}

const suiteCipher: ClientPorts["cipher"] = {
  seal({ header, key, nonce, aad }, plaintext) {
    const sealed = suite.seal(key, nonce, aad, plaintext);
    return { frame: concat(header, sealed), tag: sealed.slice(-16) };
  },
  open: (key, nonce, aad, sealed) => suite.open(key, nonce, aad, sealed),
  release() {},
};

const VECTORS = join(import.meta.dirname, "../../vectors/rsa-keys.json");
const PUBLISHED = { relay: "relay", alice: "sender", bob: "receiver" } as const;
const keys = new Map<string, Promise<RsaKeyPair>>();

/** One key for each name in a whole run: those of the vectors, and others that are made once. */
export async function rsaKeyOf(name: string): Promise<RsaKeyPair> {
  const known = keys.get(name) ?? (isPublished(name) ? publishedKey(name) : nativeRsa.generate());
  keys.set(name, known);
  return await known;
}

function isPublished(name: string): name is keyof typeof PUBLISHED {
  return Object.hasOwn(PUBLISHED, name);
}

async function publishedKey(name: keyof typeof PUBLISHED): Promise<RsaKeyPair> {
  const stored: unknown = JSON.parse(readFileSync(VECTORS, "utf8"));
  const { pkcs8 } = (stored as Record<string, { readonly pkcs8: string }>)[PUBLISHED[name]]!;
  return await nativeRsa.importSecret(new Uint8Array(Buffer.from(pkcs8, "hex")));
}
