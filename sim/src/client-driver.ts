/**
 * A simulated client: what the SDK does around the core, in virtual time, on a disk that survives
 * its crashes. Who decides and sends is the run's script.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { Rsa, RsaKeyPair, Suite } from "@postern/core/crypto";
import { encodeRsaCertificate, fingerprintOf } from "@postern/core/identity";
import { RSA_KEY_VALID_MS } from "@postern/core/limits";
import type { Party } from "@postern/core/exchange";
import type { LinkFrame } from "@postern/core/link";
import {
  SeenTransfers,
  transferKey,
  type DirectoryAnswer,
  type DirectoryQuery,
  type PeerAdmission,
  type PeerEffect,
  type TransferKey,
} from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import type {
  ContentDescription,
  Decision,
  TransferEnvelope,
  TransferEvent,
} from "@postern/core/transfer";
import type { ChangedBytes } from "./changed-bytes.ts";
import { ClientLink, type ClientSelf } from "./client-link.ts";
import { ClientTransfers } from "./client-transfers.ts";
import type { MasterKeyChecker, Report, SecrecyChecker } from "./checkers.ts";
import { Disk } from "./disk.ts";
import type { Flaw } from "./flaws.ts";
import { ChannelDesk } from "./channel-desk.ts";
import type { ChannelWatch } from "./channel-watch.ts";
import { GoingOn } from "./going-on.ts";
import type { Name, TransferBook } from "./ledger.ts";
import type { End } from "./network.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** A simulated crash: unwinds the step it happens in, so that nothing behind it is done. */
class Crash extends Error {}

export interface RelayDoor {
  /** `undefined` while the relay is down. */
  connectLink(): End | undefined;
  connectPipe(ticket: Uint8Array): End | undefined;
}

export interface ClientPorts {
  readonly world: World;
  readonly weather: Weather;
  readonly suite: Suite;
  readonly rsa: Rsa;
  readonly relay: RelayDoor;
  readonly profile: "symmetric" | "end-to-end";
  readonly ledger: TransferBook;
  readonly masterKeys: MasterKeyChecker;
  readonly secrecy: SecrecyChecker;
  readonly changed: ChangedBytes;
  readonly watch: ChannelWatch;
  readonly flaw: Flaw | undefined;
  readonly report: Report;
  /** The person is asked; `answer` may be called once, later. */
  asked(client: ClientDriver, answer: (decision: Decision) => void): void;
}

export interface Outgoing {
  readonly to: Party;
  readonly description: ContentDescription;
  readonly content: Uint8Array;
  readonly recordBytes: number;
  readonly sessionMs: number;
}

const RECONNECT_MS = 250;
const TRANSFER_ID_BYTES = 16;

export class ClientDriver {
  readonly name: Name;
  readonly self: ClientSelf;
  readonly capacity: number;
  readonly disk: Disk;
  readonly channels: ChannelDesk;
  readonly goingOn: GoingOn;
  /** Names whose offers are declined unread. */
  readonly blocked = new Set<Name>();
  /** How wrong its wall clock is. */
  clockOffsetMs = 0;
  readonly ports: ClientPorts;
  readonly #transfers: ClientTransfers;
  #link: ClientLink | undefined;
  #isListening = false;
  #isDown = true;
  /** Counts starts: whatever was planned in an earlier life is forgotten. */
  #life = 0;
  #tokens = 0;
  #seen = new SeenTransfers();
  readonly #asked = new Map<number, (answer: DirectoryAnswer | undefined) => void>();

  constructor(self: ClientSelf & { readonly name: Name }, capacity: number, ports: ClientPorts) {
    this.name = self.name;
    this.self = self;
    this.capacity = capacity;
    this.ports = ports;
    this.disk = new Disk(ports.flaw === "forgets-counters");
    this.#transfers = new ClientTransfers(this);
    this.channels = new ChannelDesk(this);
    this.goingOn = new GoingOn(this);
  }

  get isReady(): boolean {
    return this.#link?.isUp === true && this.#isListening;
  }

  get isIdle(): boolean {
    return this.#link?.isIdle === true && this.#transfers.isIdle && this.channels.isIdle;
  }

