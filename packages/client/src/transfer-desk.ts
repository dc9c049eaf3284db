/**
 * The transfers of one client: hands each what the peer machine asks of it, and the machine what
 * this device answers.
 *
 * Invariant: an answer goes only to the transfer that asked. One that has ended meanwhile, also
 * when the same offer has come again, gets none.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { ExchangeInput, Party, Verdict } from "@postern/core/exchange";
import type { Identity } from "@postern/core/identity";
import { OUTBOX_MAX } from "@postern/core/limits";
import type { DriverEffect, PeerEffect, PeerInput, TransferKey } from "@postern/core/peer";
import type { TransferEvent } from "@postern/core/transfer";
import { discardInput, type ChannelDesk, type JobPlace } from "./channel-desk.ts";
import { performKeyJob, type KeyJob } from "./key-jobs.ts";
import type { MetKeys } from "./met-keys.ts";
import type { ClientPorts } from "./ports.ts";
import type { RelayRsa } from "./relay-rsa.ts";
import {
  RunningTransfer,
  type TransferFacts,
  type TransferHost,
  type TransferSide,
} from "./running-transfer.ts";

export interface TransferDeskHost {
  readonly ports: ClientPorts;
  readonly self: Pick<Identity, "id" | "fingerprint" | "signing">;
  readonly channels: Pick<ChannelDesk, "run" | "waiting" | "between">;
  step(input: PeerInput): void;
  /** Of whom alone offers are taken now, by a code: what they open under. */
  keysOf(sender: Party): MetKeys | undefined;
  /** The link of now; `undefined` without one. */
  link(): { readonly rsa: RelayRsa; readonly relayFingerprint: Uint8Array } | undefined;
  openPipe: TransferHost["openPipe"];
  /** An event of a transfer that nobody has accepted. */
  onOffered(offered: OfferedTransfer, event: TransferEvent): void;
  /** What the receiver signed of a transfer that has ended here. */
  onLateReceipt(receiver: Party, transfer: Uint8Array, verdict: Verdict): void;
}

export type OfferedTransfer = Pick<TransferEffect, "key" | "name" | "party" | "transfer">;
type TransferEffect = Extract<PeerEffect, { readonly kind: "transfer" }>;
type StrayEffect = Extract<PeerEffect, { readonly kind: "stray" }>;
type ChannelEffect = Extract<
  DriverEffect,
  {
    readonly kind: "seal-offer" | "open-offer" | "seal-receipt" | "open-receipt" | "heed-resync";
  }
>;

interface HeldKeys {
  readonly keys: MetKeys;
  readonly release: () => void;
}

/** Those of an ended transfer that change nothing if they are left out. */
const LEFT_OUT: ReadonlySet<string> = new Set<ChannelEffect["kind"]>([
  "seal-offer",
  "open-offer",
  "heed-resync",
]);
/** What is left of a peer's ended transfers and waits for its turn: a sender repeats the rest. */
const STRAYS_WAITING_MAX = 2 * OUTBOX_MAX;

export class TransferDesk {
  readonly #host: TransferDeskHost;
  readonly #running = new Map<TransferKey, RunningTransfer>();
  /** Transfers of the peer machine that have not ended, accepted or not. */
  readonly #live = new Map<TransferKey, symbol>();
  /** Those whose content is not let go. */
  readonly #unsettled = new Set<RunningTransfer>();
  readonly #settling = new Set<Promise<unknown>>();
  /** Transfers that are made by a code; an offer is one from its first job on. */
  readonly #byCode = new Map<TransferKey, HeldKeys>();

  constructor(host: TransferDeskHost) {
    this.#host = host;
  }

