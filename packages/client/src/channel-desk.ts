/**
 * The pairs' end-to-end channels on this device: does what a transfer asks of its channel, one job
 * of a peer after the other. docs/protocol-end-to-end.md 7.3.5, 7.3.6.
 *
 * Invariants: whatever a job changed is durable before its answer is given out, but for a receipt,
 * which may come again, and for a message that came in its offer, after which nothing leaves before
 * its receipt is durable, and the opening with it; nothing is lost when the transfer that asked has
 * ended meanwhile. Records and secrets are wiped after each job; the newest keys of the channels
 * that received last stay ready in memory until others take their place, what is stored changes, or
 * the client closes.
 *
 * @module
 */
import { hex, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  makePackage,
  mayBeLost,
  packageWanted,
  performChannelJob,
  ReadyKeys,
  wipeTransferKeys,
  type ChannelJob,
  type ChannelMaterial,
  type ChannelStep,
  type ExchangeContext,
  type ExchangeInput,
} from "@postern/core/exchange";
import type { Identity } from "@postern/core/identity";
import { ANSWER_TIMEOUT_MS, READY_CHANNELS_MAX } from "@postern/core/limits";
import { PROFILE_BITS } from "@postern/core/link";
import type { Directory } from "./directory.ts";
import type { MetKeys } from "./met-keys.ts";
import type { PeerBook } from "./peer-book.ts";
import type { ClientPorts } from "./ports.ts";
import { asPosternError } from "./running-transfer.ts";
import { SerialQueues } from "./serial-queues.ts";
import type { ChannelId, StoredPackage } from "./store.ts";
import { within } from "./within.ts";

export interface ChannelDeskOptions {
  readonly ports: Pick<ClientPorts, "store" | "suite" | "wall" | "clock">;
  readonly identity: Identity;
  readonly directory: Pick<Directory, "keyPackage">;
  readonly book: PeerBook;
  /** A package of this client is used up: the relay has one less. */
  readonly onPackageUsed: () => void;
}

/** Which transfer a job is of, and this client's part in it. */
export interface JobPlace {
  readonly context: ExchangeContext;
  readonly role: ChannelId["role"];
  /** Of a transfer by code: its channel is apart from the stored one, and so is its secret. */
  readonly met?: MetKeys | undefined;
}

type Loaded = { -readonly [K in keyof ChannelMaterial]: ChannelMaterial[K] };

export class ChannelDesk {
  readonly #options: ChannelDeskOptions;
  readonly #queues = new SerialQueues();
  /** By peer; the one that received last is the last. */
  readonly #readyKeys = new Map<string, ReadyKeys>();

  constructor(options: ChannelDeskOptions) {
    this.#options = options;
  }

