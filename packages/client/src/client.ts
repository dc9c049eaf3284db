/**
 * A connected client: one link at a time, renewed when it is lost, and its transfers. The
 * application's face is `api.ts`.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { PosternError } from "@postern/core/errors";
import type { Party, Verdict } from "@postern/core/exchange";
import {
  fingerprintOf,
  formatFingerprint,
  identityFromSeed,
  type RelayAddress,
} from "@postern/core/identity";
import { SESSION_SECONDS_DEFAULT } from "@postern/core/limits";
import { SeenTransfers, transferKey, type PeerEffect, type PeerInput } from "@postern/core/peer";
import {
  CONTENT_ID_BYTES,
  ridesInEnvelopes,
  TRANSFER_ID_BYTES,
  type TransferEvent,
} from "@postern/core/transfer";
import type {
  Client,
  ClientEvent,
  DeliverOptions,
  Delivery,
  ReceiveEvent,
  ReceiveOptions,
  Receiver,
  RelayInfo,
  SendOptions,
  Transfer,
} from "./api.ts";
import type { Pairing, PairingOptions } from "./people.ts";
import { ChannelDesk } from "./channel-desk.ts";
import { ClientContacts } from "./client-contacts.ts";
import type { Connection, PeerView } from "./connection.ts";
import { contactBook } from "./contacts.ts";
import { Deliveries } from "./deliveries.ts";
import type { Attempt } from "./delivery.ts";
import { Directory, profileNames, profileRefused } from "./directory.ts";
import { EventQueue } from "./event-queue.ts";
import { findReceiver, type Found } from "./find-receiver.ts";
import { lateReceipt } from "./late-receipt.ts";
import { LinkKeeper, notConnected, type Self } from "./link-keeper.ts";
import { metBy } from "./met-peer.ts";
import { PackagePublisher } from "./package-publisher.ts";
import { PairingDesk } from "./pairing-desk.ts";
import { PeerBook } from "./peer-book.ts";
import type { ClientPorts } from "./ports.ts";
import { readMessage } from "./read-message.ts";
import { Receiving } from "./receiving.ts";
import { RecentFinds } from "./recent-finds.ts";
import { asPosternError, type TransferFacts } from "./running-transfer.ts";
import { TransferDesk, type OfferedTransfer } from "./transfer-desk.ts";
import { StoredContents } from "./unfinished.ts";

export interface ConnectOptions {
  readonly address: RelayAddress;
  /** Frees what belongs to the client, at the end of `close()`. */
  readonly onClosed?: () => Promise<void>;
}

/**
 * Connects to a relay and logs in. A relay named without a fingerprint is pinned at its first use
 * (`connected` with `firstUse`); another key at a pinned relay is refused.
 *
 * @throws {@link PosternError} `relay/unreachable`, `relay/pin-changed`, `relay/name-taken`,
 * `relay/overloaded`, `link/wrong-relay-key` (not the one of the address), `link/*`, `store/*`
 */
export async function connect(ports: ClientPorts, options: ConnectOptions): Promise<Client> {
  const stored = await ports.store.identity();
  const book = new PeerBook();
  await book.load(ports.store);
  const client = new PosternClient(ports, options, book, {
    identity: identityFromSeed(ports.suite, stored.signingSeed),
    linkKey: ports.suite.kemFromSeed(stored.linkSeed),
    name: stored.name,
  });
  await client.open();
  return client;
}

class PosternClient implements Client {
  readonly name: string;
  readonly fingerprint: string;
  readonly events = new EventQueue<ClientEvent>(undefined, () => true);
  readonly contacts: ClientContacts;
  readonly unfinished: StoredContents;
  readonly #ports: ClientPorts;
  readonly #options: ConnectOptions;
  readonly #self: Self;
  readonly #book: PeerBook;
  readonly #link: LinkKeeper;
  readonly #directory = new Directory((input) => this.#step(input));
  readonly #recent: RecentFinds;
  readonly #channels: ChannelDesk;
  readonly #transfers: TransferDesk;
  readonly #packages: PackagePublisher;
  readonly #pairings: PairingDesk;
  readonly #deliveries: Deliveries;
  readonly #receiving: Receiving;
  #authenticated: Connection | undefined;
  #closing: Promise<void> | undefined;