  /** @param met of a transfer to who was met by a code. */
  start(facts: TransferFacts, side: TransferSide, rsa: RelayRsa, met?: MetKeys): RunningTransfer {
    if (met !== undefined) this.#hold(facts.key, met);
    const transfer = new RunningTransfer(facts, side, {
      ports: this.#host.ports,
      self: this.#host.self,
      rsa,
      step: (input) => this.#host.step(input),
      openPipe: async (ticket) => this.#host.openPipe(ticket),
    });
    this.#running.set(facts.key, transfer);
    this.#unsettled.add(transfer);
    void transfer.settled.then(() => this.#unsettled.delete(transfer));
    return transfer;
  }

  onEffect(told: TransferEffect): void {
    const { key, effect } = told;
    const running = this.#running.get(key);
    switch (effect.kind) {
      case "emit":
        return this.#onEvent(told, effect.event);
      case "check-held":
        return running?.checkHeld(effect);
      case "run-records":
        return running?.runRecords(effect);
      case "feed-records":
        return running?.feedRecords(effect.frames);
      case "replace-pipe":
        return running?.replacePipe(effect.ticket);
      case "confirm-records":
        return running?.confirmRecords(effect);
      case "stop-records":
        return running?.stopRecords(effect.error);
      case "seal-offer":
      case "open-offer":
      case "seal-receipt":
      case "open-receipt":
      case "heed-resync":
        return void this.#channelJob(told, effect);
      default:
        return void this.#keyJob(told, effect);
    }
  }

  /** What came for a transfer that has ended here: its channel has to hear it. */
  async onStray({ party, envelope }: StrayEffect): Promise<void> {
    const { channels } = this.#host;
    if (channels.waiting(party.fingerprint) >= STRAYS_WAITING_MAX) return;
    const { transfer } = envelope;
    if (envelope.kind === "receipt") {
      const place = this.#place(party, "sending", transfer);
      const job = { kind: "open-receipt", receipt: envelope.sealed } as const;
      const answer = await (place && channels.run(place, job));
      if (answer?.kind === "receipt-opened" && answer.receipt !== undefined)
        this.#host.onLateReceipt(party, transfer, answer.receipt.verdict);
      return this.#hasHeard(party, answer);
    }
    if (envelope.kind === "resync") {
      const place = this.#place(party, "sending", transfer);
      const job = { kind: "heed-stray-resync", resync: envelope.resync } as const;
      return this.#hasHeard(party, await (place && channels.run(place, job)));
    }
    const place = this.#place(party, "receiving", transfer, this.#host.keysOf(party));
    const { outer, sealedHeader } = envelope;
    const job = { kind: "close-offer", outer, sealedHeader } as const;
    const answer = await (place && channels.run(place, job));
    if (answer?.kind !== "offer-opened") return;
    const { outcome } = answer;
    if (outcome.kind === "receipt") this.#postReceipt(party, transfer, outcome.receipt);
    if (!("resync" in outcome) || outcome.resync === undefined) return;
    const said = { kind: "resync", transfer, resync: outcome.resync } as const;
    this.#host.step({ kind: "post", to: party.fingerprint, envelope: said });
  }

  /**
   * Ends what still brings this content from this sender, who has begun again; resolves when its
   * part is let go. `undefined`: nothing does.
   */
  supersede(contentId: Uint8Array, from: Uint8Array): Promise<unknown> | undefined {
    const old = [...this.#unsettled].filter((transfer) => transfer.brings(contentId, from));
    if (old.length === 0) return undefined;
    for (const transfer of old) transfer.cancel();
    return Promise.all(old.map((transfer) => transfer.settled));
  }

  /** Ends all of them. Resolves when each has let go of its content. */
  async end(): Promise<void> {
    const running = [...this.#running.values()];
    for (const transfer of running) transfer.leave();
    await Promise.all([...running.map((transfer) => transfer.settled), ...this.#settling]);
  }

  /** Work that the end of the client waits for. */
  settling(work: Promise<unknown>): void {
    const ended = (): void => void this.#settling.delete(settled);
    const settled: Promise<void> = work.then(ended, ended);
    this.#settling.add(settled);
  }

  #onEvent(told: TransferEffect, event: TransferEvent): void {
    const { key } = told;
    const running = this.#running.get(key);
    const isEnd = event.kind === "done" || event.kind === "failed";
    if (isEnd) {
      this.#live.delete(key);
      this.#letGo(told);
    }
    if (running === undefined) return this.#host.onOffered(told, event);
    running.onEvent(event);
    if (!isEnd) return;
    this.#running.delete(key);
    // Its end is known; its content may still be on the way out.
    this.settling(running.settled);
  }

  async #channelJob(told: TransferEffect, job: ChannelEffect): Promise<void> {
    const { key, party, role, transfer } = told;
    if (job.kind === "open-offer" && !this.#live.has(key)) this.#judgeCode(told);
    const isLive = this.#claim(key);
    const place = this.#place(party, role, transfer, this.#byCode.get(key)?.keys);
    if (place === undefined) return;
    const isWanted = (): boolean => isLive() || !LEFT_OUT.has(job.kind);
    const input = await this.#host.channels.run(place, job, isWanted);
    if (input === undefined) return;
    this.#hasHeard(party, input);
    if (isLive()) return this.#host.step({ kind: "transfer", key, input });
    // Stored, so it may be said: its sender need not ask again.
    if (input.kind === "receipt-sealed") this.#postReceipt(party, transfer, input.receipt);
    discardInput(input);
  }

  /** An offer that found too many others without a receipt may be made now. */
  #hasHeard({ fingerprint }: Party, answer: ExchangeInput | undefined): void {
    const isReceipt = answer?.kind === "receipt-opened" && answer.receipt !== undefined;
    const isResync = answer?.kind === "resync-heeded" && answer.outcome.kind !== "ignored";
    if (isReceipt || isResync) this.#host.step({ kind: "room-made", of: fingerprint });
  }

  async #keyJob({ key, party, role }: TransferEffect, job: KeyJob): Promise<void> {
    const isLive = this.#claim(key);
    const link = this.#host.link();
    if (link === undefined) return;
    const place = { relay: link.relayFingerprint, party, role };
    const input: ExchangeInput = await performKeyJob(this.#host.ports, link.rsa, place, job);
    if (isLive()) this.#host.step({ kind: "transfer", key, input });
    else discardInput(input);
  }

  /** Says whether the transfer that has this key now still lives. */
  #claim(key: TransferKey): () => boolean {
    const token = this.#live.get(key) ?? Symbol("transfer");
    this.#live.set(key, token);
    return () => this.#live.get(key) === token;
  }

  /** An offer comes by a code, or does not, whatever is listened for later. */
  #judgeCode({ key, party }: TransferEffect): void {
    const keys = this.#host.keysOf(party);
    if (keys !== undefined) this.#hold(key, keys);
  }

  #hold(key: TransferKey, keys: MetKeys): void {
    const release = keys.hold();
    this.#byCode.get(key)?.release();
    this.#byCode.set(key, { keys, release });
  }

