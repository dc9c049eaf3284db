/**
 * One link at a time to a client's relay, renewed when it is lost. docs/protocol.md 4, 6.
 *
 * @module
 */
import type { KemKeyPair } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  formatFingerprint,
  formatRelayAddress,
  type Identity,
  type RelayAddress,
} from "@postern/core/identity";
import type { PeerInput } from "@postern/core/peer";
import type { InstantMs } from "@postern/core/time";
import type { ClientEvent, RelayInfo } from "./api.ts";
import { Connection, type ConnectionEvents, type PeerView } from "./connection.ts";
import type { ClientPorts } from "./ports.ts";
import type { RelayRsa } from "./relay-rsa.ts";
import { asPosternError } from "./running-transfer.ts";

/** Who logs in. */
export interface Self {
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
  readonly name: string;
}

/** What a link tells its client. */
export interface LinkEvents extends Pick<ConnectionEvents, "onEffect" | "onPairing" | "onGone"> {
  onEvent(event: ClientEvent): void;
  /** A link is there, for the first time or again. */
  onLink(): Promise<void>;
  /** The relay has said which profiles it allows. */
  onPolicy(): void;
  /** This link is over; every transfer on it has been told before. */
  onLost(error: PosternError): void;
  /** No other link will follow. */
  onEnd(error: PosternError): void;
}

export class LinkKeeper {
  readonly #ports: ClientPorts;
  readonly #address: RelayAddress;
  readonly #self: Self;
  readonly #view: PeerView;
  readonly #events: LinkEvents;
  #connection: Connection | undefined;
  #relay: RelayInfo | undefined;
  #relayFingerprint: Uint8Array | undefined;
  #cancelReconnect: (() => void) | undefined;
  /** Of the attempts since a link that lasted. */
  #attempt = 0;
  #openedAt: InstantMs | undefined;
  #closed = false;

  constructor(
    ports: ClientPorts,
    address: RelayAddress,
    self: Self,
    view: PeerView,
    events: LinkEvents,
  ) {
    this.#ports = ports;
    this.#address = address;
    this.#self = self;
    this.#view = view;
    this.#events = events;
  }

  /** @throws {@link PosternError} as `connect` */
  async open(): Promise<void> {
    const { store } = this.#ports;
    const { host, port, fingerprint } = this.#address;
    const address = formatRelayAddress({ host, port });
    const pin = fingerprint ?? this.#relayFingerprint ?? (await store.relayPin(address));
    const { connection, relayFingerprint, clockAheadMs } = await Connection.open(
      this.#ports,
      { address: this.#address, ...this.#self, pin, view: this.#view },
      {
        onEffect: (effect) => this.#events.onEffect(effect),
        onPairing: (frame) => this.#events.onPairing(frame),
        onGone: (peer) => this.#events.onGone(peer),
        onNotice: (notice, afterMs) => {
          if (notice !== "superseded") this.#events.onEvent({ type: "notice", notice, afterMs });
        },
        onPolicy: () => this.#events.onPolicy(),
        onLost: (error) => {
          // Of a link that was never taken `open` tells.
          if (this.#connection?.lost === error) this.#onLost(error);
        },
      },
    ).catch((error: unknown) => {
      throw fingerprint === undefined ? error : notTheNamed(error);
    });
    if (this.#closed) return connection.close();
    await store.pinRelay(address, relayFingerprint);
    // A relay may let in and close, or go, in the meantime: such a link was none.
    if (connection.lost !== undefined) throw connection.lost;
    this.#connection = connection;
    this.#openedAt = this.#ports.clock.now();
    this.#relayFingerprint = relayFingerprint;
    this.#relay = { address, fingerprint: formatFingerprint(relayFingerprint) };
    const firstUse = pin === undefined;
    this.#events.onEvent({ type: "connected", relay: this.#relay, firstUse, clockAheadMs });
    // A link on which nothing can be begun is no link: another one must not be beside it.
    await this.#events.onLink().catch((error: unknown) => connection.lose(asPosternError(error)));
  }

  get relay(): RelayInfo {
    if (this.#relay === undefined) throw new PosternError("usage/wrong-state", "not connected yet");
    return this.#relay;
  }

  /** What a transfer needs of the link; `undefined` without one. */
  get now(): { readonly rsa: RelayRsa; readonly relayFingerprint: Uint8Array } | undefined {
    const [connection, relayFingerprint] = [this.#connection, this.#relayFingerprint];
    return connection && relayFingerprint && { rsa: connection.rsa, relayFingerprint };
  }

  /** Of the relay, once there was a link. */
  get relayFingerprint(): Uint8Array | undefined {
    return this.#relayFingerprint;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** @throws {@link PosternError} `link/closed` */
  expectConnection(): Connection {
    if (this.#connection === undefined) throw notConnected();
    return this.#connection;
  }

  /** The link was lost, and another attempt follows. */
  get isWaiting(): boolean {
    return this.#cancelReconnect !== undefined;
  }

  step(input: PeerInput): void {
    this.#connection?.step(input);
  }

  /** Ends the link after what was sent, and with it every further attempt. */
  close(): void {
    this.#closed = true;
    this.#cancelReconnect?.();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #onLost(error: PosternError): void {
    this.#connection = undefined;
    this.#events.onLost(error);
    if (this.#closed) return;
    if (error.fault === "network" || error.code === "relay/restarting") this.#reconnect(error);
    else this.#events.onEnd(error);
  }

  /**
   * Tries again for ever, at growing distances: the person may stop it at any time. A relay that
   * lets in and closes again is one that is not there.
   */
  #reconnect(error: PosternError): void {
    const now = this.#ports.clock.now();
    if (this.#openedAt !== undefined && now - this.#openedAt >= LASTING_MS) this.#attempt = 0;
    this.#openedAt = undefined;
    const inMs = RECONNECT_MS[Math.min(this.#attempt, RECONNECT_MS.length - 1)] ?? 0;
    this.#attempt++;
    this.#events.onEvent({ type: "reconnecting", error, inMs });
    this.#cancelReconnect = this.#ports.clock.after(inMs, () => void this.#retry());
  }

  async #retry(): Promise<void> {
    this.#cancelReconnect = undefined;
    try {
      await this.open();
    } catch (error) {
      // A link that was open and is lost again has its next attempt already.
      if (this.#closed || this.#cancelReconnect !== undefined) return;
      if (!(error instanceof PosternError)) throw error;
      const passing = error.fault === "network" || error.code === "relay/overloaded";
      if (passing) this.#reconnect(error);
      else this.#events.onEnd(error);
    }
  }
}

/** A link of that age was a good one. */
const LASTING_MS = 30_000;
const RECONNECT_MS = [250, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

export function notConnected(): PosternError {
  return new PosternError("link/closed", "not connected to the relay now");
}

/** With a fingerprint in the address nothing is known to have changed: it is another relay. */
function notTheNamed(error: unknown): unknown {
  if (!(error instanceof PosternError) || error.code !== "relay/pin-changed") return error;
  const text = "the relay's key is not that of the address";
  return new PosternError("link/wrong-relay-key", text, {}, { cause: error });
}
