/**
 * One link of a simulated client, from connecting to its end: the real link machine over a
 * simulated connection, and the real peer machine over the link.
 *
 * Invariant: what one step has sealed is written before its events can make anything else be
 * sealed: the relay opens frames in the order of their sealing.
 *
 * @module
 */
import type { KemKeyPair, Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Identity } from "@postern/core/identity";
import {
  linkDeadline,
  startClientLink,
  stepLink,
  type LinkEvent,
  type LinkFrame,
  type LinkInput,
  type LinkState,
  type LinkStep,
  type RelayFrame,
} from "@postern/core/link";
import {
  Peer,
  type PeerAdmission,
  type PeerEffect,
  type PeerInput,
  type SeenTransfers,
} from "@postern/core/peer";
import { earlier, type InstantMs } from "@postern/core/time";
import type { Moment } from "@postern/core/transfer";
import type { End } from "./network.ts";
import { checkLinkEvent, type ChangedBytes } from "./changed-bytes.ts";

export interface ClientSelf {
  readonly name: string;
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
  readonly pin: Uint8Array;
}

export interface ClientLinkPorts {
  readonly suite: Suite;
  readonly changed: ChangedBytes;
  /** Offers of this life of the client. */
  readonly seen: SeenTransfers;
  admits(fingerprint: Uint8Array): PeerAdmission;
  moment(): Moment;
  /** Runs in this life of the client alone; the result cancels it. */
  later(delayMs: number, run: () => void): () => void;
  /** Input from the network: a crash in it unwinds to here. */
  guard(run: () => void): void;
  onUp(link: ClientLink): void;
  onEffect(link: ClientLink, effect: Exclude<PeerEffect, { kind: "frame" }>): void;
  onRelayKey(link: ClientLink, spki: Uint8Array): void;
  /** Before each frame that the peer machine sends: the place where a crash hurts. */
  beforeFrame(frame: LinkFrame): void;
  /** Once: every transfer has been told. */
  onLost(link: ClientLink, error: PosternError): void;
}

export class ClientLink {
  readonly #ports: ClientLinkPorts;
  readonly #end: End;
  readonly #self: ClientSelf;
  #state: LinkState;
  #peer: Peer | undefined;
  #isOver = false;
  #wake: { readonly at: InstantMs; readonly cancel: () => void } | undefined;

  constructor(self: ClientSelf, end: End, ports: ClientLinkPorts) {
    this.#ports = ports;
    this.#end = end;
    this.#self = self;
    end.handlers = {
      onBytes: (bytes, changed) => {
        if (changed) ports.changed.arrived(this);
        ports.guard(() => this.#input({ kind: "received", bytes }));
      },
      onEnd: () => ports.guard(() => this.#lose(closed())),
      onCut: () => ports.guard(() => this.#lose(closed())),
    };
    const first = startClientLink(ports.suite, self, ports.moment().instant);
    this.#state = first.state;
    this.#perform(first);
  }

  get isUp(): boolean {
    return this.#peer !== undefined && !this.#isOver;
  }

  /** The peer machine has nothing left to wait for. */
  get isIdle(): boolean {
    return this.#peer?.deadline === undefined;
  }

  step(input: PeerInput): void {
    if (this.#peer === undefined || this.#isOver) return;
    this.#performPeer(this.#peer.step(input, this.#ports.moment()));
    this.#schedule();
  }

  send(frame: LinkFrame): void {
    this.#input({ kind: "send", frame });
  }

  /** The client crashed: nobody is told anything. */
  drop(silently: boolean): void {
    this.#isOver = true;
    if (silently) this.#end.vanish();
    else this.#end.destroy();
  }

  #input(input: LinkInput): void {
    if (this.#isOver) return;
    const step = stepLink(this.#state, input, this.#ports.moment().instant);
    this.#state = step.state;
    this.#perform(step);
  }

  #perform({ effects }: LinkStep): void {
    for (const effect of effects) if (effect.kind === "write") this.#end.write(effect.bytes);
    for (const effect of effects) if (effect.kind === "emit") this.#event(effect.event);
    this.#schedule();
  }

  #event(event: LinkEvent): void {
    checkLinkEvent(this.#ports.changed, this, event);
    if (event.kind === "frame") this.#frame(event.frame);
    else if (event.kind === "failed") this.#lose(event.error);
    else if (event.kind === "established" && event.relay !== undefined) {
      const { id, fingerprint } = this.#self.identity;
      const relayFingerprint = event.relay.fingerprint;
      const { suite, seen } = this.#ports;
      const admits = (from: Uint8Array): PeerAdmission => this.#ports.admits(from);
      this.#peer = new Peer({ suite, self: { id, fingerprint }, relayFingerprint, seen, admits });
      this.#ports.onUp(this);
    }
  }

  #frame(frame: LinkFrame): void {
    if (frame.kind === "rsa-key") return this.#ports.onRelayKey(this, frame.spki);
    if (frame.kind === "notice" && frame.notice === "superseded")
      return this.#lose(new PosternError("link/superseded", "another link took over"));
    this.step({ kind: "frame", frame: frame as RelayFrame });
  }

  #performPeer(effects: readonly PeerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "frame") {
        this.#ports.onEffect(this, effect);
        continue;
      }
      this.#ports.beforeFrame(effect.frame);
      this.send(effect.frame);
    }
  }

  #lose(error: PosternError): void {
    if (this.#isOver) return;
    const effects = this.#peer?.step({ kind: "link-lost", error }, this.#ports.moment()) ?? [];
    // Frames of a lost link go nowhere.
    for (const effect of effects) if (effect.kind !== "frame") this.#ports.onEffect(this, effect);
    this.#isOver = true;
    this.#end.destroy();
    this.#ports.onLost(this, error);
  }

  #schedule(): void {
    const due = this.#isOver ? undefined : earlier(linkDeadline(this.#state), this.#peer?.deadline);
    if (due === this.#wake?.at) return;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (due === undefined) return;
    const cancel = this.#ports.later(due - this.#ports.moment().instant, () => {
      this.#wake = undefined;
      this.#input({ kind: "woke" });
      this.step({ kind: "woke" });
      this.#schedule();
    });
    this.#wake = { at: due, cancel };
  }
}

function closed(): PosternError {
  return new PosternError("link/closed", "the connection has ended");
}
