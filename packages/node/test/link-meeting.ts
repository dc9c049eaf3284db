/**
 * A client's and a relay's link machines that talk over a wire in memory.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import { createIdentity } from "@postern/core/identity";
import {
  startClientLink,
  startRelayLink,
  stepLink,
  type LinkFrame,
  type LinkInput,
  type LinkRole,
  type LinkState,
  type LinkStep,
} from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";

const NOW = 0 as InstantMs;

/** What an attacker makes of the handshake message `number` (0 is m1). */
export type Alter = (bytes: Uint8Array, number: number) => Uint8Array;

/** Runs the handshake until neither side has anything to say; the relay welcomes every login. */
export function meet(
  clientSuite: Suite,
  relaySuite: Suite,
  alter: Alter = (bytes) => bytes,
): Meeting {
  return new Meeting(clientSuite, relaySuite, alter);
}

export class Meeting {
  client: LinkState;
  relay: LinkState;
  readonly frames: Record<LinkRole, LinkFrame[]> = { client: [], relay: [] };
  readonly errors: PosternError[] = [];
  readonly #alter: Alter;
  #carried = 0;

  constructor(clientSuite: Suite, relaySuite: Suite, alter: Alter) {
    this.#alter = alter;
    const identity = createIdentity(clientSuite);
    const linkKey = clientSuite.generateKem();
    const options = { identity, linkKey, name: "alice", pin: undefined };
    const relayOptions = { staticKey: relaySuite.generateKem(), time: 0 as WallMs };
    this.relay = startRelayLink(relaySuite, relayOptions, NOW).state;
    const first = startClientLink(clientSuite, options, NOW);
    this.client = first.state;
    this.#perform("client", first);
  }

  send(from: LinkRole, frame: LinkFrame): void {
    this.#step(from, { kind: "send", frame });
  }

  #step(role: LinkRole, input: LinkInput): void {
    const step = stepLink(this[role], input, NOW);
    this[role] = step.state;
    this.#perform(role, step);
  }

  #perform(role: LinkRole, step: LinkStep): void {
    const peer = role === "client" ? "relay" : "client";
    for (const effect of step.effects) {
      if (effect.kind === "write") {
        const bytes = this.#alter(effect.bytes, this.#carried++);
        this.#step(peer, { kind: "received", bytes });
      } else if (effect.kind === "emit") {
        const { event } = effect;
        if (event.kind === "frame") this.frames[role].push(event.frame);
        if (event.kind === "failed") this.errors.push(event.error);
        if (event.kind === "login")
          this.#step(role, { kind: "decide", status: "welcome", retryAfterMs: 0 });
      }
    }
  }
}
