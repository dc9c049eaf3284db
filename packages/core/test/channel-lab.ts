/**
 * Two clients' stores and the jobs between them, without links and transfers: what a driver does
 * around `performChannelJob`, in memory.
 */
import { hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import {
  packageWanted,
  performChannelJob,
  ReadyKeys,
  type ChannelJob,
  type ExchangeContext,
  type ExchangeInput,
} from "@postern/core/exchange";
import { encodeKeyPackage, identityFromSeed, type PackageType } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";

export const NOW = 1_800_000_000_000 as WallMs;
const DAY_MS = 86_400_000;

/** One client: its identity and what it keeps. */
export class Device {
  readonly identity;
  records = new Map<string, Uint8Array>();
  packages = new Map<string, { readonly seed: Uint8Array; readonly encoded: Uint8Array }>();
  pairingSecret: Uint8Array | undefined;
  /** In memory, by peer: none after a restart. */
  readyKeys = new Map<string, ReadyKeys>();
  readonly #suite: Suite;
  #kids = 0;

  /** `suite` makes its packages; what a job is done with stands in the context. */
  constructor(seed: number, suite: Suite = nobleSuite) {
    this.#suite = suite;
    this.identity = identityFromSeed(suite, new Uint8Array(32).fill(seed));
  }

  get party(): { readonly id: Uint8Array; readonly fingerprint: Uint8Array } {
    return { id: this.identity.id, fingerprint: this.identity.fingerprint };
  }

  /** A new package, its secret kept. */
  offerPackage(type: PackageType = "one-time", notAfter: number = NOW + DAY_MS): Uint8Array {
    this.#kids++;
    const kid = new Uint8Array(16).fill(this.#kids);
    const { seed, publicKey } = this.#suite.generateKem();
    const times = { notBefore: NOW, notAfter: notAfter as WallMs };
    const fields = { type, kid, publicKey, ...times, profiles: 4 };
    const encoded = encodeKeyPackage(this.#suite, this.identity, fields);
    this.packages.set(hex(kid), { seed, encoded });
    return encoded;
  }

  /** The whole state as it is now. */
  snapshot(): Pick<Device, "records" | "packages"> {
    return { records: new Map(this.records), packages: new Map(this.packages) };
  }

  restore({ records, packages }: Pick<Device, "records" | "packages">): void {
    this.records = new Map(records);
    this.packages = new Map(packages);
    this.readyKeys = new Map();
  }

  /** Does a job as a driver does; `fetch` stands for the relay. */
  perform(
    job: ChannelJob,
    context: ExchangeContext,
    fetch: () => Uint8Array | undefined = () => undefined,
  ): ExchangeInput {
    const isSending = context.sender.fingerprint === this.identity.fingerprint;
    const peer = hex((isSending ? context.receiver : context.sender).fingerprint);
    const kid = "outer" in job ? packageWanted(context, job.outer) : undefined;
    const material = {
      sending: this.records.get(`sending ${peer}`)?.slice(),
      receiving: this.records.get(`receiving ${peer}`)?.slice(),
      package: kid && this.packages.get(hex(kid)),
      pairingSecret: this.pairingSecret,
      readyKeys: this.readyKeys.get(peer) ?? new ReadyKeys(),
    };
    this.readyKeys.set(peer, material.readyKeys);
    const place = { context, identity: this.identity, now: NOW };
    let step = performChannelJob(place, job, material);
    if (step.kind === "needs-package") {
      const peerPackage = fetch();
      const replyPackage =
        material.receiving === undefined ? this.offerPackage("reply") : undefined;
      step = performChannelJob(place, job, { ...material, peerPackage, replyPackage });
    }
    if (step.kind === "needs-receipt") {
      const receipt = this.records.get(`receipt ${peer} ${step.slot}`);
      step = performChannelJob(place, job, { ...material, receipt });
    }
    if (step.kind !== "done") throw new Error("no package, or no receipt");
    for (const { role, record, usedPackage, receipt: kept } of step.saves) {
      this.records.set(`${role} ${peer}`, record);
      if (kept !== undefined) this.records.set(`receipt ${peer} ${kept.slot}`, kept.receipt);
      if (usedPackage !== undefined) this.packages.delete(hex(usedPackage));
    }
    return step.input;
  }
}

export function contextOf(
  sender: Device,
  receiver: Device,
  id: number,
  suite: Suite = nobleSuite,
): ExchangeContext {
  return {
    suite,
    relayFingerprint: new Uint8Array(32).fill(7),
    sender: sender.party,
    receiver: receiver.party,
    transfer: new Uint8Array(16).fill(id),
  };
}