  constructor(ports: ClientPorts, options: ConnectOptions, book: PeerBook, self: Self) {
    const { identity } = self;
    const directory = this.#directory;
    this.#ports = ports;
    this.#options = options;
    this.#self = self;
    this.#book = book;
    this.name = self.name;
    this.fingerprint = formatFingerprint(identity.fingerprint);
    this.#recent = new RecentFinds(ports.clock);
    this.#link = this.#makeLink();
    const isReceiving = (): boolean => this.#receiving.profiles?.includes("end-to-end") === true;
    this.#packages = new PackagePublisher({ ports, identity, directory, isReceiving });
    const onPackageUsed = (): void => this.#packages.onUsed();
    this.#channels = new ChannelDesk({ ports, identity, directory, book, onPackageUsed });
    this.#transfers = this.#makeTransfers();
    this.unfinished = new StoredContents(ports);
    this.#deliveries = this.#makeDeliveries();
    const stored = contactBook(ports, identity);
    this.contacts = new ClientContacts(stored, book, this.#channels, ports.store);
    this.#receiving = new Receiving({
      link: this.#link,
      transfers: this.#transfers,
      contacts: this.contacts,
      unfinished: this.unfinished,
      step: (input) => this.#step(input),
      announce: async () => this.#announce(),
    });
    this.#pairings = new PairingDesk({
      clock: ports.clock,
      directory,
      send: (frame) => this.#link.connection?.send(frame),
      meet: async (met) => this.contacts.meet(met),
    });
  }

  async open(): Promise<void> {
    await this.#link.open();
  }

  get relay(): RelayInfo {
    return this.#link.relay;
  }

  async *receivers(): AsyncGenerator<Receiver> {
    for await (const { name, id, free, profiles } of this.#directory.list())
      yield {
        name,
        fingerprint: formatFingerprint(fingerprintOf(this.#ports.suite, id)),
        free,
        profiles: profileNames(profiles),
      };
  }

  async send(options: SendOptions): Promise<Transfer> {
    return await this.#send(options);
  }

  async deliver(options: DeliverOptions): Promise<Delivery> {
    return await this.#deliveries.start(options);
  }

  async #send(options: SendOptions, attempt?: Attempt): Promise<Transfer> {
    const { to, profile, content, contentId, signed = false } = options;
    const isBegun = attempt?.isBegun ?? contentId !== undefined;
    try {
      if (typeof to !== "string") metBy(to).ownKeys?.expect();
      const { suite, clock } = this.#ports;
      const [directory, book, recent] = [this.#directory, this.#book, this.#recent];
      const ports = { suite, clock, directory, book, recent };
      const found = await findReceiver(ports, to, profile, isBegun);
      if (!this.#link.expectConnection().allows(profile)) throw profileRefused();
      if (profile === "asymmetric") await this.#authenticate(this.#link.expectConnection());
      // Before the first offer leaves: another key under this name is noticed from now on.
      if (profile === "end-to-end" && typeof to === "string")
        await this.contacts.pin(found.party, found.relayName);
      const transfer = this.#ports.suite.random(TRANSFER_ID_BYTES);
      await attempt?.begin(found, transfer);
      const isInline = profile === "end-to-end" && ridesInEnvelopes({ ...content.info, signed });
      const message = isInline ? await readMessage(content) : undefined;
      return this.#startSending(options, found, { transfer, message });
    } catch (error) {
      await content.close();
      throw error;
    }
  }

  pair(options: PairingOptions = {}): Pairing {
    const { relayFingerprint } = this.#link;
    if (relayFingerprint === undefined) throw notConnected();
    const { suite } = this.#ports;
    const { name, identity } = this.#self;
    const own = { self: this.#party(), signing: identity.signing, name };
    return this.#pairings.start({ suite, relayFingerprint, ...own }, options);
  }

  receive(options: ReceiveOptions): AsyncIterableIterator<ReceiveEvent> {
    return this.#receiving.receive(options);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    const ended = this.#deliveries.end(notConnected());
    await Promise.all([ended, this.#transfers.end(), this.#pairings.end()]);
    this.#link.close();
    // Whatever still waits for the relay need not.
    this.#directory.fail(notConnected());
    await Promise.all([this.#channels.idle(), this.#packages.stop()]);
    this.#channels.wipe();
    this.#end(undefined);
    await this.#options.onClosed?.();
    this.contacts.wipe();
    wipe(this.#self.identity.signing.seed, this.#self.linkKey.seed);
  }

  #startSending(
    options: SendOptions,
    { party, relayName }: Found,
    { transfer, message }: { transfer: Uint8Array; message: Uint8Array | undefined },
  ): Transfer {
    const { to, content, profile, rateLimit, signed = false } = options;
    const { sessionSeconds = SESSION_SECONDS_DEFAULT } = options;
    const { suite } = this.#ports;
    const { contentId = suite.random(CONTENT_ID_BYTES) } = options;
    const facts: TransferFacts = {
      transfer,
      key: transferKey(party.fingerprint, transfer),
      party,
      relayName,
      peer: this.#book.peerName(party.fingerprint, typeof to === "string" ? to : relayName),
      content: content.info,
      contentId,
      signed,
      profile,
    };
    const side = { role: "sending", source: content, rateLimit, message } as const;
    const met = typeof to === "string" ? undefined : metBy(to).ownKeys;
    const running = this.#transfers.start(facts, side, this.#link.expectConnection().rsa, met);
    const { kind, name, size, manifest } = content.info;
    const description = { kind, contentId, signed, name, size, manifest };
    const request = { profile, content: description, sessionSeconds };
    const inline = message === undefined ? request : { ...request, message };
    this.#recent.use(party.fingerprint, running.finished);
    this.#step({ kind: "send", transfer, to: party, request: inline });
    return running;
  }

  #makeLink(): LinkKeeper {
    const view: PeerView = {
      seen: new SeenTransfers(),
      admits: (fingerprint, profile) =>
        this.#receiving.isClosedTo(fingerprint)
          ? "blocked"
          : this.#book.admits(fingerprint, profile),
    };
    return new LinkKeeper(this.#ports, this.#options.address, this.#self, view, {
      onEffect: (effect) => this.#onEffect(effect),
      onPairing: (frame) => this.#pairings.onFrame(frame),
      onGone: (peer) => this.#recent.forget(peer),
      onEvent: (event) => this.events.push(event),
      onLink: async () => {
        this.#deliveries.onLink();
        await this.#announce();
      },
      onPolicy: () => void this.#announce().catch((error: unknown) => this.#refused(error)),
      onLost: (error) => {
        this.#recent.clear();
        this.#directory.fail(error);
        this.#pairings.onLost(error);
      },
      onEnd: (error) => this.#end(error),
    });
  }

  #makeDeliveries(): Deliveries {
    const { clock, suite } = this.#ports;
    return new Deliveries({
      clock,
      jitter: () => (suite.random(1)[0] ?? 0) / 255,
      unfinished: this.unfinished,
      newContentId: () => suite.random(CONTENT_ID_BYTES),
      peerName: (fingerprint, relayName) => this.#book.peerName(fingerprint, relayName),
      send: async (options, attempt) => this.#send(options, attempt),
    });
  }

  #makeTransfers(): TransferDesk {
    const { transport } = this.#ports;
    return new TransferDesk({
      ports: this.#ports,
      self: this.#self.identity,
      channels: this.#channels,
      keysOf: ({ fingerprint }) => this.#receiving.keysOf(fingerprint),
      step: (input) => this.#step(input),
      link: () => this.#link.now,
      openPipe: async (ticket) => transport.openPipe(this.#options.address, ticket),
      onOffered: (offered, event) => this.#onOffered(offered, event),
      onLateReceipt: (receiver, transfer, verdict) =>
        void this.#onLateReceipt(receiver, transfer, verdict),
    });
  }

  async #onLateReceipt(to: Party, transfer: Uint8Array, verdict: Verdict): Promise<void> {
    const going = this.#deliveries.isGoingOnWith(to.fingerprint, transfer).catch(() => false);
    this.events.push(lateReceipt(this.#book, to, { transfer, verdict, isGoingOn: await going }));
  }

  #party(): Party {
    const { id, fingerprint } = this.#self.identity;
    return { id, fingerprint };
  }

  #onOffered({ key, name, party, transfer }: OfferedTransfer, event: TransferEvent): void {
    const peer = this.#book.peerName(party.fingerprint, name);
    this.#receiving.onOffered({ transfer, key, party, relayName: name, peer }, event);
  }

  /**
   * A receiver of the RSA profiles shows its certified key before it is listed; one that is written
   * to end-to-end has key packages at the relay.
   */
  async #announce(): Promise<void> {
    const { connection } = this.#link;
    const wanted = this.#receiving.profiles;
    if (wanted === undefined || connection === undefined) return;
    const profiles = wanted.filter((profile) => connection.allows(profile));
    if (profiles.length === 0) throw profileRefused();
    if (profiles.includes("end-to-end")) await this.#packages.publish();
    if (profiles.includes("symmetric")) await connection.rsa.ready();
    if (profiles.includes("asymmetric")) await this.#authenticate(connection);
    this.#receiving.announced(profiles);
  }

  /** Before any use of the asymmetric profile on a link; told once. */
  async #authenticate(connection: Connection): Promise<void> {
    const { relayFingerprint } = await connection.rsa.authenticate();
    if (this.#authenticated === connection) return;
    this.#authenticated = connection;
    const fingerprint = formatFingerprint(relayFingerprint);
    this.events.push({ type: "relay-authenticated", fingerprint });
  }

  #step(input: PeerInput): void {
    if (this.#link.connection === undefined) this.#directory.fail(notConnected());
    this.#link.step(input);
  }

  #onEffect(effect: Exclude<PeerEffect, { kind: "frame" }>): void {
    switch (effect.kind) {
      case "answered":
        return this.#directory.answer(effect.token, effect.answer);
      case "stray":
        return void this.#transfers.onStray(effect);
      case "transfer":
        return this.#transfers.onEffect(effect);
    }
  }

  /** The relay allows none of the profiles that this client receives in. */
  #refused(error: unknown): void {
    this.#link.close();
    this.#end(asPosternError(error));
  }

  #end(error: PosternError | undefined): void {
    void this.#deliveries.end(error ?? notConnected());
    this.events.push({ type: "closed", error });
    this.events.end();
    this.#receiving.end();
  }
}