  /** After the jobs of this transfer: the last may be its receipt. */
  #letGo({ key, party }: TransferEffect): void {
    const held = this.#byCode.get(key);
    if (held === undefined) return;
    const afterJobs = async (): Promise<void> => {
      await Promise.resolve();
      if (this.#byCode.get(key) === held) this.#byCode.delete(key);
      await this.#host.channels.between(party.fingerprint, async () => held.release());
    };
    this.settling(afterJobs());
  }

  #place(
    party: Party,
    role: "sending" | "receiving",
    transfer: Uint8Array,
    met?: MetKeys,
  ): JobPlace | undefined {
    const { self, ports } = this.#host;
    const own = { id: self.id, fingerprint: self.fingerprint };
    const suite: Suite = ports.suite;
    const relayFingerprint = this.#host.link()?.relayFingerprint;
    if (relayFingerprint === undefined) return undefined;
    const [sender, receiver] = role === "sending" ? [own, party] : [party, own];
    return { role, met, context: { suite, relayFingerprint, sender, receiver, transfer } };
  }

  #postReceipt({ fingerprint }: Party, transfer: Uint8Array, sealed: Uint8Array): void {
    const envelope = { kind: "receipt", transfer, sealed } as const;
    this.#host.step({ kind: "post", to: fingerprint, envelope });
  }
}
