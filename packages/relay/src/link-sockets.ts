/**
 * All links of a relay by their ids; what they say goes to the switchboard (docs/protocol.md 5, 6).
 *
 * @module
 */
import type { Socket } from "node:net";
import { hex } from "@postern/core/bytes";
import { formatFingerprint } from "@postern/core/identity";
import { isClientFrame, type LinkEvent, type LinkInput } from "@postern/core/link";
import { RETRY_AFTER_MS } from "@postern/core/limits";
import { earlier, type InstantMs } from "@postern/core/time";
import type { Suite } from "@postern/core/crypto";
import type { RelayClock } from "./clock.ts";
import type { HandshakeSlots } from "./handshake-slots.ts";
import { SWITCHING } from "./http-door.ts";
import { LinkSocket, type LinkSocketPorts } from "./link-socket.ts";
import type { RelayLogger } from "./log.ts";
import type { RelayStore } from "./relay-store.ts";
import type { LinkId, SwitchboardEffect, SwitchboardInput } from "./switchboard-io.ts";
import type { Wheel } from "./wheel.ts";

export interface LinkSocketsPorts {
  readonly suite: Suite;
  readonly store: Pick<RelayStore, "staticKey">;
  readonly clock: RelayClock;
  readonly wheel: Wheel;
  readonly log: RelayLogger;
  readonly slots: HandshakeSlots;
  readonly input: (input: SwitchboardInput) => void;
}

const ID_BYTES = 4;

export class LinkSockets {
  readonly #ports: LinkSocketsPorts;
  readonly #byId = new Map<LinkId, LinkSocket>();
  /** Those that are only flushing too. */
  readonly #open = new Set<LinkSocket>();
  /** Those with frames that may go in a moment; one timer serves them all. */
  readonly #waiting = new Set<LinkSocket>();
  readonly #linkPorts: LinkSocketPorts;

  constructor(ports: LinkSocketsPorts) {
    this.#ports = ports;
    this.#linkPorts = {
      ...ports,
      onWaiting: (link, due) => this.#sendAt(link, due),
      onEvent: (link, event) => this.#hear(link, event),
      onGone: (link, reason) => this.#lose(link, reason),
      onClosed: (link) => this.#open.delete(link),
    };
  }

  /** Answers an upgrade and starts the handshake. */
  adopt(socket: Socket, head: Uint8Array): void {
    const { store, clock, log, slots } = this.#ports;
    const options = { staticKey: store.staticKey, time: clock.wall() };
    const link = new LinkSocket(this.#newId(), { socket, head, options }, this.#linkPorts);
    slots.move(socket, link.socket);
    link.socket.write(SWITCHING);
    this.#byId.set(link.id, link);
    this.#open.add(link);
    log.debug({ link: link.id }, "handshake started");
  }

  send({ link, frame, canWait }: Extract<SwitchboardEffect, { kind: "send" }>): void {
    const socket = this.#byId.get(link);
    if (canWait === true) socket?.sendLater(frame);
    else socket?.send(frame);
  }

  decide(input: Extract<LinkInput, { kind: "decide" }> & { readonly link: LinkId }): void {
    const { link, status, retryAfterMs } = input;
    this.#byId.get(link)?.decide({ kind: "decide", status, retryAfterMs });
    if (status !== "welcome") this.#ports.log.info({ link, status }, "login refused");
  }

  close(id: LinkId, reason: string): void {
    this.#byId.get(id)?.close(reason);
  }

  isCongested(id: LinkId): boolean {
    return this.#byId.get(id)?.isCongested === true;
  }

  /** Tells everyone to come back, and ends all links. */
  closeAll(): void {
    const notice = { kind: "notice", notice: "restarting", afterMs: RETRY_AFTER_MS } as const;
    for (const link of this.#byId.values()) link.send(notice);
    for (const link of this.#byId.values()) link.close("relay closing");
  }

  destroyAll(): void {
    for (const link of this.#open) link.socket.destroy();
  }

  #sendAt(link: LinkSocket, due: InstantMs): void {
    if (this.#waiting.size === 0) this.#ports.clock.wakeAt(due, () => this.#sendDue());
    this.#waiting.add(link);
  }

  /** Only what no other frame took along: on a busy link that is nothing. */
  #sendDue(): void {
    const now = this.#ports.clock.now();
    let next: InstantMs | undefined;
    for (const link of this.#waiting) {
      const due = link.waitingDue;
      if (due !== undefined && due <= now) link.sendWaiting();
      if (link.waitingDue === undefined) this.#waiting.delete(link);
      else next = earlier(next, link.waitingDue);
    }
    if (next !== undefined) this.#ports.clock.wakeAt(next, () => this.#sendDue());
  }

  #hear(link: LinkSocket, event: LinkEvent): void {
    const { input, log, slots } = this.#ports;
    const { id } = link;
    switch (event.kind) {
      case "login":
        log.debug({ link: id, fingerprint: formatFingerprint(event.fingerprint) }, "login");
        return input({ ...event, link: id, address: link.network });
      case "established":
        slots.release(link.socket);
        log.info({ link: id }, "link established");
        return input({ kind: "established", link: id });
      case "frame":
        if (isClientFrame(event.frame)) input({ kind: "frame", link: id, frame: event.frame });
        return;
      default:
        return;
    }
  }

  #lose(link: LinkSocket, reason: string): void {
    const { input, log } = this.#ports;
    this.#byId.delete(link.id);
    log.info({ link: link.id, reason }, "link ended");
    input({ kind: "gone", link: link.id });
  }

  #newId(): LinkId {
    for (;;) {
      const id = hex(this.#ports.suite.random(ID_BYTES));
      if (!this.#byId.has(id)) return id;
    }
  }
}
