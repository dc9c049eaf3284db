/**
 * The relay in virtual time: its real switchboard behind real link machines. A restart forgets
 * everything but names and keys.
 *
 * @module
 */
import { equalBytes, wipe } from "@postern/core/bytes";
import type { KemKeyPair, Rsa, RsaKeyPair, Suite } from "@postern/core/crypto";
import { unreachable } from "@postern/core/errors";
import { fingerprintOf, keyPackageFacts, relayFingerprint } from "@postern/core/identity";
import { RELAYED_KEY_BYTES } from "@postern/core/exchange/relay-half";
import {
  createSwitchboard,
  stepSwitchboard,
  switchboardDeadline,
  type NameClaims,
  type RewrapOutcome,
  type Switchboard,
  type SwitchboardEffect,
  type SwitchboardInput,
} from "@postern/relay";
import type { ChangedBytes } from "./changed-bytes.ts";
import type { SecrecyChecker } from "./checkers.ts";
import type { RelayDoor } from "./client-driver.ts";
import type { Flaw } from "./flaws.ts";
import type { End, Network } from "./network.ts";
import type { Malice } from "./malice.ts";
import { RelayLink, type Caller } from "./relay-link.ts";
import type { RelayPackages } from "./relay-packages.ts";
import { RelayPipes } from "./relay-pipes.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export interface RelayPorts {
  readonly world: World;
  readonly weather: Weather;
  readonly network: Network;
  readonly suite: Suite;
  readonly rsa: Rsa;
  readonly secrecy: SecrecyChecker;
  readonly changed: ChangedBytes;
  readonly malice: Malice;
  readonly flaw: Flaw | undefined;
}

/** What a restart leaves. */
export interface RelayStore {
  readonly staticKey: KemKeyPair;
  readonly names: NameClaims;
  readonly rsaKey: RsaKeyPair;
  readonly packages: RelayPackages;
}

type Rewrap = Extract<SwitchboardEffect, { readonly kind: "rewrap" }>;

export class RelayDriver implements RelayDoor {
  readonly ports: RelayPorts;
  readonly store: RelayStore;
  readonly #links = new Map<string, RelayLink>();
  readonly #pipes: RelayPipes;
  readonly #inputs: SwitchboardInput[] = [];
  #board: Switchboard;
  #isUp = true;
  #life = 0;
  #numbers = 0;
  #cancelWake: () => void = () => undefined;

  constructor(ports: RelayPorts, store: RelayStore) {
    this.ports = ports;
    this.store = store;
    this.#pipes = new RelayPipes(ports, (input) => this.input(input));
    this.#board = this.#newBoard();
  }

