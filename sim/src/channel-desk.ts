/**
 * The jobs of a simulated client's channels: one of a pair after the other, on the disk, each write
 * durable before the job's answer is handed on. What the SDK does around `performChannelJob`
 * (docs/protocol-end-to-end.md 7.3.6), with a crash possible at every step.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  mayBeLost,
  packageWanted,
  performChannelJob,
  type ChannelJob,
  type ChannelMaterial,
  type ChannelSave,
  type ChannelStep,
  type ExchangeContext,
  type ExchangeInput,
  type Party,
} from "@postern/core/exchange";
import { keyPackageFacts } from "@postern/core/identity";
import type { StrayEnvelope } from "@postern/core/peer";
import { ChannelDisk } from "./channel-disk.ts";
import type { ClientDriver } from "./client-driver.ts";
import type { Role } from "./disk.ts";
import { flawedAnswer, flawedJobSuite, flawedMaterial, flawedSaves, flawedSync } from "./flaws.ts";
import { PackageDesk } from "./package-desk.ts";

export interface ChannelTask {
  readonly party: Party;
  /** This client's in the transfer. */
  readonly role: Role;
  readonly transfer: Uint8Array;
  readonly job: ChannelJob;
  answer(input: ExchangeInput): void;
}

type Fetched = Pick<ChannelMaterial, "peerPackage" | "replyPackage" | "receipt">;
type Done = Extract<ChannelStep, { readonly kind: "done" }>;

/** Of the planted defect: long enough for a crash before. */
const STORED_LATE_MS = 200;

export class ChannelDesk {
  readonly disk: ChannelDisk;
  readonly packages: PackageDesk;
  readonly #client: ClientDriver;
  /** By peer. The first one of each is being done. */
  readonly #queues = new Map<string, ChannelTask[]>();

  constructor(client: ClientDriver) {
    this.#client = client;
    this.disk = new ChannelDisk(client.ports.flaw === "keeps-used-packages");
    this.packages = new PackageDesk(client, this.disk);
  }

  get isIdle(): boolean {
    return this.#queues.size === 0 && this.packages.isIdle;
  }

  add(task: ChannelTask): void {
    const peer = hex(task.party.fingerprint);
    const queue = this.#queues.get(peer) ?? [];
    this.#queues.set(peer, queue);
    queue.push(task);
    if (queue.length === 1) this.#begin(peer);
  }

  /** What is left of a transfer that has ended here. */
  stray(party: Party, envelope: StrayEnvelope): void {
    if (envelope.kind !== "close") return this.#strayAnswer(party, envelope);
    const { transfer, outer, sealedHeader } = envelope;
    this.add({
      party,
      role: "receiving",
      transfer,
      job: { kind: "close-offer", outer, sealedHeader },
      answer: (input) => {
        if (input.kind !== "offer-opened") return;
        const { outcome } = input;
        const to = party.fingerprint;
        if (outcome.kind === "receipt")
          this.#client.post(to, { kind: "receipt", transfer, sealed: outcome.receipt });
        if (outcome.kind === "out-of-step")
          this.#client.post(to, { kind: "resync", transfer, resync: outcome.resync });
      },
    });
  }

  /** The client has crashed. */
  drop(): void {
    this.#queues.clear();
    this.packages.drop();
  }

