/**
 * The sockets of all pipes: ends that wait for their other one, and pairs that are copied
 * (docs/protocol.md 4, 6). Who belongs with whom is the switchboard's to say.
 *
 * @module
 */
import type { Socket } from "node:net";
import { PIPE_IDLE_MS } from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import type { RelayClock } from "./clock.ts";
import { refuse, SWITCHING } from "./http-door.ts";
import type { RelayLogger } from "./log.ts";
import { joinEnds, PipeEnd, type PipeWatcher } from "./pipe-end.ts";
import type { EndId, PipeId } from "./pipes.ts";
import type { SwitchboardInput } from "./switchboard-io.ts";
import type { Timed, Wheel } from "./wheel.ts";

export interface PipeSocketsPorts {
  readonly clock: RelayClock;
  readonly wheel: Wheel;
  readonly log: RelayLogger;
  /** Tells the switchboard who came, left and ended; it answers through the methods below. */
  readonly input: (input: SwitchboardInput) => void;
}

interface Offer {
  readonly socket: Socket;
  readonly head: Uint8Array;
}

export class PipeSockets {
  readonly #ports: PipeSocketsPorts;
  readonly #offers = new Map<EndId, Offer>();
  readonly #waiting = new Map<EndId, PipeEnd>();
  readonly #joined = new Set<JoinedPipe>();
  #next = 1;
  #empty: PromiseWithResolvers<void> | undefined;

  constructor(ports: PipeSocketsPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#waiting.size + this.#joined.size;
  }

  offer(socket: Socket, head: Uint8Array, ticket: Uint8Array): void {
    const id = String(this.#next++);
    this.#offers.set(id, { socket, head });
    this.#ports.input({ kind: "pipe-arrived", end: id, ticket });
  }

  refuse(id: EndId): void {
    const offer = this.#offers.get(id);
    this.#offers.delete(id);
    if (offer !== undefined) refuse(offer.socket, 404);
  }

  accept(id: EndId): void {
    const offer = this.#offers.get(id);
    this.#offers.delete(id);
    if (offer === undefined) return;
    const onClosed = (): void => {
      if (this.#waiting.delete(id)) this.#ports.input({ kind: "pipe-left", end: id });
    };
    const end = new PipeEnd(id, offer.socket, offer.head, { onMoved: () => undefined, onClosed });
    this.#waiting.set(id, end);
    end.socket.write(SWITCHING);
  }

  join(pipe: PipeId, [first, second]: readonly [EndId, EndId]): void {
    const [a, b] = [this.#waiting.get(first), this.#waiting.get(second)];
    this.#waiting.delete(first);
    this.#waiting.delete(second);
    if (a === undefined || b === undefined || a.isClosed || b.isClosed) {
      a?.destroy();
      b?.destroy();
      this.#ports.input({ kind: "pipe-ended", pipe });
      return;
    }
    const { clock, wheel, log, input } = this.#ports;
    const joined = new JoinedPipe(a, b, clock, (reason) => {
      wheel.forget(joined);
      this.#joined.delete(joined);
      log.info({ pipe, bytes: a.bytes + b.bytes, reason }, "pipe ended");
      input({ kind: "pipe-ended", pipe });
      if (this.#joined.size === 0) this.#empty?.resolve();
    });
    this.#joined.add(joined);
    wheel.schedule(joined);
    log.info({ pipe }, "pipe joined");
  }

  /** The other end did not come in time. */
  drop(id: EndId): void {
    const end = this.#waiting.get(id);
    this.#waiting.delete(id);
    end?.destroy();
  }

  /** Resolves when every pipe has ended. */
  closeAll(): Promise<void> {
    for (const { socket } of this.#offers.values()) socket.destroy();
    for (const end of this.#waiting.values()) end.destroy();
    for (const pipe of this.#joined) pipe.destroy();
    if (this.#joined.size > 0) this.#empty = Promise.withResolvers();
    return this.#empty?.promise ?? Promise.resolve();
  }
}

class JoinedPipe implements Timed, PipeWatcher {
  readonly #a: PipeEnd;
  readonly #b: PipeEnd;
  readonly #clock: RelayClock;
  readonly #onEnded: (reason: string) => void;
  #moved: InstantMs;
  #reason: string | undefined;

  constructor(a: PipeEnd, b: PipeEnd, clock: RelayClock, onEnded: (reason: string) => void) {
    this.#a = a;
    this.#b = b;
    this.#clock = clock;
    this.#onEnded = onEnded;
    this.#moved = clock.now();
    joinEnds(a, b, this);
  }

  deadline(): InstantMs | undefined {
    return this.#reason === undefined ? after(this.#moved, PIPE_IDLE_MS) : undefined;
  }

  wake(): void {
    this.destroy("idle");
  }

  destroy(reason = "relay closing"): void {
    this.#reason ??= reason;
    this.#a.destroy();
    this.#b.destroy();
  }

  onMoved(): void {
    this.#moved = this.#clock.now();
  }

  onClosed(end: PipeEnd, error: Error | undefined): void {
    // Without both ends said, the close is a cut, and the other side must see one too.
    if (!end.isFinished || error !== undefined) this.destroy("cut");
    if (this.#a.isClosed && this.#b.isClosed) this.#onEnded(this.#reason ?? "finished");
  }
}