  /**
   * Does the job in its turn; a failure is an answer too. `undefined`: when the turn came, nobody
   * wanted it any more and nothing was changed.
   */
  async run(
    place: JobPlace,
    job: ChannelJob,
    isWanted: () => boolean = () => true,
  ): Promise<ExchangeInput | undefined> {
    return await this.#queues.run(peerOf(place), async () => {
      if (!isWanted()) return undefined;
      try {
        return await this.#perform(place, job);
      } catch (error) {
        return { kind: "job-failed", error: asPosternError(error) } as const;
      }
    });
  }

  /** Jobs of this peer that have not ended. */
  waiting(peer: Uint8Array): number {
    return this.#queues.waiting(peer);
  }

  /** Does `work`, which changes what is stored of this peer, between its jobs. */
  async between<T>(peer: Uint8Array, work: () => Promise<T>): Promise<T> {
    return await this.#queues.run(peer, async () => {
      this.#forgetReady(hex(peer));
      return await work();
    });
  }

  async idle(): Promise<void> {
    await this.#queues.idle();
  }

  /** Leaves no key in memory. */
  wipe(): void {
    for (const peer of this.#readyKeys.keys()) this.#forgetReady(peer);
  }

  async #perform(place: JobPlace, job: ChannelJob): Promise<ExchangeInput> {
    const { ports, identity } = this.#options;
    const { context } = place;
    const material = await this.#load(place, job);
    try {
      const now = ports.wall();
      material.readyKeys = this.#readyOf(place);
      let step = performChannelJob({ context, identity, now }, job, material);
      if (step.kind === "needs-package") {
        await this.#fetchPackages(place, material);
        place.met?.expect();
        step = performChannelJob({ context, identity, now }, job, material);
      }
      if (step.kind === "needs-receipt") {
        material.receipt = await this.#receipt(place, step.slot);
        step = performChannelJob({ context, identity, now }, job, material);
      }
      if (step.kind !== "done") throw noPackage();
      await this.#save(place, step);
      return step.input;
    } finally {
      wipe(material.sending, material.receiving, material.package?.seed, material.pairingSecret);
    }
  }

  /** What the job may need, and no more: each is a read of the store. */
  async #load(place: JobPlace, job: ChannelJob): Promise<Loaded> {
    const { store } = this.#options.ports;
    const isOffer = job.kind === "open-offer" || job.kind === "close-offer";
    const kid = isOffer ? packageWanted(place.context, job.outer) : undefined;
    const isInit = kid !== undefined || job.kind === "seal-offer";
    const hasSending = place.role === "sending" || kid !== undefined;
    return {
      sending: hasSending ? await this.#record(place, "sending") : undefined,
      receiving: place.role === "receiving" ? await this.#record(place, "receiving") : undefined,
      package: kid && (await store.keyPackage(kid)),
      pairingSecret: isInit ? await this.#pairingSecret(place) : undefined,
    };
  }

  async #record(place: JobPlace, role: ChannelId["role"]): Promise<Uint8Array | undefined> {
    if (place.met !== undefined) return place.met.record(role);
    return await this.#options.ports.store.channel({ peer: peerOf(place), role });
  }

  #readyOf(place: JobPlace): ReadyKeys | undefined {
    if (place.met !== undefined || place.role !== "receiving") return undefined;
    const peer = hex(peerOf(place));
    const keys = this.#readyKeys.get(peer) ?? new ReadyKeys();
    this.#readyKeys.delete(peer);
    this.#readyKeys.set(peer, keys);
    const [oldest] = this.#readyKeys.keys();
    if (oldest !== undefined && this.#readyKeys.size > READY_CHANNELS_MAX)
      this.#forgetReady(oldest);
    return keys;
  }

  #forgetReady(peer: string): void {
    this.#readyKeys.get(peer)?.wipe();
    this.#readyKeys.delete(peer);
  }

  async #receipt(place: JobPlace, slot: number): Promise<Uint8Array> {
    const { store } = this.#options.ports;
    const { met } = place;
    const kept = met === undefined ? await store.receipt(peerOf(place), slot) : met.receipt(slot);
    if (kept === undefined) throw new PosternError("store/failed", "a kept receipt is missing");
    return kept;
  }

  async #pairingSecret(place: JobPlace): Promise<Uint8Array | undefined> {
    const { book, ports } = this.#options;
    if (place.met !== undefined) return place.met.secret();
    const peer = peerOf(place);
    if (book.of(peer)?.paired !== true) return undefined;
    return (await ports.store.contact(peer))?.pairingSecret;
  }

  /** For the first offer of a channel: the peer's package, and one of our own to answer under. */
  async #fetchPackages(place: JobPlace, material: Loaded): Promise<void> {
    const { ports, directory } = this.#options;
    const peer = peerOf(place);
    const slow = (): PosternError =>
      new PosternError("link/timed-out", "no package from the relay");
    const fetched = directory.keyPackage(peer);
    material.peerPackage = await within(fetched, ANSWER_TIMEOUT_MS, ports.clock, slow);
    if (material.peerPackage === undefined) throw noPackage();
    // What goes back would begin in no channel that outlives the code.
    if (place.met !== undefined) return;
    material.receiving = await this.#record(place, "receiving");
    if (material.receiving === undefined) material.replyPackage = await this.#makeReply();
  }

  async #makeReply(): Promise<Uint8Array> {
    const { ports, identity } = this.#options;
    const { store, suite, wall } = ports;
    const bits = PROFILE_BITS["end-to-end"];
    const made: StoredPackage = makePackage(suite, identity, "reply", bits, wall());
    try {
      await store.saveKeyPackages([made]);
    } finally {
      wipe(made.seed);
    }
    return made.encoded;
  }

  async #save(place: JobPlace, step: Extract<ChannelStep, { kind: "done" }>): Promise<void> {
    const { ports, onPackageUsed } = this.#options;
    const loss = mayBeLost(step.input);
    const peer = peerOf(place);
    try {
      for (const { role, record, usedPackage, receipt } of step.saves) {
        if (place.met === undefined)
          await ports.store.saveChannel({ peer, role }, record, usedPackage, {
            mayBeLost: loss,
            receipt,
          });
        else {
          if (usedPackage !== undefined) await ports.store.dropKeyPackages([usedPackage]);
          place.met.saveRecord(role, record, receipt);
        }
        if (usedPackage !== undefined) onPackageUsed();
      }
    } catch (error) {
      discardInput(step.input);
      throw error;
    } finally {
      wipe(...step.saves.map(({ record }) => record));
    }
  }
}

/** Wipes an answer that nobody takes. */
export function discardInput(input: ExchangeInput): void {
  if (input.kind === "offer-sealed") wipeTransferKeys(input.ready.keys);
  if (input.kind === "pair-key") wipe(input.kept?.key);
  if (input.kind === "decrypted") wipe(input.plaintext);
  if (input.kind !== "offer-opened" || input.outcome.kind !== "opened") return;
  const { keys, message } = input.outcome.offer;
  wipeTransferKeys(keys);
  wipe(message?.content);
}

function peerOf({ context, role }: JobPlace): Uint8Array {
  return (role === "sending" ? context.receiver : context.sender).fingerprint;
}

function noPackage(): PosternError {
  return new PosternError("peer/no-package", "the relay has no key package of the receiver");
}