  connectLink(): End | undefined {
    if (!this.#isUp) return undefined;
    const [clientEnd, relayEnd] = this.ports.network.connect("link");
    const id = `link ${++this.#numbers}`;
    this.#links.set(id, new RelayLink(id, relayEnd, this));
    return clientEnd;
  }

  connectPipe(ticket: Uint8Array): End | undefined {
    if (!this.#isUp) return undefined;
    const [clientEnd, relayEnd] = this.ports.network.connect("pipe");
    this.#pipes.offer(`end ${++this.#numbers}`, relayEnd, ticket);
    return clientEnd;
  }

  /** One after the other, also when performing an effect brings the next input. */
  input(input: SwitchboardInput): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    for (let next = this.#inputs[0]; next !== undefined; next = this.#inputs[0]) {
      for (const effect of stepSwitchboard(this.#board, next, this.#moment()))
        this.#perform(effect);
      this.#inputs.shift();
    }
    this.#schedule();
  }

  /** The link takes and gives nothing more. */
  gone(id: string): void {
    this.#links.delete(id);
    this.input({ kind: "gone", link: id });
  }

  /** The newest link of who has this fingerprint. */
  linkOf(fingerprint: Uint8Array): RelayLink | undefined {
    return [...this.#links.values()].findLast(
      ({ who }) => who !== undefined && equalBytes(who.fingerprint, fingerprint),
    );
  }

  callers(): readonly Caller[] {
    return [...this.#links.values()].flatMap(({ who }) => who ?? []);
  }

  lastResort(keyPackage: Uint8Array): Uint8Array | undefined {
    const { suite } = this.ports;
    const facts = keyPackageFacts(keyPackage);
    return facts && this.store.packages.lastResort(fingerprintOf(suite, facts.id));
  }

  later(delayMs: number, run: () => void): () => void {
    const life = this.#life;
    return this.ports.world.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }

  restart(): void {
    if (!this.#isUp) return;
    const { world } = this.ports;
    world.note("relay restarts");
    this.inspect();
    this.#isUp = false;
    this.#life++;
    for (const link of this.#links.values()) link.destroy();
    this.#links.clear();
    this.#pipes.destroyAll();
    this.store.packages.restart(world);
    world.after(world.prng.between(50, 2_000), () => {
      this.#board = this.#newBoard();
      this.#isUp = true;
    });
  }

  inspect(): void {
    const { names } = this.store;
    this.ports.secrecy.inspect(this.#board, names, this.#inputs, [...this.#links.keys()]);
  }

  /** Names of the receivers that are listed, with what they take. */
  listed(): ReadonlyMap<string, number> {
    const { receivers } = this.#board.directory.page("");
    return new Map(receivers.map(({ name, free }) => [name, free]));
  }

  #newBoard(): Switchboard {
    const { suite, weather } = this.ports;
    const { names, packages, staticKey } = this.store;
    const board = createSwitchboard({
      suite,
      names,
      packages,
      relayFingerprint: relayFingerprint(suite, staticKey.publicKey),
      congested: () => weather.congests(),
    });
    stepSwitchboard(board, { kind: "relay-key", spki: this.store.rsaKey.spki }, this.#moment());
    return board;
  }

  #moment() {
    return { now: this.ports.world.now(), wall: this.ports.world.wall() };
  }

  #perform(effect: SwitchboardEffect): void {
    switch (effect.kind) {
      case "decide":
        return this.#links.get(effect.link)?.decide(effect.status, effect.retryAfterMs);
      case "send":
        return this.#links.get(effect.link)?.send(effect.frame);
      case "close":
        return this.#links.get(effect.link)?.close();
      case "rewrap":
        return this.#rewrap(effect);
      case "prove":
        throw new Error("the asymmetric profile is not simulated");
      case "accept-pipe":
        return this.#pipes.accept(effect.end);
      case "refuse-pipe":
        return this.#pipes.refuse(effect.end);
      case "join-pipe":
        return this.#pipes.join(effect.pipe, effect.ends);
      case "drop-pipe":
        return this.#pipes.drop(effect.end);
      default:
        return unreachable(effect);
    }
  }

  #rewrap(effect: Rewrap): void {
    const life = this.#life;
    this.ports.world.job(this.#wrapAgain(effect), (outcome) => {
      if (life !== this.#life) return;
      this.later(this.ports.world.prng.below(6), () =>
        this.input({ kind: "rewrapped", job: effect.job, outcome }),
      );
    });
  }

  async #wrapAgain({ up, down, ciphertext, to }: Rewrap): Promise<RewrapOutcome> {
    const { rsa, secrecy, flaw } = this.ports;
    const masterKey = await rsa.decrypt(this.store.rsaKey, up, ciphertext);
    if (masterKey?.length !== RELAYED_KEY_BYTES) return { kind: "failed" };
    secrecy.opened(masterKey);
    const key = await rsa.importPublic(to);
    const wrapped = key && (await rsa.encrypt(key, down, masterKey));
    if (flaw !== "relay-keeps-keys") wipe(masterKey);
    return wrapped === undefined ? { kind: "refused" } : { kind: "done", ciphertext: wrapped };
  }

  #schedule(): void {
    this.#cancelWake();
    const due = switchboardDeadline(this.#board);
    if (due === undefined) return;
    const wait = due - this.ports.world.now();
    this.#cancelWake = this.later(wait, () => this.input({ kind: "woke" }));
  }
}
