/**
 * What the transfers of a simulated client ask of it: its disk, its RSA keys, its person, and the
 * pumps that move content.
 *
 * @module
 */
import { equalBytes, hex, wipe } from "@postern/core/bytes";
import type { RsaPublicKey } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  chainSink,
  chainSource,
  wipeTransferKeys,
  wrappingSink,
  wrappingSource,
  type ExchangeInput,
} from "@postern/core/exchange";
import { PIPE_IDLE_MS } from "@postern/core/limits";
import type { PeerEffect, TransferKey } from "@postern/core/peer";
import {
  FRAMES_PER_ENVELOPE_BYTES_MAX,
  type ContentDescription,
  type Decision,
  type HeldPrefix,
  type RecordsOutcome,
  type TransferEvent,
  type TransferInput,
} from "@postern/core/transfer";
import type { ClientDriver, Outgoing } from "./client-driver.ts";
import type { ClientLink } from "./client-link.ts";
import type { Role } from "./disk.ts";
import type { End } from "./network.ts";
import type { Pump, PumpPorts } from "./pump.ts";
import { partKeyOf, type PartKey } from "./parts.ts";
import { ReceivePump, type Incoming } from "./receive-pump.ts";
import { SendPump } from "./send-pump.ts";
import { TransferPath } from "./transfer-path.ts";

interface Offered {
  readonly description: ContentDescription;
  readonly part: PartKey | undefined;
  /** What was there when it was accepted. */
  held: Uint8Array;
}

type TransferEffect = Extract<PeerEffect, { readonly kind: "transfer" }>;
type Job<K extends TransferEffect["effect"]["kind"]> = Extract<
  TransferEffect["effect"],
  { readonly kind: K }
>;

export class ClientTransfers {
  readonly #client: ClientDriver;
  readonly #outgoing = new Map<TransferKey, Outgoing>();
  readonly #offered = new Map<TransferKey, Offered>();
  readonly #pumps = new Map<TransferKey, Pump>();
  /** Until the transfer has ended, longer than its pump: `done` may have to be said again. */
  readonly #paths = new Map<TransferKey, { readonly path: TransferPath; readonly pump: Pump }>();
  /** When an envelope with frames came last. */
  readonly #heard = new Map<TransferKey, number>();
  readonly #pipes = new Set<End>();
  /** The relay's RSA key, and the jobs that wait for it. */
  #relayKey: { readonly link: ClientLink; readonly key: RsaPublicKey } | undefined;
  #waiting: { readonly link: ClientLink; readonly run: (key: RsaPublicKey) => void }[] = [];

  constructor(client: ClientDriver) {
    this.#client = client;
  }

  get isIdle(): boolean {
    return this.#pumps.size === 0;
  }

  register(key: TransferKey, outgoing: Outgoing): void {
    this.#outgoing.set(key, outgoing);
  }

  relayKey(link: ClientLink, spki: Uint8Array): void {
    this.#relayKey = { link, key: { spki } };
    const ready = this.#waiting.filter((job) => job.link === link);
    this.#waiting = [];
    for (const { run } of ready) run({ spki });
  }

  /** The client has crashed. */
  drop(silently: boolean): void {
    for (const pipe of this.#pipes) {
      if (silently) pipe.vanish();
      else pipe.destroy();
    }
    this.#pipes.clear();
    this.#pumps.clear();
    this.#paths.clear();
    this.#outgoing.clear();
    this.#offered.clear();
    this.#waiting = [];
  }

