/**
 * Plays links against the switchboard in memory: every effect lands in the inbox of whom it is for.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { WallMs } from "@postern/core/time";
import { encodeRsaCertificate } from "@postern/core/identity";
import type { ClientFrame, LoginStatus, RelayFrame } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { createSwitchboard, type Switchboard } from "../src/board.ts";
import { memoryPackages, type KeyPackages } from "../src/key-packages.ts";
import { memoryNames, type NameClaims } from "../src/names.ts";
import { stepSwitchboard } from "../src/switchboard.ts";
import type { SwitchboardEffect, SwitchboardInput } from "../src/switchboard-io.ts";
import { person, suite, type Person } from "./test-client.ts";

type RewrapEffect = Extract<SwitchboardEffect, { kind: "rewrap" }>;
type ProveEffect = Extract<SwitchboardEffect, { kind: "prove" }>;

export const RELAY_FINGERPRINT = new Uint8Array(32).fill(7);

export class Player {
  readonly link: string;
  readonly who: Person;
  readonly frames: RelayFrame[] = [];
  status: LoginStatus | undefined;
  closed: string | undefined;
  readonly #driver: BoardDriver;

  constructor(driver: BoardDriver, link: string, who: Person) {
    this.#driver = driver;
    this.link = link;
    this.who = who;
  }

  get fingerprint(): Uint8Array {
    return this.who.identity.fingerprint;
  }

  send(frame: ClientFrame): void {
    this.#driver.step({ kind: "frame", link: this.link, frame });
  }

  /** The frames since the last call. */
  take(): RelayFrame[] {
    return this.frames.splice(0);
  }

  /** The one frame since the last call. */
  only<K extends RelayFrame["kind"]>(kind: K): Extract<RelayFrame, { kind: K }> {
    const [frame, ...others] = this.take();
    assert.equal(others.length, 0);
    assert.equal(frame?.kind, kind);
    return frame as Extract<RelayFrame, { kind: K }>;
  }

  present(free = 1, profiles = 1, listed = true): void {
    this.send({ kind: "presence", free, listed, profiles });
  }

  certify(spki = new Uint8Array(64).fill(5), wall: number = this.#driver.wall): void {
    const notAfter = (wall + 86_400_000) as WallMs;
    const certificate = encodeRsaCertificate(suite, this.who.identity, spki, notAfter);
    this.send({ kind: "rsa-certificate", certificate });
  }

  leave(): void {
    this.#driver.step({ kind: "gone", link: this.link });
  }
}

export class BoardDriver {
  readonly board: Switchboard;
  readonly players = new Map<string, Player>();
  readonly rewraps: RewrapEffect[] = [];
  readonly proofs: ProveEffect[] = [];
  readonly pipes: SwitchboardEffect[] = [];
  readonly congested = new Set<string>();
  now = 1_000;
  wall = 1_800_000_000_000;
  #next = 1;

  constructor(
    names: NameClaims = memoryNames(),
    profiles?: number,
    packages: KeyPackages = memoryPackages(),
  ) {
    this.board = createSwitchboard({
      ...(profiles === undefined ? {} : { profiles }),
      suite,
      relayFingerprint: RELAY_FINGERPRINT,
      names,
      packages,
      congested: (link) => this.congested.has(link),
    });
  }

  /** A proven login; `established` follows if it is welcome. */
  login(who: Person | string, address?: string): Player {
    const proven = typeof who === "string" ? person(who) : who;
    const link = `link-${this.#next++}`;
    const player = new Player(this, link, proven);
    this.players.set(link, player);
    const { id, fingerprint } = proven.identity;
    this.step({ kind: "login", link, id, fingerprint, name: proven.name, address });
    if (player.status === "welcome") this.step({ kind: "established", link });
    return player;
  }

  step(input: SwitchboardInput): void {
    const at = { now: this.now as InstantMs, wall: this.wall as WallMs };
    for (const effect of stepSwitchboard(this.board, input, at)) this.#perform(effect);
  }

  #perform(effect: SwitchboardEffect): void {
    const player = "link" in effect ? this.players.get(effect.link) : undefined;
    if (effect.kind === "send") {
      assert.equal(player?.closed, undefined, "nothing is sent behind a close");
      player?.frames.push(effect.frame);
    } else if (effect.kind === "decide" && player !== undefined) player.status = effect.status;
    else if (effect.kind === "close" && player !== undefined) player.closed = effect.reason;
    else if (effect.kind === "rewrap") this.rewraps.push(effect);
    else if (effect.kind === "prove") this.proofs.push(effect);
    else this.pipes.push(effect);
  }
}
