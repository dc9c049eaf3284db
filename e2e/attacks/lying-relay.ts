/**
 * A relay that lies: the real switchboard and the real link machine over memory, and hooks between
 * them. What a hostile operator can do, a test does here; what protects the clients is their own.
 *
 * Invariant: without a hook it is an honest relay.
 *
 * @module
 */
import { concat, hex } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import { PosternError, unreachable } from "@postern/core/errors";
import { relayFingerprint } from "@postern/core/identity";
import type { ClientFrame, RelayFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import type { ClientPorts } from "@postern/client";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import {
  createSwitchboard,
  memoryNames,
  memoryPackages,
  stepSwitchboard,
  switchboardDeadline,
  type Switchboard,
  type SwitchboardEffect,
  type SwitchboardInput,
} from "@postern/relay";
import { RelayEnd } from "./relay-end.ts";
import { RelayPipes } from "./relay-pipes.ts";
import type { TurnedClock } from "./turned-clock.ts";

type Transport = ClientPorts["transport"];
type Prove = Extract<SwitchboardEffect, { kind: "prove" }>;
type Rewrap = Extract<SwitchboardEffect, { kind: "rewrap" }>;
type ProofAnswer = Extract<SwitchboardInput, { kind: "proved" }>["answer"];

export class LyingRelay {
  readonly clock: TurnedClock;
  readonly staticKey = suite.generateKem();
  readonly fingerprint: Uint8Array;
  readonly pipes: RelayPipes;
  /** Its wall clock runs ahead of the tests' by this. */
  skewMs = 0;
  /** What the switchboard hears instead of a client's frame. */
  onFrame: (from: string, frame: ClientFrame) => readonly ClientFrame[] = (_from, frame) => [frame];
  /** What a client hears instead of the switchboard's frame. */
  onAnswer: (to: string, frame: RelayFrame) => readonly RelayFrame[] = (_to, frame) => [frame];
  /** Every frame on every link, as the clients see them. */
  readonly heard: { readonly from: string; readonly frame: ClientFrame }[] = [];
  readonly said: { readonly to: string; readonly frame: RelayFrame }[] = [];
  /** What RSA has opened at this relay. */
  readonly opened: Uint8Array[] = [];
  readonly #key: RsaKeyPair;
  readonly #board: Switchboard;
  readonly #links = new Map<string, RelayEnd>();
  readonly #inputs: SwitchboardInput[] = [];
  #numbers = 0;
  #cancelWake: () => void = () => undefined;

  constructor(clock: TurnedClock, key: RsaKeyPair) {
    this.clock = clock;
    this.#key = key;
    this.fingerprint = relayFingerprint(suite, this.staticKey.publicKey);
    this.pipes = new RelayPipes((input) => this.input(input));
    this.#board = createSwitchboard({
      suite,
      names: memoryNames(),
      packages: memoryPackages(),
      relayFingerprint: this.fingerprint,
      congested: () => false,
    });
    this.input({ kind: "relay-key", spki: key.spki });
  }

  get spki(): Uint8Array {
    return this.#key.spki;
  }

  readonly transport: Transport = {
    openLink: async (_address, events) => {
      const link = `link ${++this.#numbers}`;
      const end = new RelayEnd(link, this, events);
      this.#links.set(link, end);
      return end.socket;
    },
    openPipe: async (_address, ticket) => {
      const pipe = this.pipes.open(ticket);
      if (pipe === undefined) throw new PosternError("transfer/pipe-lost", "no such ticket");
      return pipe;
    },
  };

  wall(): WallMs {
    return wallOf(this.clock, this.skewMs);
  }

  /** Says something to a client that the switchboard knows nothing of. */
  say(to: string, frame: RelayFrame): void {
    this.#linkOf(to).send(frame);
  }

  /** Lets the switchboard hear something that its client never sent. */
  hear(from: string, frame: ClientFrame): void {
    this.input({ kind: "frame", link: this.#linkOf(from).link, frame });
  }

  /** Cuts a client's link without a word. */
  cut(name: string): void {
    this.#linkOf(name).destroy();
  }

  isConnected(name: string): boolean {
    return [...this.#links.values()].some((end) => end.name === name);
  }

  /** Names of the listed receivers. */
  listed(): string[] {
    return this.#board.directory.page("").receivers.map(({ name }) => name);
  }

  /** Lists receivers that nobody plays: `crowd-0001` and on. */
  crowd(count: number): void {
    for (let number = 1; number <= count; number++) {
      const name = `crowd-${String(number).padStart(4, "0")}`;
      const id = concat(Uint8Array.of(1, 0, 1), suite.random(32));
      this.input({ kind: "login", link: name, id, fingerprint: suite.random(32), name });
      this.input({ kind: "established", link: name });
      const frame = { kind: "presence", free: 1, listed: true, profiles: 1 } as const;
      this.input({ kind: "frame", link: name, frame });
    }
  }

  /** One after the other, also when performing an effect brings the next input. */
  input(input: SwitchboardInput): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    for (let next = this.#inputs[0]; next !== undefined; next = this.#inputs[0]) {
      const at = { now: this.clock.now(), wall: this.wall() };
      for (const effect of stepSwitchboard(this.#board, next, at)) this.#perform(effect);
      this.#inputs.shift();
    }
    this.#cancelWake();
    const due = switchboardDeadline(this.#board);
    if (due === undefined) return;
    const wait = due - this.clock.now();
    this.#cancelWake = this.clock.after(wait, () => this.input({ kind: "woke" }));
  }

  /** A frame that a client's link has opened. */
  received(end: RelayEnd, frame: ClientFrame): void {
    this.heard.push({ from: end.name, frame });
    for (const each of this.onFrame(end.name, frame))
      this.input({ kind: "frame", link: end.link, frame: each });
  }

  gone(end: RelayEnd): void {
    this.#links.delete(end.link);
    this.input({ kind: "gone", link: end.link });
  }

  #perform(effect: SwitchboardEffect): void {
    switch (effect.kind) {
      case "decide":
        return this.#links.get(effect.link)?.decide(effect.status, effect.retryAfterMs);
      case "send":
        return this.#send(effect.link, effect.frame);
      case "close":
        return this.#links.get(effect.link)?.close();
      case "rewrap":
        return void this.#rewrap(effect);
      case "prove":
        return void this.#prove(effect);
      case "accept-pipe":
        return;
      case "refuse-pipe":
      case "drop-pipe":
        return this.pipes.drop(effect.end);
      case "join-pipe":
        return this.pipes.join(effect.pipe, effect.ends);
      default:
        return unreachable(effect);
    }
  }

  #send(link: string, frame: RelayFrame): void {
    const end = this.#links.get(link);
    if (end === undefined) return;
    for (const each of this.onAnswer(end.name, frame)) {
      if (each.kind === "pipe-ticket") this.pipes.owners.set(hex(each.ticket), end.name);
      this.said.push({ to: end.name, frame: each });
      end.send(each);
    }
  }

  async #prove({ job, work }: Prove): Promise<void> {
    const answer = await this.#work(work);
    this.input({ kind: "proved", job, answer });
  }

  async #work(work: Prove["work"]): Promise<ProofAnswer> {
    if (work.kind === "decrypt") {
      const plaintext = await nativeRsa.decrypt(this.#key, work.label, work.ciphertext);
      if (plaintext !== undefined) this.opened.push(plaintext.slice());
      return { kind: "decrypted", plaintext };
    }
    const to = await nativeRsa.importPublic(work.to);
    const ciphertext = to && (await nativeRsa.encrypt(to, work.label, work.plaintext));
    return { kind: "encrypted", ciphertext };
  }

  async #rewrap({ job, up, down, ciphertext, to }: Rewrap): Promise<void> {
    const masterKey = await nativeRsa.decrypt(this.#key, up, ciphertext);
    const receiver = await nativeRsa.importPublic(to);
    if (receiver === undefined || masterKey?.length !== 32)
      return this.input({ kind: "rewrapped", job, outcome: { kind: "failed" } });
    this.opened.push(masterKey.slice());
    const wrapped = await nativeRsa.encrypt(receiver, down, masterKey);
    this.input({ kind: "rewrapped", job, outcome: { kind: "done", ciphertext: wrapped } });
  }

  #linkOf(name: string): RelayEnd {
    for (const end of this.#links.values()) if (end.name === name) return end;
    throw new Error(`${name} has no link`);
  }
}

const WALL_START = 1_800_000_000_000;

export function wallOf(clock: TurnedClock, skewMs: number): WallMs {
  return (WALL_START + clock.now() + skewMs) as WallMs;
}