  perform(link: ClientLink, { key, party, role, transfer, effect }: TransferEffect): void {
    const { ports } = this.#client;
    const { world } = ports;
    const answer = (input: TransferInput): void => {
      this.#client.later(world.prng.below(4), () => link.step({ kind: "transfer", key, input }));
    };
    switch (effect.kind) {
      case "emit":
        return this.#event(link, { key, party, transfer }, effect.event);
      case "take-pair-key":
      case "load-pair-key":
      case "drop-pair-key":
      case "keep-pair-key":
        this.#client.mayCrash(`before ${effect.kind}`);
        answer(this.#store(role, effect));
        return this.#client.mayCrash(`behind ${effect.kind}`);
      case "encrypt-to-relay":
        ports.secrecy.masterKey(effect.plaintext);
        return this.#encrypt(link, effect, answer);
      case "decrypt":
        return this.#decrypt(effect, answer);
      case "seal-to-peer":
      case "sign":
      case "verify":
        throw new Error("the asymmetric profile is not simulated");
      case "seal-offer":
      case "open-offer":
      case "seal-receipt":
      case "open-receipt":
      case "heed-resync":
        return this.#client.channels.add({
          party,
          role,
          transfer,
          job: effect,
          answer: (input) => {
            const hasHeard = effect.kind === "open-receipt" || effect.kind === "heed-resync";
            if (hasHeard) this.#client.roomMade(party);
            link.step({ kind: "transfer", key, input });
          },
        });
      case "check-held":
        return answer(this.#compare(key, effect));
      case "run-records":
        return this.#runRecords(link, key, role, transfer, effect);
      case "feed-records":
        this.#heard.set(key, world.now());
        return void this.#client.later(0, () => this.#pumps.get(key)?.onBytes(effect.frames));
      case "replace-pipe":
        return this.#replacePipe(key, effect.ticket);
      case "confirm-records":
        return void this.#client.later(0, () => this.#pumps.get(key)?.onDelivered(effect));
      case "stop-records":
        return void this.#client.later(0, () => this.#pumps.get(key)?.stop(effect.error));
    }
  }

