/**
 * One link to a relay, from connecting to its end: drives the link machine over a socket and the
 * peer machine over the link. docs/protocol.md 4, 5, 6.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Identity, RelayAddress } from "@postern/core/identity";
import type { KemKeyPair } from "@postern/core/crypto";
import {
  linkDeadline,
  PROFILE_BITS,
  startClientLink,
  stepLink,
  type EstablishedRelay,
  type LinkEffect,
  type LinkEvent,
  type LinkFrame,
  type LinkInput,
  type LinkState,
  type Notice,
  type RelayFrame,
} from "@postern/core/link";
import { Peer, type PeerEffect, type PeerInput, type PeerOptions } from "@postern/core/peer";
import { earlier, type InstantMs } from "@postern/core/time";
import type { Moment } from "@postern/core/transfer";
import type { ClientPorts, LinkSocket } from "./ports.ts";
import { RelayRsa } from "./relay-rsa.ts";

/** What a client's links have in common: offers it has seen on any of them, and whom it takes. */
export type PeerView = Required<Pick<PeerOptions, "seen" | "admits">>;

/** Frames of a pairing's slot. */
export type PairingFrame = Extract<
  RelayFrame,
  { readonly kind: "pair-joined" | "pair-message" | "pair-closed" }
>;

export interface ConnectionOptions {
  readonly address: RelayAddress;
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
  readonly name: string;
  readonly pin: Uint8Array | undefined;
  readonly view: PeerView;
}

/** What a connection tells its client. */
export interface ConnectionEvents {
  onEffect(effect: Exclude<PeerEffect, { kind: "frame" }>): void;
  onPairing(frame: PairingFrame): void;
  /** This peer's link has ended; transfers with it have been told before. */
  onGone(peer: Uint8Array): void;
  onNotice(notice: Notice, afterMs: number): void;
  /** What {@link Connection.allows} says may have changed. */
  onPolicy(): void;
  /** Once, last: every transfer has been told before. */
  onLost(error: PosternError): void;
}

/** What a handshake tells of the relay. */
interface RelayFound {
  readonly relayFingerprint: Uint8Array;
  /** This device's clock before the relay's. */
  readonly clockAheadMs: number;
}

export class Connection {
  readonly rsa: RelayRsa;
  readonly #ports: ClientPorts;
  readonly #events: ConnectionEvents;
  readonly #view: PeerView;
  readonly #established = Promise.withResolvers<RelayFound>();
  /** Profiles the relay allows, as bits; it says so only when it does not allow them all. */
  #policy: number | undefined;
  readonly #notices = new Set<Notice>();
  #link: LinkState;
  #peer: Peer | undefined;
  #relayFingerprint: Uint8Array | undefined;
  #socket: LinkSocket | undefined;
  #unsent: readonly LinkEffect[];
  #timer: { readonly at: InstantMs; readonly cancel: () => void } | undefined;
  /** The socket will call for what was said. */
  #isFlushing = false;
  #ended = false;
  #lost: PosternError | undefined;

  private constructor(ports: ClientPorts, options: ConnectionOptions, events: ConnectionEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#view = options.view;
    this.rsa = new RelayRsa(ports, options.identity, {
      send: (frame) => this.send(frame),
      step: (input) => this.step(input),
      relayFingerprint: () => this.#expectRelay(),
    });
    const { suite, clock } = ports;
    const { state, effects } = startClientLink(suite, options, clock.now());
    this.#link = state;
    this.#unsent = effects;
    this.#self = { id: options.identity.id, fingerprint: options.identity.fingerprint };
    this.#established.promise.catch(() => undefined);
  }

  readonly #self: { readonly id: Uint8Array; readonly fingerprint: Uint8Array };

