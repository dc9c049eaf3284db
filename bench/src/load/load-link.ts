/**
 * A client's link over a bare socket: the real handshake and real frames (docs/protocol.md 4, 5),
 * and none of a client's other work.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

import type { KemKeyPair, Suite } from "@postern/core/crypto";
import type { Identity, RelayAddress } from "@postern/core/identity";
import {
  encodeLinkFrame,
  linkDeadline,
  startClientLink,
  stepLink,
  type ClientFrame,
  type LinkState,
  type LinkStep,
} from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";

export interface LoadClient {
  readonly suite: Suite;
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
  readonly name: string;
}

const END_OF_HEADERS = "\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 ";

export class LoadLink {
  readonly socket: Socket;
  readonly #established = Promise.withResolvers<void>();
  #state: LinkState;
  /** Everything after login goes there, still sealed. */
  #onSealed: ((bytes: Uint8Array) => void) | undefined;

  private constructor(socket: Socket, first: LinkStep) {
    this.socket = socket;
    this.#state = first.state;
    // Behind the handshake a cut shows as missing answers.
    this.#established.promise.catch(() => undefined);
    socket.on("error", (error) => this.#established.reject(error));
    socket.on("close", () => this.#established.reject(new Error("the relay closed the link")));
  }

  /** @throws what the relay or the network had against it. */
  static async open(relay: RelayAddress, client: LoadClient): Promise<LoadLink> {
    const { host, port, fingerprint } = relay;
    const { suite, identity, linkKey, name } = client;
    const socket = connect({ host, port, noDelay: true });
    const options = { identity, linkKey, name, pin: fingerprint };
    const first = startClientLink(suite, options, now());
    const link = new LoadLink(socket, first);
    socket.write(
      `GET /link HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: postern${END_OF_HEADERS}`,
    );
    link.#readAnswer(first);
    await link.#established.promise;
    return link;
  }

  /** From now on frames are neither opened nor answered: for a load that ends soon. */
  takeSealed(onSealed: (bytes: Uint8Array) => void): void {
    this.#onSealed = onSealed;
  }

  /** Seals a frame and does not send it; whoever seals sends everything in that order. */
  seal(frame: ClientFrame): Uint8Array {
    if (this.#state.kind !== "established") throw new Error(`the link is ${this.#state.kind}`);
    return this.#state.channel.seal(encodeLinkFrame(frame));
  }

  /** Pings when it is time, so that the relay does not take it for dead. */
  wake(): void {
    const due = linkDeadline(this.#state);
    if (due !== undefined && now() >= due)
      this.#perform(stepLink(this.#state, { kind: "woke" }, now()));
  }

  get isOpen(): boolean {
    return this.#state.kind === "established" && !this.socket.destroyed;
  }

  async close(): Promise<void> {
    if (this.socket.closed) return;
    const closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.destroySoon();
    await closed;
  }

  #readAnswer(first: LinkStep): void {
    let answer = Buffer.alloc(0);
    const onData = (bytes: Buffer): void => {
      answer = Buffer.concat([answer, bytes]);
      const end = answer.indexOf(END_OF_HEADERS);
      if (end < 0) return;
      this.socket.off("data", onData);
      const head = answer.subarray(0, end).toString("latin1");
      if (!head.startsWith(SWITCHING)) {
        this.#established.reject(new Error(`the relay answered ${head.split("\r\n")[0]}`));
        this.socket.destroy();
        return;
      }
      this.socket.on("data", (next: Buffer) => this.#receive(next));
      this.#perform(first);
      const rest = answer.subarray(end + END_OF_HEADERS.length);
      if (rest.length > 0) this.#receive(rest);
    };
    this.socket.on("data", onData);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#onSealed === undefined)
      this.#perform(stepLink(this.#state, { kind: "received", bytes }, now()));
    else this.#onSealed(bytes);
  }

  #perform({ state, effects }: LinkStep): void {
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === "write") this.socket.write(effect.bytes);
      else if (effect.kind === "close") this.socket.destroySoon();
      else if (effect.event.kind === "established") this.#established.resolve();
      else if (effect.event.kind === "failed") this.#established.reject(effect.event.error);
    }
  }
}

function now(): InstantMs {
  return performance.now() as InstantMs;
}