  #event(
    link: ClientLink,
    { key, party, transfer }: Pick<TransferEffect, "key" | "party" | "transfer">,
    event: TransferEvent,
  ): void {
    this.#client.event(transfer, event);
    if (event.kind === "offer") {
      const part = partKeyOf(party.fingerprint, event.content);
      this.#offered.set(key, { description: event.content, part, held: EMPTY });
      this.#client.ports.asked(this.#client, (decision) => this.#decide(link, key, decision));
    }
    if (event.kind === "done" || event.kind === "failed") {
      const outgoing = this.#outgoing.get(key);
      if (outgoing !== undefined) this.#client.goingOn.ended(outgoing, event);
      this.#outgoing.delete(key);
      this.#offered.delete(key);
      this.#paths.delete(key);
    }
  }

  /** A content that still runs here ends first: its sender has begun again. */
  #decide(link: ClientLink, key: TransferKey, decision: Decision): void {
    const offered = this.#offered.get(key);
    if (offered === undefined) return;
    const { part } = offered;
    if (decision !== "accept" || part === undefined)
      return link.step({ kind: "transfer", key, input: { kind: "decide", decision } });
    for (const [other, { part: its }] of this.#offered)
      if (other !== key && its === part) {
        this.#pumps.get(other)?.stop(new PosternError("transfer/interrupted", "offered again"));
        link.step({ kind: "transfer", key: other, input: { kind: "cancel" } });
      }
    offered.held = this.#client.disk.parts.received(part);
    const { length: offset } = offered.held;
    const digest = this.#client.ports.suite.sha256(offered.held);
    const held = offset === 0 ? undefined : { offset, digest };
    link.step({ kind: "transfer", key, input: { kind: "decide", decision, held } });
  }

  #compare(key: TransferKey, { offset, digest }: HeldPrefix): TransferInput {
    const { suite, flaw, world } = this.#client.ports;
    const content = this.#outgoing.get(key)?.content.subarray(0, offset) ?? EMPTY;
    const isSame = equalBytes(suite.sha256(content), digest);
    const what = isSame ? "goes on from" : "has other content than the first";
    world.note(`${this.#client.name} ${what} ${offset}`);
    return { kind: "held-checked", same: isSame || flaw === "mixes-contents" };
  }

  #store(
    role: Role,
    effect: Job<"take-pair-key" | "load-pair-key" | "drop-pair-key" | "keep-pair-key">,
  ): ExchangeInput {
    const { disk, name, ports } = this.#client;
    switch (effect.kind) {
      case "take-pair-key":
      case "load-pair-key": {
        const kept = disk.kept(role);
        ports.masterKeys.counted(`${name} ${role}`, disk.counter(role));
        if (effect.kind === "take-pair-key" && ports.flaw !== "reuses-kept-keys") disk.drop(role);
        return { kind: "pair-key", kept, counter: disk.counter(role) };
      }
      case "drop-pair-key":
        disk.drop(role);
        return { kind: "pair-key-dropped" };
      case "keep-pair-key":
        ports.masterKeys.kept(`${name} ${role}`, effect.kept.counter);
        disk.keep(role, effect.kept);
        wipe(effect.kept.key);
        return { kind: "pair-key-kept" };
    }
  }

  #encrypt(
    link: ClientLink,
    { label, plaintext }: Job<"encrypt-to-relay">,
    answer: (input: TransferInput) => void,
  ): void {
    const { rsa } = this.#client.ports;
    const run = (to: RsaPublicKey): void =>
      this.#client.job(rsa.encrypt(to, label, plaintext), (ciphertext) =>
        answer({ kind: "encrypted", ciphertext }),
      );
    if (this.#relayKey?.link === link) run(this.#relayKey.key);
    else this.#waiting.push({ link, run });
  }

  #decrypt({ label, ciphertext }: Job<"decrypt">, answer: (input: TransferInput) => void): void {
    const client = this.#client;
    const { rsa } = client.ports;
    const opened = client.rsaKey().then(async (own) => {
      const plaintext = await rsa.decrypt(own, label, ciphertext);
      return { kind: "decrypted", plaintext, ownSpki: own.spki } as const;
    });
    client.job(opened, answer);
  }

  #runRecords(
    link: ClientLink,
    key: TransferKey,
    role: Role,
    transfer: Uint8Array,
    { path, keys, fromOffset, sessionSeconds }: Job<"run-records">,
  ): void {
    const client = this.#client;
    const { world, weather, suite, relay, profile } = client.ports;
    const ended = (input: TransferInput): void => {
      this.#pumps.delete(key);
      client.later(0, () => link.step({ kind: "transfer", key, input }));
    };
    if (path.kind === "inline") {
      wipeTransferKeys(keys);
      return this.#showMessage(transfer, path, ended);
    }
    const pipe = path.kind === "pipe" ? relay.connectPipe(path.ticket) : undefined;
    if (path.kind === "pipe" && pipe === undefined) {
      const error = new PosternError("transfer/pipe-lost", "the relay is not there");
      return ended({ kind: "records-failed", error });
    }
    const outgoing = this.#outgoing.get(key);
    const way = new TransferPath(client.guard, (gone) => this.#pipes.delete(gone));
    const ports: PumpPorts = {
      world,
      weather,
      suite,
      keys,
      keySource: () =>
        profile === "symmetric" ? wrappingSource(suite, keys) : chainSource(suite, keys),
      keySink: () => (profile === "symmetric" ? wrappingSink(suite, keys) : chainSink(suite, keys)),
      sessionMs: outgoing?.sessionMs ?? sessionSeconds * 1_000,
      later: (delayMs, run) => void client.later(delayMs, run),
      job: (promise, then) => client.job(promise, then),
      write: (bytes) =>
        path.kind === "pipe" ? way.pipe?.write(bytes) : sendFrames(link, key, bytes),
      replace: (error) => {
        if (path.kind !== "pipe" || !way.hasAnother) return false;
        way.close(true);
        const input = { kind: "pipe-broken", error } as const;
        client.later(0, () => {
          // A pipe that the other side opened may have come meanwhile.
          if (way.pipe === undefined) link.step({ kind: "transfer", key, input });
        });
        return true;
      },
      close: (lost) => way.close(lost),
      ended,
    };
    const pump =
      role === "sending" && outgoing !== undefined
        ? new SendPump(ports, outgoing, fromOffset)
        : new ReceivePump(ports, this.#incoming(link, key, transfer));
    this.#pumps.set(key, pump);
    this.#heard.set(key, world.now());
    if (pipe === undefined) return this.#watch(key, pump);
    this.#paths.set(key, { path: way, pump });
    way.serve(pump);
    this.#use(way, pipe);
  }

  #incoming(link: ClientLink, key: TransferKey, transfer: Uint8Array): Incoming {
    const { parts } = this.#client.disk;
    const { world, weather, report } = this.#client.ports;
    const { description, held, part } = this.#offered.get(key)!;
    return {
      size: description.size,
      held,
      store: (bytes, offset) => {
        if (part === undefined) return;
        if (!parts.append(part, offset, bytes))
          report(`parts: ${hex(transfer)} is written twice, or with a gap`);
        if (world.prng.below(4) === 0) this.#client.mayCrash("behind a record of a part");
        if (weather.interrupts())
          this.#client.later(0, () =>
            link.step({ kind: "transfer", key, input: { kind: "cancel" } }),
          );
      },
      commit: (content, outcome) => {
        this.#commit(transfer, content, outcome);
        if (part !== undefined) parts.drop(part);
      },
    };
  }

  #replacePipe(key: TransferKey, ticket: Uint8Array): void {
    this.#client.later(0, () => {
      const known = this.#paths.get(key);
      if (known === undefined) return;
      const pipe = this.#client.ports.relay.connectPipe(ticket);
      if (pipe === undefined) return known.pump.onCut();
      this.#use(known.path, pipe);
      known.pump.onNewPipe();
    });
  }

  #use(path: TransferPath, pipe: End): void {
    this.#pipes.add(pipe);
    path.use(pipe);
  }

  /** Envelopes may be refused or dropped: when nothing comes any more, that is a cut. */
  #watch(key: TransferKey, pump: Pump): void {
    if (this.#pumps.get(key) !== pump) return;
    const idleMs = this.#client.ports.world.now() - (this.#heard.get(key) ?? 0);
    if (idleMs >= PIPE_IDLE_MS) pump.onCut();
    else this.#client.later(PIPE_IDLE_MS - idleMs, () => this.#watch(key, pump));
  }

  /** A message that came in its offer: it is delivered when the person's program has it. */
  #showMessage(
    transfer: Uint8Array,
    { content, digest }: { readonly content: Uint8Array; readonly digest: Uint8Array },
    ended: (input: TransferInput) => void,
  ): void {
    const { world, weather } = this.#client.ports;
    this.#client.later(world.prng.below(5) + weather.sinkMs(), () => {
      const outcome = { total: content.length, digest };
      this.#commit(transfer, content, outcome);
      ended({ kind: "records-done", ...outcome });
    });
  }

  #commit(transfer: Uint8Array, content: Uint8Array, outcome: RecordsOutcome): void {
    const { name, ports } = this.#client;
    if (ports.flaw === "stores-other-bytes" && content.length > 0) content[0]! ^= 1;
    this.#client.mayCrash("before the file is stored");
    ports.ledger.committed(name, hex(transfer), content, outcome);
    this.#client.channels.disk.store(hex(transfer));
    this.#client.mayCrash("behind the stored file");
  }
}

function sendFrames(link: ClientLink, key: TransferKey, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += FRAMES_PER_ENVELOPE_BYTES_MAX) {
    const frames = bytes.subarray(at, at + FRAMES_PER_ENVELOPE_BYTES_MAX);
    link.step({ kind: "send-frames", key, frames });
  }
}

const EMPTY = new Uint8Array(0);