  start(): void {
    this.#isDown = false;
    this.later(0, () => this.#connect());
    this.goingOn.restarted();
  }

  /** Its own wall clock. */
  get now(): WallMs {
    return this.ports.world.wall(this.clockOffsetMs);
  }

  get party(): Party {
    const { id, fingerprint } = this.self.identity;
    return { id, fingerprint };
  }

  /** Asks the relay for somebody who takes transfers; `undefined` also when no answer came. */
  find(name: Name, then: (party: Party | undefined) => void): void {
    this.ask({ kind: "find", name }, (answer) => {
      if (answer?.kind !== "found" || answer.status !== "free") return then(undefined);
      then({ id: answer.id, fingerprint: fingerprintOf(this.ports.suite, answer.id) });
    });
  }

  /** `undefined` when the link is lost before the answer. */
  ask(query: DirectoryQuery, then: (answer: DirectoryAnswer | undefined) => void): void {
    const link = this.#link;
    if (link === undefined || !link.isUp) return then(undefined);
    const token = ++this.#tokens;
    this.#asked.set(token, then);
    this.guard(() => link.step({ kind: "query", token, query }));
  }

  /** An envelope that belongs to no transfer here. */
  post(to: Uint8Array, envelope: TransferEnvelope): void {
    this.#link?.step({ kind: "post", to, envelope });
  }

  /** Earlier offers to it have been answered. */
  roomMade({ fingerprint: of }: Party): void {
    this.#link?.step({ kind: "room-made", of });
  }

  /** Starts a transfer; `undefined` without a link. */
  send(to: Name, outgoing: Outgoing): TransferKey | undefined {
    const link = this.#link;
    if (link === undefined || !link.isUp) return undefined;
    const { suite, ledger, weather, profile } = this.ports;
    const transfer = suite.random(TRANSFER_ID_BYTES);
    const key = transferKey(outgoing.to.fingerprint, transfer);
    const { content, description } = outgoing;
    const id = hex(transfer);
    ledger.start({ id, from: this.name, to, content, description, calm: weather.isClear });
    this.#transfers.register(key, outgoing);
    this.goingOn.began(to, outgoing);
    const what = `${description.kind} of ${content.length} to ${to}`;
    this.ports.world.note(`${this.name} sends ${id} ${what}`);
    const isInline = profile === "end-to-end" && description.kind === "message";
    this.guard(() =>
      link.step({
        kind: "send",
        transfer,
        to: outgoing.to,
        request: {
          profile,
          content: description,
          sessionSeconds: 1,
          ...(isInline && { message: content.slice() }),
        },
      }),
    );
    return key;
  }

  cancel(key: TransferKey): void {
    this.guard(() => this.#link?.step({ kind: "transfer", key, input: { kind: "cancel" } }));
  }

  /** Everything in memory is gone; the disk stays as it is. */
  crash(why: string): void {
    if (this.#isDown) return;
    const { world, ledger } = this.ports;
    world.note(`${this.name} crashes ${why}`);
    this.#isDown = true;
    this.#life++;
    ledger.crashed(this.name);
    const silently = world.prng.chance(300);
    this.#link?.drop(silently);
    this.#transfers.drop(silently);
    this.channels.drop();
    this.#mayLosePower();
    this.#asked.clear();
    this.#forgetLink();
    this.#seen = new SeenTransfers();
    world.after(world.prng.between(10, 3_000), () => {
      this.#mayRestore();
      this.start();
    });
  }

  /** Of the device; else its system writes what it was given. */
  #mayLosePower(): void {
    const { world, watch } = this.ports;
    const { disk } = this.channels;
    if (disk.isSynced || !world.prng.chance(500)) return;
    world.note(`${this.name} loses what was not synced`);
    disk.losePower();
    watch.lostPower(this.name);
  }

  /** The device may come back as an older copy of itself. */
  #mayRestore(): void {
    const { world, weather, watch } = this.ports;
    const { disk } = this.channels;
    if (disk.copies === 0 || !weather.restores()) return;
    world.note(`${this.name} comes back as an older copy`);
    disk.restore(world.prng.below(disk.copies));
    watch.restored(this.name, (id) => disk.has(id));
  }

  /** Plans `run` for this life of the client. */
  later(delayMs: number, run: () => void): () => void {
    const life = this.#life;
    return this.ports.world.after(delayMs, () => {
      if (life === this.#life) this.guard(run);
    });
  }

  job<T>(promise: Promise<T>, then: (value: T) => void): void {
    const life = this.#life;
    this.ports.world.job(promise, (value) => {
      if (life === this.#life) this.guard(() => then(value));
    });
  }

  /** A place where a crash would hurt. */
  mayCrash(where: string): void {
    if (!this.#isDown && this.ports.weather.crashes()) throw new Crash(where);
  }

  readonly guard = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.crash(error.message);
    }
  };

  /** The client's RSA key, from its disk or new. */
  async rsaKey(): Promise<RsaKeyPair> {
    this.disk.rsaKey ??= await this.ports.rsa.generate();
    return this.disk.rsaKey;
  }

  event(transfer: Uint8Array, event: TransferEvent): void {
    const id = hex(transfer);
    const detail = event.kind === "failed" ? ` ${event.error.code}` : "";
    this.ports.world.note(`${this.name} ${id.slice(0, 8)} ${event.kind}${detail}`);
    this.ports.ledger.event(this.name, id, event);
  }

  #connect(): void {
    const { relay, world, suite, changed } = this.ports;
    const end = relay.connectLink();
    if (end === undefined) return this.#reconnect();
    this.#link = new ClientLink(this.self, end, {
      suite,
      changed,
      seen: this.#seen,
      admits: (fingerprint) => this.#admits(fingerprint),
      moment: () => ({ instant: world.now(), wall: this.now }),
      later: (delayMs, run) =>
        this.ports.flaw === "never-wakes" ? () => undefined : this.later(delayMs, run),
      guard: this.guard,
      onUp: (link) => this.#up(link),
      onEffect: (link, effect) => this.#effect(link, effect),
      onRelayKey: (link, spki) => {
        this.#transfers.relayKey(link, spki);
        this.#listen(link);
      },
      beforeFrame: (frame) => this.#beforeFrame(frame),
      onLost: (link, error) => {
        if (link !== this.#link) return;
        world.note(`${this.name} loses its link: ${error.code}`);
        this.#forgetLink();
        this.#reconnect();
      },
    });
  }

