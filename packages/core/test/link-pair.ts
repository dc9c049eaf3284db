/**
 * A client's and a relay's link machines side by side, and the wire between them in the test's
 * hands.
 *
 * @module
 */
import type { KemKeyPair, Suite } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import { createIdentity, relayFingerprint, type Identity } from "@postern/core/identity";
import {
  startClientLink,
  startRelayLink,
  stepLink,
  type LinkEvent,
  type LinkFrame,
  type LinkInput,
  type LinkRole,
  type LinkState,
  type LinkStep,
} from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";

export const RELAY_TIME = 1_800_000_000_000 as WallMs;

/** One machine, what it has emitted and what it has written and nobody has taken. */
export class End {
  state: LinkState;
  readonly events: LinkEvent[] = [];
  written: Uint8Array[] = [];
  closed = false;

  constructor(first: LinkStep) {
    this.state = first.state;
    this.#perform(first);
  }

  step(input: LinkInput, now: number): void {
    const step = stepLink(this.state, input, now as InstantMs);
    this.state = step.state;
    this.#perform(step);
  }

  /** Hands over a copy, which is spoilt afterwards: a machine must not keep views of it. */
  receive(bytes: Uint8Array, now: number): void {
    const copy = new Uint8Array(bytes);
    this.step({ kind: "received", bytes: copy }, now);
    copy.fill(0xee);
  }

  take(): Uint8Array[] {
    const written = this.written;
    this.written = [];
    return written;
  }

  get error(): PosternError | undefined {
    return this.state.kind === "failed" ? this.state.error : undefined;
  }

  get frames(): LinkFrame[] {
    return this.events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
  }

  #perform(step: LinkStep): void {
    for (const effect of step.effects) {
      if (effect.kind === "write") this.written.push(effect.bytes);
      else if (effect.kind === "emit") this.events.push(effect.event);
      else this.closed = true;
    }
  }
}

export interface PairOptions {
  readonly clientSuite: Suite;
  readonly relaySuite?: Suite;
  readonly identity?: Identity;
  readonly linkKey?: KemKeyPair;
  readonly staticKey?: KemKeyPair;
  /** The relay's right one when absent; `null` for none. */
  readonly pin?: Uint8Array | null;
  readonly now?: number;
}

export class LinkPair {
  readonly client: End;
  readonly relay: End;
  readonly identity: Identity;
  readonly relayKeyFingerprint: Uint8Array;
  now: InstantMs;

  constructor(options: PairOptions) {
    const { clientSuite, relaySuite = clientSuite } = options;
    this.now = (options.now ?? 0) as InstantMs;
    this.identity = options.identity ?? createIdentity(clientSuite);
    const linkKey = options.linkKey ?? clientSuite.generateKem();
    const staticKey = options.staticKey ?? relaySuite.generateKem();
    this.relayKeyFingerprint = relayFingerprint(relaySuite, staticKey.publicKey);
    const pin = options.pin === undefined ? this.relayKeyFingerprint : (options.pin ?? undefined);
    const client = { identity: this.identity, linkKey, name: "alice", pin };
    this.client = new End(startClientLink(clientSuite, client, this.now));
    this.relay = new End(startRelayLink(relaySuite, { staticKey, time: RELAY_TIME }, this.now));
  }

  /** Carries the next write of one side over, changed by `alter`. */
  carry(from: LinkRole, alter: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): Uint8Array {
    const [sender, receiver] =
      from === "client" ? [this.client, this.relay] : [this.relay, this.client];
    const bytes = sender.written.shift();
    if (bytes === undefined) throw new Error(`the ${from} has written nothing`);
    receiver.receive(alter(bytes), this.now);
    return bytes;
  }

  /** m1 to m3: the relay waits for the decision. */
  login(): this {
    this.carry("client");
    this.carry("relay");
    this.carry("client");
    return this;
  }

  welcome(): this {
    this.relay.step({ kind: "decide", status: "welcome", retryAfterMs: 0 }, this.now);
    return this;
  }

  /** The whole handshake. */
  establish(): this {
    this.login().welcome().carry("relay");
    return this;
  }
}
