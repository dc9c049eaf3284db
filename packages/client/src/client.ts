/**
 * A connected client: one link at a time, renewed when it is lost, and its transfers. The
 * application's face is `api.ts`.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { KemKeyPair } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Party } from "@postern/core/exchange";
import {
  fingerprintOf,
  formatFingerprint,
  formatRelayAddress,
  identityFromSeed,
  type Identity,
  type RelayAddress,
} from "@postern/core/identity";
import { SESSION_SECONDS_DEFAULT } from "@postern/core/limits";
import { SeenTransfers, transferKey, type PeerEffect, type PeerInput } from "@postern/core/peer";
import { TRANSFER_ID_BYTES } from "@postern/core/transfer";
import type {
  Client,
  ClientEvent,
  ProfileName,
  ReceiveEvent,
  ReceiveOptions,
  Receiver,
  RelayInfo,
  SendOptions,
  Transfer,
} from "./api.ts";
import { Connection } from "./connection.ts";
import { Directory, freeReceiver, profileNames, profileRefused } from "./directory.ts";
import { EventQueue } from "./event-queue.ts";
import { performKeyJob } from "./key-jobs.ts";
import { Listening } from "./listening.ts";
import type { ClientPorts } from "./ports.ts";
import {
  asPosternError,
  peerName,
  RunningTransfer,
  type TransferFacts,
  type TransferHost,
  type TransferSide,
} from "./running-transfer.ts";

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
  const client = new PosternClient(ports, options, {
    identity: identityFromSeed(ports.suite, stored.signingSeed),
    linkKey: ports.suite.kemFromSeed(stored.linkSeed),
    name: stored.name,
  });
  await client.open();
  return client;
}

interface Self {
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
  readonly name: string;
}

type TransferPeerEffect = Extract<PeerEffect, { readonly kind: "transfer" }>;

class PosternClient implements Client {
  readonly name: string;
  readonly fingerprint: string;
  readonly events = new EventQueue<ClientEvent>();
  readonly #ports: ClientPorts;
  readonly #options: ConnectOptions;
  readonly #self: Self;
  readonly #transfers = new Map<string, RunningTransfer>();
  readonly #settling = new Set<Promise<void>>();
  readonly #directory = new Directory((input) => this.#step(input));
  readonly #seen = new SeenTransfers();
  #connection: Connection | undefined;
  #authenticated: Connection | undefined;
  #relay: RelayInfo | undefined;
  #relayFingerprint: Uint8Array | undefined;
  #listening: Listening | undefined;
  #cancelReconnect: (() => void) | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(ports: ClientPorts, options: ConnectOptions, self: Self) {
    this.#ports = ports;
    this.#options = options;
    this.#self = self;
    this.name = self.name;
    this.fingerprint = formatFingerprint(self.identity.fingerprint);
  }

  get relay(): RelayInfo {
    if (this.#relay === undefined) throw new PosternError("usage/wrong-state", "not connected yet");
    return this.#relay;
  }

  async open(): Promise<void> {
    const { store } = this.#ports;
    const { host, port, fingerprint } = this.#options.address;
    const address = formatRelayAddress({ host, port });
    const pin = fingerprint ?? this.#relayFingerprint ?? (await store.relayPin(address));
    const { connection, relayFingerprint } = await Connection.open(
      this.#ports,
      { address: this.#options.address, ...this.#self, pin, seen: this.#seen },
      {
        onEffect: (effect) => this.#onEffect(effect),
        onNotice: (notice, afterMs) => {
          if (notice !== "superseded") this.events.push({ type: "notice", notice, afterMs });
        },
        onPolicy: () => void this.#announce().catch((error: unknown) => this.#refused(error)),
        onLost: (error) => this.#onLost(error),
      },
    ).catch((error: unknown) => {
      throw fingerprint === undefined ? error : notTheNamed(error);
    });
    if (this.#closed) return connection.close();
    await store.pinRelay(address, relayFingerprint);
    this.#connection = connection;
    this.#relayFingerprint = relayFingerprint;
    this.#relay = { address, fingerprint: formatFingerprint(relayFingerprint) };
    this.events.push({ type: "connected", relay: this.#relay, firstUse: pin === undefined });
    // A failure shows when the key is used.
    connection.rsa.prepare().catch(() => undefined);
    await this.#announce();
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
    try {
      const to = await this.#findReceiver(options.to, options.profile);
      if (!this.#expectConnection().allows(options.profile)) throw profileRefused();
      if (options.profile === "asymmetric") await this.#authenticate(this.#expectConnection());
      return this.#startSending(options, to);
    } catch (error) {
      await options.content.close();
      throw error;
    }
  }

  receive(options: ReceiveOptions): AsyncIterableIterator<ReceiveEvent> {
    const listening = new Listening(options, {
      step: (input) => this.#step(input),
      accept: (facts, sink, before) => {
        const transfer = this.#register(facts, { role: "receiving", sink });
        for (const event of before) transfer.onEvent(event);
        return transfer;
      },
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

  async *#listen(listening: Listening): AsyncGenerator<ReceiveEvent, undefined> {
    if (this.#listening !== undefined)
      throw new PosternError("usage/wrong-state", "this client receives already");
    this.#listening = listening;
    try {
      await this.#announce().catch((error: unknown) => this.#unlessPassing(error));
      yield* listening.events;
    } finally {
      this.#listening = undefined;
      listening.stop();
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelReconnect?.();
    const running = [...this.#transfers.values()];
    for (const transfer of running) transfer.cancel();
    await Promise.all([...running.map((transfer) => transfer.settled), ...this.#settling]);
    this.#connection?.close();
    this.#end(undefined);
    await this.#options.onClosed?.();
    wipe(this.#self.identity.signing.seed, this.#self.linkKey.seed);
  }

  async #findReceiver(name: string, profile: ProfileName): Promise<Party> {
    const id = freeReceiver(await this.#directory.find(name), profile);
    return { id, fingerprint: fingerprintOf(this.#ports.suite, id) };
  }

  #startSending(options: SendOptions, to: Party): Transfer {
    const { content, profile, rateLimit, sessionSeconds } = options;
    if (profile === "end-to-end")
      throw new PosternError("usage/invalid-argument", "this profile does not exist yet");
    const transfer = this.#ports.suite.random(TRANSFER_ID_BYTES);
    const facts: TransferFacts = {
      transfer,
      key: transferKey(to.fingerprint, transfer),
      party: to,
      peer: peerName(options.to, to.fingerprint),
      content: content.info,
      profile,
    };
    const source = content;
    const running = this.#register(facts, { role: "sending", source, rateLimit });
    const request = {
      profile,
      content: content.info,
      sessionSeconds: sessionSeconds ?? SESSION_SECONDS_DEFAULT,
    };
    this.#step({ kind: "send", transfer, to, request });
    return running;
  }

  #register(facts: TransferFacts, side: TransferSide): RunningTransfer {
    const host: TransferHost = {
      ports: this.#ports,
      rsa: this.#expectConnection().rsa,
      step: (input) => this.#step(input),
      openPipe: (ticket) => this.#ports.transport.openPipe(this.#options.address, ticket),
    };
    const transfer = new RunningTransfer(facts, side, host);
    this.#transfers.set(facts.key, transfer);
    return transfer;
  }

  #expectConnection(): Connection {
    if (this.#connection === undefined) throw notConnected();
    return this.#connection;
  }

  /** A receiver of the RSA profiles shows its certified key before it is listed. */
  async #announce(): Promise<void> {
    const connection = this.#connection;
    const wanted = this.#listening?.options.profiles;
    if (wanted === undefined || connection === undefined) return;
    const profiles = wanted.filter((profile) => connection.allows(profile));
    if (profiles.length === 0) throw profileRefused();
    if (profiles.includes("symmetric")) await connection.rsa.ready();
    if (profiles.includes("asymmetric")) await this.#authenticate(connection);
    this.#listening?.announce(profiles);
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
    if (this.#connection === undefined) this.#directory.fail(notConnected());
    this.#connection?.step(input);
  }

  #onEffect(effect: Exclude<PeerEffect, { kind: "frame" }>): void {
    if (effect.kind === "answered") this.#directory.answer(effect.token, effect.answer);
    else this.#onTransferEffect(effect);
  }

  #onTransferEffect({ key, name, party, role, transfer, effect }: TransferPeerEffect): void {
    const running = this.#transfers.get(key);
    switch (effect.kind) {
      case "emit": {
        if (running === undefined) {
          const peer = peerName(name, party.fingerprint);
          this.#listening?.onEvent({ transfer, key, party, peer }, effect.event);
          return;
        }
        const { kind } = effect.event;
        running.onEvent(effect.event);
        if (kind === "done" || kind === "failed") this.#settle(key, running);
        return;
      }
      case "run-records":
        return running?.runRecords(effect);
      case "feed-records":
        return running?.feedRecords(effect.frames);
      case "replace-pipe":
        return running?.replacePipe(effect.ticket);
      case "confirm-records":
        return running?.confirmRecords(effect);
      case "stop-records":
        return running?.stopRecords(effect.error);
      default: {
        const connection = this.#connection;
        const relay = this.#relayFingerprint;
        if (connection === undefined || relay === undefined) return;
        const place = { relay, party, role };
        void performKeyJob(this.#ports, connection.rsa, place, effect).then((input) =>
          connection.step({ kind: "transfer", key, input }),
        );
      }
    }
  }

  /** Its end is known; its content may still be on the way out, and `close` waits for that. */
  #settle(key: string, transfer: RunningTransfer): void {
    this.#transfers.delete(key);
    const settled = transfer.settled.then(() => void this.#settling.delete(settled));
    this.#settling.add(settled);
  }

  /** The relay allows none of the profiles that this client receives in. */
  #refused(error: unknown): void {
    const failure = asPosternError(error);
    this.#connection?.close();
    this.#end(failure);
  }

  #onLost(error: PosternError): void {
    this.#connection = undefined;
    this.#directory.fail(error);
    if (this.#closed) return;
    if (error.fault === "network" || error.code === "relay/restarting") this.#reconnect(error, 0);
    else this.#end(error);
  }

  /** A link that is lost meanwhile is announced on again when it is back. */
  #unlessPassing(error: unknown): void {
    if (this.#cancelReconnect === undefined) throw error;
  }

  /** Tries again for ever, at growing distances: the person may stop it at any time. */
  #reconnect(error: PosternError, attempt: number): void {
    const inMs = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)] ?? 0;
    this.events.push({ type: "reconnecting", error, inMs });
    this.#cancelReconnect = this.#ports.clock.after(inMs, () => void this.#retry(attempt));
  }

  async #retry(attempt: number): Promise<void> {
    this.#cancelReconnect = undefined;
    try {
      await this.open();
    } catch (error) {
      // A link that was open and is lost again has its next attempt already.
      if (this.#closed || this.#cancelReconnect !== undefined) return;
      if (!(error instanceof PosternError)) throw error;
      const passing = error.fault === "network" || error.code === "relay/overloaded";
      if (passing) this.#reconnect(error, attempt + 1);
      else this.#end(error);
    }
  }

  #end(error: PosternError | undefined): void {
    this.#closed = true;
    this.events.push({ type: "closed", error });
    this.events.end();
    this.#listening?.events.end();
  }
}

const RECONNECT_MS = [250, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

function notConnected(): PosternError {
  return new PosternError("link/closed", "not connected to the relay now");
}

/** With a fingerprint in the address nothing is known to have changed: it is another relay. */
function notTheNamed(error: unknown): unknown {
  if (!(error instanceof PosternError) || error.code !== "relay/pin-changed") return error;
  const text = "the relay's key is not that of the address";
  return new PosternError("link/wrong-relay-key", text, {}, { cause: error });
}