  #strayAnswer(party: Party, envelope: Exclude<StrayEnvelope, { kind: "close" }>): void {
    const { transfer } = envelope;
    const job: ChannelJob =
      envelope.kind === "receipt"
        ? { kind: "open-receipt", receipt: envelope.sealed }
        : { kind: "heed-stray-resync", resync: envelope.resync };
    const answer = (): void => this.#client.roomMade(party);
    this.add({ party, role: "sending", transfer, job, answer });
  }

  #begin(peer: string): void {
    this.#client.later(0, () => {
      const task = this.#queues.get(peer)?.[0];
      if (task !== undefined) this.#work(peer, task, {});
    });
  }

  #work(peer: string, task: ChannelTask, fetched: Fetched): void {
    const client = this.#client;
    const { job, transfer, role, party } = task;
    client.mayCrash(`before ${job.kind}`);
    const { identity } = client.self;
    const { watch, flaw } = client.ports;
    const { now } = client;
    const material = flawedMaterial(flaw, job, this.#material(task, fetched));
    const used = watch.newUse(client.name);
    const suite = flawedJobSuite(
      used.suite(client.ports.suite, isLastResort(material)),
      flaw,
      job.kind,
    );
    const context = this.#context(suite, role, party, transfer);
    const step = performChannelJob({ context, identity, now }, job, material);
    if (step.kind === "needs-package") return this.#fetch(peer, task);
    if (step.kind === "needs-receipt") {
      const receipt = this.disk.receipt(party.fingerprint, step.slot);
      if (receipt === undefined) throw new Error("a kept receipt is missing");
      return this.#work(peer, task, { receipt });
    }
    client.ports.world.note(
      `${client.name} ${hex(transfer).slice(0, 8)} ${wordsFor(job, step.input)}`,
    );
    if (step.input.kind === "resync-heeded" && "resync" in job)
      watch.heeded(client.name, job.resync, step.input.outcome.kind);
    if (step.input.kind === "offer-opened" && "resync" in step.input.outcome)
      watch.placed(
        client.name,
        step.input.outcome.resync,
        this.disk.channel(party.fingerprint, role),
      );
    if (step.input.kind === "receipt-opened")
      watch.acknowledged(client.name, transfer, step.input.receipt);
    if (flaw === "sends-before-storing" && job.kind === "seal-offer")
      return this.#sendFirst(peer, task, step);
    this.#save(peer, task, step, () => used.retire(step.saves));
  }

  #save(peer: string, task: ChannelTask, step: Done, then: () => void, at = 0): void {
    const client = this.#client;
    const save = flawedSaves(client.ports.flaw, task.job, step.saves)[at];
    if (save === undefined) {
      then();
      return this.#finish(peer, task, step);
    }
    client.later(client.ports.world.prng.below(4), () => {
      this.#write(task, save, flawedSync(client.ports.flaw, mayBeLost(step.input) !== undefined));
      this.#save(peer, task, step, then, at + 1);
    });
  }

  #write({ party, job }: ChannelTask, save: ChannelSave, isLazy: boolean): void {
    const { role, usedPackage } = save;
    const client = this.#client;
    client.mayCrash(`before the ${role} channel of ${job.kind} is stored`);
    this.disk.saveChannel(party.fingerprint, save, isLazy);
    client.mayCrash(`behind the ${role} channel of ${job.kind}`);
    // Not in this step: a crash in it would come back here, behind a loss of what is just written.
    if (usedPackage !== undefined) client.later(0, () => this.packages.check());
  }

  /** A planted defect: the offer leaves, then its channel is stored. */
  #sendFirst(peer: string, task: ChannelTask, step: Done): void {
    task.answer(step.input);
    this.#client.later(STORED_LATE_MS, () =>
      this.#save(peer, { ...task, answer: () => undefined }, step, () => undefined),
    );
  }

  #finish(peer: string, task: ChannelTask, { input }: Done): void {
    const queue = this.#queues.get(peer);
    queue?.shift();
    if (queue?.length === 0) this.#queues.delete(peer);
    else this.#begin(peer);
    task.answer(flawedAnswer(this.#client.ports.flaw, input));
  }

  #fetch(peer: string, task: ChannelTask): void {
    const { fingerprint } = task.party;
    this.#client.ask({ kind: "package", of: fingerprint }, (answer) => {
      if (answer?.kind !== "package" || answer.keyPackage.length === 0) {
        const error = new PosternError("peer/no-package", "the relay has none");
        const input = { kind: "job-failed", error } as const;
        return this.#finish(peer, task, { kind: "done", saves: [], input });
      }
      const peerPackage = answer.keyPackage;
      const hasHeard = this.disk.channel(fingerprint, "receiving") !== undefined;
      if (hasHeard) return this.#work(peer, task, { peerPackage });
      this.packages.reply((replyPackage) => this.#work(peer, task, { peerPackage, replyPackage }));
    });
  }

  #material({ party, role, transfer, job }: ChannelTask, fetched: Fetched): ChannelMaterial {
    const { fingerprint } = party;
    const { ports } = this.#client;
    const context = this.#context(ports.suite, role, party, transfer);
    const kid =
      "outer" in job && role === "receiving" ? packageWanted(context, job.outer) : undefined;
    return {
      sending: this.disk.channel(fingerprint, "sending"),
      receiving: this.disk.channel(fingerprint, "receiving"),
      package: kid && this.disk.package(kid),
      pairingSecret: ports.watch.pairingSecret(),
      ...fetched,
    };
  }

  #context(suite: Suite, role: Role, peer: Party, transfer: Uint8Array): ExchangeContext {
    const own = this.#client.party;
    const ends =
      role === "sending" ? { sender: own, receiver: peer } : { sender: peer, receiver: own };
    return { suite, relayFingerprint: this.#client.self.pin, ...ends, transfer };
  }
}

function isLastResort({ package: own }: ChannelMaterial): boolean {
  return own !== undefined && keyPackageFacts(own.encoded)?.type === "last-resort";
}

/** For the trace. */
function wordsFor({ kind }: ChannelJob, input: ExchangeInput): string {
  switch (input.kind) {
    case "offer-sealed":
      return `${kind} number ${input.ready.counter} of ${input.ready.inChannel?.epoch}`;
    case "offer-opened":
    case "resync-heeded":
      return `${kind}: ${input.outcome.kind}`;
    case "receipt-opened":
      return `${kind}: ${input.receipt?.verdict ?? "not one"}`;
    default:
      return `${kind}: ${input.kind}`;
  }
}