  #reconnect(): void {
    this.later(RECONNECT_MS + this.ports.world.prng.below(500), () => this.#connect());
  }

  #forgetLink(): void {
    this.#link = undefined;
    this.#isListening = false;
    const waiting = [...this.#asked.values()];
    this.#asked.clear();
    for (const then of waiting) then(undefined);
  }

  #up(link: ClientLink): void {
    if (this.ports.profile === "symmetric") return this.#showCertificate(link);
    this.#listen(link);
    this.channels.packages.check();
  }

  #admits(fingerprint: Uint8Array): PeerAdmission {
    const from = this.ports.watch.nameOf(fingerprint);
    const { isClear } = this.ports.weather;
    return from !== undefined && this.blocked.has(from) && !isClear ? "blocked" : "welcome";
  }

  #showCertificate(link: ClientLink): void {
    const { world, suite } = this.ports;
    this.job(this.rsaKey(), ({ spki }) => {
      if (!link.isUp) return;
      const notAfter = (world.wall() + RSA_KEY_VALID_MS) as WallMs;
      const { identity } = this.self;
      const certificate = encodeRsaCertificate(suite, identity, spki, notAfter);
      link.send({ kind: "rsa-certificate", certificate });
    });
  }

  #listen(link: ClientLink): void {
    const { profile } = this.ports;
    link.step({
      kind: "listen",
      policy: { profiles: [profile], capacity: this.capacity },
      listed: true,
    });
    this.#isListening = true;
  }

  #beforeFrame(frame: LinkFrame): void {
    if (frame.kind !== "presence") this.mayCrash(`before ${frame.kind}`);
    if (frame.kind === "envelope") this.ports.watch.said(this.name, frame.to, frame.body);
  }

  #effect(link: ClientLink, effect: Exclude<PeerEffect, { kind: "frame" }>): void {
    switch (effect.kind) {
      case "transfer":
        return this.#transfers.perform(link, effect);
      case "stray":
        return this.channels.stray(effect.party, effect.envelope);
      case "answered": {
        const then = this.#asked.get(effect.token);
        this.#asked.delete(effect.token);
        return then?.(effect.answer);
      }
    }
  }
}
