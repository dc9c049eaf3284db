/**
 * A client for the relay's tests: real sockets, the core's link machine, and nothing that makes it
 * behave.
 *
 * @module
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import type { KemKeyPair } from "@postern/core/crypto";
import {
  createIdentity,
  encodeRsaCertificate,
  fingerprintOf,
  type Identity,
} from "@postern/core/identity";
import {
  startClientLink,
  stepLink,
  type ClientFrame,
  type LinkEvent,
  type LinkInput,
  type LinkState,
  type LinkStep,
  type RelayFrame,
} from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import { chooseSuite } from "@postern/node";
import type { RunningRelay } from "../src/relay.ts";
import { within } from "./within.ts";

export const suite = chooseSuite();

export interface Port {
  readonly host: string;
  readonly port: number;
}

/** Leaves HTTP; the status when the relay says no. */
export async function upgrade(
  { host, port }: Port,
  path: string,
): Promise<{ socket: Socket; head: Buffer } | number> {
  const answer = Promise.withResolvers<{ socket: Socket; head: Buffer } | number>();
  const headers = { connection: "Upgrade", upgrade: "postern" };
  const sent = request({ host, port, path, headers, agent: false });
  sent.on("upgrade", (_response, stream, head) => {
    answer.resolve({ socket: stream, head });
  });
  sent.on("response", (response) => {
    response.resume();
    answer.resolve(response.statusCode ?? 0);
  });
  sent.on("error", (error) => answer.reject(error));
  sent.end();
  return await within(`an answer to ${path.slice(0, 6)}`, answer.promise);
}

export async function openPipe(relay: Port, ticket: Uint8Array): Promise<Socket> {
  const path = `/pipe/${Buffer.from(ticket).toString("base64url")}`;
  const upgraded = await upgrade(relay, path);
  if (typeof upgraded === "number") throw new Error(`refused with ${upgraded}`);
  upgraded.socket.allowHalfOpen = true;
  if (upgraded.head.length > 0) upgraded.socket.unshift(upgraded.head);
  return upgraded.socket;
}

/** A raw connection, for what no client sends. */
export async function rawConnection({ host, port }: Port): Promise<Socket> {
  const socket = connect({ host, port });
  socket.on("error", () => socket.destroy());
  const open = Promise.withResolvers<void>();
  socket.once("connect", () => open.resolve());
  socket.once("close", () => open.resolve());
  await within("a connection", open.promise);
  return socket;
}

export interface Person {
  readonly name: string;
  readonly identity: Identity;
  readonly linkKey: KemKeyPair;
}

export function person(name: string): Person {
  return { name, identity: createIdentity(suite), linkKey: suite.generateKem() };
}

/** One link of a client. */
export class TestLink {
  readonly who: Person;
  readonly socket: Socket;
  readonly events: LinkEvent[] = [];
  #state: LinkState | undefined;
  #taken = 0;
  #changed = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;

  private constructor(who: Person, socket: Socket) {
    this.who = who;
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.step({ kind: "received", bytes }));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.#isClosed = true;
      this.#closed.resolve();
      this.#announce();
    });
  }

  /** Starts the handshake and does not wait for its end. */
  static async start(relay: RunningRelay, who: Person): Promise<TestLink> {
    const upgraded = await upgrade(relay, "/link");
    if (typeof upgraded === "number") throw new Error(`refused with ${upgraded}`);
    const link = new TestLink(who, upgraded.socket);
    const { identity, linkKey, name } = who;
    const options = { identity, linkKey, name, pin: relay.fingerprint };
    link.#perform(startClientLink(suite, options, now()));
    return link;
  }

  static async connect(relay: RunningRelay, who: Person): Promise<TestLink> {
    const link = await TestLink.start(relay, who);
    await link.event("established");
    return link;
  }

  get fingerprint(): Uint8Array {
    return fingerprintOf(suite, this.who.identity.id);
  }

  get closed(): Promise<void> {
    return within(`${this.who.name}'s link to close`, this.#closed.promise);
  }

  get frames(): RelayFrame[] {
    return this.events.flatMap((event) =>
      event.kind === "frame" ? [event.frame as RelayFrame] : [],
    );
  }

  step(input: LinkInput): void {
    if (this.#state !== undefined) this.#perform(stepLink(this.#state, input, now()));
  }

  send(frame: ClientFrame): void {
    this.step({ kind: "send", frame });
  }

  /** Seals any bytes as frames, each its type and its body, and sends them in one piece. */
  sendSealed(...frames: readonly Uint8Array[]): void {
    const state = this.#state;
    if (state?.kind !== "established") return;
    this.socket.write(Buffer.concat(frames.map((frame) => state.channel.seal(frame))));
  }

  /** The next event of this kind that no call has returned before. */
  async event<K extends LinkEvent["kind"]>(kind: K): Promise<Extract<LinkEvent, { kind: K }>> {
    for (;;) {
      const next = this.events[this.#taken];
      if (next === undefined) {
        assert(!this.#isClosed, `closed while waiting for ${kind}`);
        await within(`${this.who.name} to be told ${kind}`, this.#changed.promise);
        continue;
      }
      this.#taken++;
      if (next.kind === kind) return next as Extract<LinkEvent, { kind: K }>;
    }
  }

  /** The next frame, which must be of this kind. */
  async frame<K extends RelayFrame["kind"]>(kind: K): Promise<Extract<RelayFrame, { kind: K }>> {
    const { frame } = await this.event("frame");
    assert.equal(frame.kind, kind);
    return frame as Extract<RelayFrame, { kind: K }>;
  }

  sendCertificate(spki: Uint8Array): void {
    const notAfter = (Date.now() + 86_400_000) as WallMs;
    const certificate = encodeRsaCertificate(suite, this.who.identity, spki, notAfter);
    this.send({ kind: "rsa-certificate", certificate });
  }

  close(): Promise<void> {
    this.socket.destroy();
    return this.closed;
  }

  #perform({ state, effects }: LinkStep): void {
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === "write") this.socket.write(effect.bytes);
      else if (effect.kind === "emit") this.events.push(effect.event);
      else this.socket.end();
    }
    this.#announce();
  }

  #announce(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

function now(): InstantMs {
  return performance.now() as InstantMs;
}
