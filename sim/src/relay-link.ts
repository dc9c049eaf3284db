/**
 * The relay's end of one simulated link: the real link machine. What one step has sealed is
 * written before its events can make the relay seal more for this link.
 *
 * @module
 */
import {
  isClientFrame,
  linkDeadline,
  startRelayLink,
  stepLink,
  type ClientFrame,
  type LinkEvent,
  type LinkInput,
  type LinkState,
  type LoginStatus,
  type RelayFrame,
} from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { checkLinkEvent } from "./changed-bytes.ts";
import type { End } from "./network.ts";
import type { RelayDriver } from "./relay-driver.ts";

/** Whose link it is, as it has proved. */
export interface Caller {
  /** 35 bytes. */
  readonly id: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly name: string;
}

export class RelayLink {
  readonly #id: string;
  readonly #end: End;
  readonly #relay: RelayDriver;
  #state: LinkState;
  #isOver = false;
  #presences = 0;
  #who: Caller | undefined;
  #wake: { readonly at: InstantMs; readonly cancel: () => void } | undefined;

  constructor(id: string, end: End, relay: RelayDriver) {
    const { world, suite, changed } = relay.ports;
    const { staticKey } = relay.store;
    this.#id = id;
    this.#end = end;
    this.#relay = relay;
    this.#state = startRelayLink(suite, { staticKey, time: world.wall() }, world.now()).state;
    end.handlers = {
      onBytes: (bytes, isChanged) => {
        if (isChanged) changed.arrived(this);
        this.#step({ kind: "received", bytes });
      },
      onEnd: () => this.close(),
      onCut: () => this.close(),
    };
    this.#schedule();
  }

  decide(status: LoginStatus, retryAfterMs: number): void {
    if (this.#state.kind === "expect-decision")
      this.#step({ kind: "decide", status, retryAfterMs });
  }

  /** Set once it is established. */
  get who(): Caller | undefined {
    return this.#state.kind === "established" ? this.#who : undefined;
  }

  send(frame: RelayFrame): void {
    if (this.#state.kind !== "established" || this.#who === undefined) return;
    const { malice } = this.#relay.ports;
    if (frame.kind === "delivery") malice.deliver(this.#who, frame);
    else this.write(frame.kind === "package" ? malice.exchange(frame) : frame);
  }

  /** As it is, or as the weather makes it. */
  write(frame: RelayFrame): void {
    if (this.#state.kind === "established") this.#step({ kind: "send", frame: this.#pass(frame) });
  }

  /** Ends it after what was written. */
  close(): void {
    if (this.#isOver) return;
    this.#step({ kind: "close" });
    this.#finish();
  }

  /** The relay is going down. */
  destroy(): void {
    this.#isOver = true;
    this.#end.destroy();
  }

  #step(input: LinkInput): void {
    if (this.#isOver) return;
    const { state, effects } = stepLink(this.#state, input, this.#relay.ports.world.now());
    this.#state = state;
    for (const effect of effects) if (effect.kind === "write") this.#end.write(effect.bytes);
    for (const effect of effects) {
      if (effect.kind === "emit") this.#event(effect.event);
      if (effect.kind === "close") this.#finish();
    }
    this.#schedule();
  }

  #event(event: LinkEvent): void {
    checkLinkEvent(this.#relay.ports.changed, this, event);
    const link = this.#id;
    if (event.kind === "login") {
      this.#who = event;
      this.#relay.input({ ...event, link });
    }
    if (event.kind === "established") this.#relay.input({ kind: "established", link });
    if (event.kind === "frame" && isClientFrame(event.frame)) this.#frame(event.frame);
  }

  #frame(frame: ClientFrame): void {
    const { flaw, secrecy } = this.#relay.ports;
    const isLost = frame.kind === "presence" && frame.free > 0 && this.#presences++ > 0;
    if (isLost && flaw === "relay-loses-presence") return;
    if (frame.kind === "envelope") secrecy.passes(frame.body);
    this.#relay.input({ kind: "frame", link: this.#id, frame });
  }

  /** What the relay hands on: a hostile one changes it. */
  #pass(frame: RelayFrame): RelayFrame {
    const { weather, world } = this.#relay.ports;
    if (frame.kind !== "delivery" || !weather.tampers()) return frame;
    const body = frame.body.slice();
    const at = world.prng.below(body.length);
    body[at]! ^= 1 << world.prng.below(8);
    world.note(`relay changes byte ${at} of an envelope of ${body.length}`);
    return { ...frame, body };
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#schedule();
    this.#end.destroy();
    this.#relay.gone(this.#id);
  }

  #schedule(): void {
    const due = this.#isOver ? undefined : linkDeadline(this.#state);
    if (due === this.#wake?.at) return;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (due === undefined) return;
    const cancel = this.#relay.later(due - this.#relay.ports.world.now(), () => {
      this.#wake = undefined;
      this.#step({ kind: "woke" });
    });
    this.#wake = { at: due, cancel };
  }
}