  /**
   * Connects, authenticates the relay and logs in.
   *
   * @throws {@link PosternError} `relay/*`, `link/*`
   */
  static async open(
    ports: ClientPorts,
    options: ConnectionOptions,
    events: ConnectionEvents,
  ): Promise<RelayFound & { readonly connection: Connection }> {
    const connection = new Connection(ports, options, events);
    connection.#socket = await ports.transport.openLink(options.address, {
      onBytes: (bytes) => connection.#input({ kind: "received", bytes }),
      onClose: (error) =>
        connection.lose(error ?? new PosternError("link/closed", "the relay closed the link")),
    });
    connection.#perform(connection.#unsent);
    connection.#schedule();
    return { connection, ...(await connection.#established.promise) };
  }

  /** Why there is no link any more, unless {@link close} ended it. */
  get lost(): PosternError | undefined {
    return this.#lost;
  }

  allows(profile: keyof typeof PROFILE_BITS): boolean {
    return this.#policy === undefined || (this.#policy & PROFILE_BITS[profile]) !== 0;
  }

  /** Gives the peer machine one input and performs what follows. */
  step(input: PeerInput): void {
    if (this.#peer === undefined || this.#ended) return;
    this.#performPeer(this.#peer.step(input, this.#moment()));
    this.#schedule();
  }

  /** With all that is said at this time, sealed as one. */
  send(frame: LinkFrame): void {
    this.#input({ kind: "queue", frame });
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#socket?.soon(() => this.#flush());
  }

  /** Ends the link after what was sent; nothing is told any more. */
  close(): void {
    if (this.#ended) return;
    this.#flush();
    this.#input({ kind: "close" });
    this.#end();
  }

  #flush(): void {
    this.#isFlushing = false;
    this.#input({ kind: "flush" });
  }

  #input(input: LinkInput): void {
    if (this.#ended) return;
    const { state, effects } = stepLink(this.#link, input, this.#ports.clock.now());
    this.#link = state;
    this.#perform(effects);
    this.#schedule();
  }

  /** Writes go first: handling an event may seal more, and the relay counts the frames. */
  #perform(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "write") this.#socket?.write(effect.bytes);
      else if (effect.kind === "close") this.#socket?.close();
    }
    for (const effect of effects) if (effect.kind === "emit") this.#event(effect.event);
  }

  #event(event: LinkEvent): void {
    if (event.kind === "frame") this.#frame(event.frame);
    else if (event.kind === "failed") this.lose(event.error);
    else if (event.kind === "established" && event.relay !== undefined) this.#start(event.relay);
  }

  #start({ fingerprint: relayFingerprint, time }: EstablishedRelay): void {
    const { suite, wall } = this.#ports;
    this.#relayFingerprint = relayFingerprint;
    this.#peer = new Peer({ suite, self: this.#self, relayFingerprint, ...this.#view });
    this.#established.resolve({ relayFingerprint, clockAheadMs: wall() - time });
  }

  #expectRelay(): Uint8Array {
    if (this.#relayFingerprint === undefined)
      throw new PosternError("usage/wrong-state", "the link is not established");
    return this.#relayFingerprint;
  }

  #frame(frame: LinkFrame): void {
    switch (frame.kind) {
      case "rsa-key":
        return this.rsa.receive(frame.spki);
      case "auth-challenge":
      case "auth-confirm":
        return this.rsa.receiveProof(frame);
      case "policy":
        // It comes once: each one makes the client announce itself, and thousands fit a bundle.
        if (this.#policy !== undefined) return;
        this.#policy = frame.profiles;
        return this.#events.onPolicy();
      case "notice":
        if (frame.notice === "superseded")
          return this.lose(
            new PosternError("link/superseded", "another connection of this identity took over"),
          );
        // Each comes once, for the same reason.
        if (this.#notices.has(frame.notice)) return;
        this.#notices.add(frame.notice);
        return this.#events.onNotice(frame.notice, frame.afterMs);
      case "pair-joined":
      case "pair-message":
      case "pair-closed":
        return this.#events.onPairing(frame);
      case "peer-gone":
        this.step({ kind: "frame", frame });
        return this.#events.onGone(frame.peer);
      default:
        return this.step({ kind: "frame", frame: frame as RelayFrame });
    }
  }

  #performPeer(effects: readonly PeerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "frame") this.send(effect.frame);
      else if (effect.kind === "answered" && effect.query === "certificate")
        this.rsa.receiveAnswer(effect.token, effect.answer);
      else this.#events.onEffect(effect);
    }
  }

  /** It is over, as when the relay had ended it. */
  lose(error: PosternError): void {
    if (this.#ended) return;
    this.#lost = error;
    const wasEstablished = this.#peer !== undefined;
    this.#established.reject(error);
    this.rsa.fail(error);
    if (this.#peer !== undefined)
      this.#performPeer(this.#peer.step({ kind: "link-lost", error }, this.#moment()));
    this.#end();
    this.#socket?.close();
    if (wasEstablished) this.#events.onLost(error);
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Deadlines mostly move away: a timer that is set keeps its time and looks again then. */
  #schedule(): void {
    if (this.#ended) return;
    const due = earlier(linkDeadline(this.#link), this.#peer?.deadline);
    if (due === undefined || (this.#timer !== undefined && this.#timer.at <= due)) return;
    this.#timer?.cancel();
    const wait = Math.max(0, due - this.#ports.clock.now());
    this.#timer = { at: due, cancel: this.#ports.clock.after(wait, () => this.#woke()) };
  }

  #woke(): void {
    this.#timer = undefined;
    const now = this.#ports.clock.now();
    const [linkDue, peerDue] = [linkDeadline(this.#link), this.#peer?.deadline];
    if (linkDue !== undefined && now >= linkDue) this.#input({ kind: "woke" });
    if (peerDue !== undefined && now >= peerDue) this.step({ kind: "woke" });
    this.#schedule();
  }

  #moment(): Moment {
    return { instant: this.#ports.clock.now(), wall: this.#ports.wall() };
  }
}
