/**
 * The relay's end of one link in memory: the real link machine of `@postern/core`.
 *
 * @module
 */
import {
  isClientFrame,
  linkDeadline,
  startRelayLink,
  stepLink,
  type LinkEvent,
  type LinkInput,
  type LinkState,
  type LoginStatus,
  type RelayFrame,
} from "@postern/core/link";
import type { LinkSocket, LinkSocketEvents } from "@postern/client";
import { nativeSuite as suite } from "@postern/node";
import type { LyingRelay } from "./lying-relay.ts";

export class RelayEnd {
  readonly link: string;
  /** Empty until a login was welcome. */
  name = "";
  readonly socket: LinkSocket;
  readonly #relay: LyingRelay;
  readonly #client: LinkSocketEvents;
  #state: LinkState;
  #asked = "";
  #isOver = false;
  #cancelWake: () => void = () => undefined;

  constructor(link: string, relay: LyingRelay, client: LinkSocketEvents) {
    this.link = link;
    this.#relay = relay;
    this.#client = client;
    const { staticKey, clock } = relay;
    this.#state = startRelayLink(suite, { staticKey, time: relay.wall() }, clock.now()).state;
    this.socket = {
      write: (bytes) => {
        const copy = bytes.slice();
        queueMicrotask(() => this.#step({ kind: "received", bytes: copy }));
      },
      soon: queueMicrotask,
      close: () => queueMicrotask(() => this.#end()),
    };
    this.#schedule();
  }

  decide(status: LoginStatus, retryAfterMs: number): void {
    if (this.#state.kind !== "expect-decision") return;
    if (status === "welcome") this.name = this.#asked;
    this.#step({ kind: "decide", status, retryAfterMs });
  }

  send(frame: RelayFrame): void {
    if (this.#state.kind === "established") this.#step({ kind: "send", frame });
  }

  /** Ends it after what was written. */
  close(): void {
    if (this.#isOver) return;
    this.#step({ kind: "close" });
    this.destroy();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#end();
    queueMicrotask(() => this.#client.onClose(undefined));
  }

  #step(input: LinkInput): void {
    if (this.#isOver) return;
    const { state, effects } = stepLink(this.#state, input, this.#relay.clock.now());
    this.#state = state;
    for (const effect of effects)
      if (effect.kind === "write") queueMicrotask(() => this.#client.onBytes(effect.bytes));
    for (const effect of effects) {
      if (effect.kind === "emit") this.#event(effect.event);
      if (effect.kind === "close") this.destroy();
    }
    this.#schedule();
  }

  #event(event: LinkEvent): void {
    const { link } = this;
    if (event.kind === "login") {
      this.#asked = event.name;
      this.#relay.input({ ...event, link });
    }
    if (event.kind === "established") this.#relay.input({ kind: "established", link });
    if (event.kind === "frame" && isClientFrame(event.frame))
      this.#relay.received(this, event.frame);
    if (event.kind === "failed") this.destroy();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelWake();
    this.#relay.gone(this);
  }

  #schedule(): void {
    this.#cancelWake();
    const due = this.#isOver ? undefined : linkDeadline(this.#state);
    if (due === undefined) return;
    const { clock } = this.#relay;
    this.#cancelWake = clock.after(due - clock.now(), () => this.#step({ kind: "woke" }));
  }
}
