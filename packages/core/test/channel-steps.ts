/**
 * The steps of a channel between two {@link Device}s, each checked to be of the kind that a test
 * expects: seal, open, receipt, resync; and the suites that watch them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { concat, hex, label } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import type { ExchangeContext, ExchangeInput } from "@postern/core/exchange";
import type { WallMs } from "@postern/core/time";
import { encodeHeader } from "../src/transfer/header.ts";
import type { ChannelJob } from "../src/exchange/end-to-end/channel-jobs.ts";
import type { Verdict } from "../src/exchange/verdict.ts";
import { contextOf, Device, NOW } from "./channel-lab.ts";
import { contentOf, expectKind } from "./exchange-lab.ts";

export type Ready = Extract<ExchangeInput, { kind: "offer-sealed" }>["ready"];
export type Outcome = Extract<ExchangeInput, { kind: "offer-opened" }>["outcome"];
export type Opened = Extract<Outcome, { kind: "opened" }>["offer"];
type Fetch = () => Uint8Array | undefined;

/** A padded message: short, so that tests are quick. */
export const TEXT = new Uint8Array(256).fill(65);

export function pair(): { readonly alice: Device; readonly bob: Device } {
  return { alice: new Device(1), bob: new Device(2) };
}

export function headerOf(context: ExchangeContext): Uint8Array {
  const content = contentOf({ kind: "message", name: "", size: TEXT.length });
  const until = (NOW + 60_000) as WallMs;
  return encodeHeader(context.transfer, { content, created: NOW, until, sessionSeconds: 5 });
}

export function seal(
  from: Device,
  context: ExchangeContext,
  fetch?: Fetch,
  message: Uint8Array | undefined = TEXT,
): Ready {
  const job = { kind: "seal-offer", header: headerOf(context), message } as const;
  return expectKind(from.perform(job, context, fetch), "offer-sealed").ready;
}

/** The error of an offer that must not be made. */
export function sealFails(from: Device, context: ExchangeContext, fetch?: Fetch): string {
  const job = { kind: "seal-offer", header: headerOf(context), message: TEXT } as const;
  return expectKind(from.perform(job, context, fetch), "job-failed").error.code;
}

/** An offer as it crosses the relay. */
export interface OfferOnTheWay {
  readonly outer: Uint8Array;
  readonly sealedHeader: Uint8Array;
  readonly content: Uint8Array;
}

export function onTheWay({ outer, sealedHeader, inChannel }: Ready): OfferOnTheWay {
  return { outer, sealedHeader, content: inChannel?.content ?? new Uint8Array(0) };
}

export function open(
  at: Device,
  context: ExchangeContext,
  offer: Ready | OfferOnTheWay,
  kind: "open-offer" | "close-offer" = "open-offer",
): Outcome {
  const { outer, sealedHeader, content } = "keys" in offer ? onTheWay(offer) : offer;
  const job: ChannelJob =
    kind === "open-offer" ? { kind, outer, sealedHeader, content } : { kind, outer, sealedHeader };
  return expectKind(at.perform(job, context), "offer-opened").outcome;
}

export function opened(outcome: Outcome): Opened {
  return expectKind(outcome, "opened").offer;
}

export function receipt(
  at: Device,
  context: ExchangeContext,
  { n, epoch }: { readonly n: number; readonly epoch: number },
  verdict: Verdict = "accept",
): Uint8Array {
  const words = { verdict, total: TEXT.length, digest: new Uint8Array(32).fill(3) };
  const input = at.perform({ kind: "seal-receipt", place: { n, epoch }, words }, context);
  return expectKind(input, "receipt-sealed").receipt;
}

/** The verdict; `undefined` when the sender does not take it. */
export function heard(at: Device, context: ExchangeContext, sealed: Uint8Array) {
  const input = at.perform({ kind: "open-receipt", receipt: sealed }, context);
  return expectKind(input, "receipt-opened").receipt?.verdict;
}

/** What the sender makes of the resync in `outcome`. */
export function resync(
  from: Device,
  context: ExchangeContext,
  { outer, sealedHeader, inChannel }: Ready,
  outcome: Outcome,
): string {
  const said = expectKind(outcome, "out-of-step").resync;
  const epoch = inChannel?.epoch ?? 0;
  const job = { kind: "heed-resync", resync: said, epoch, outer, sealedHeader } as const;
  return expectKind(from.perform(job, context), "resync-heeded").outcome.kind;
}

/** One whole transfer: offer, opening, receipt. */
export function transfer(
  from: Device,
  to: Device,
  id: number,
  suite: Suite = nobleSuite,
): { readonly context: ExchangeContext; readonly ready: Ready; readonly offer: Opened } {
  const context = { ...contextOf(from, to, id), suite };
  const ready = seal(from, context, () => to.offerPackage());
  const offer = opened(open(to, context, ready));
  assert.deepEqual(offer.message?.content, TEXT);
  assert.equal(heard(from, context, receipt(to, context, offer)), "accept");
  return { context, ready, offer };
}

/**
 * All that both ends have stored, to see that nothing changed: digests, because `deepEqual` of long
 * byte arrays that differ takes memory by the square of their length.
 */
export function stored(...devices: readonly Device[]): readonly string[] {
  const digest = (...parts: readonly Uint8Array[]) => hex(nobleSuite.sha256(...parts));
  return devices.flatMap(({ records, packages }) => {
    const pairs = [...records].map(([key, record]) => `${key} ${digest(record)}`);
    const kids = [...packages].map(([kid, { seed, encoded }]) => `${kid} ${digest(seed, encoded)}`);
    return [...pairs.toSorted(), ...kids.toSorted()];
  });
}

/** Remembers under which key and nonce something was sealed. */
export class SealWatch {
  readonly #seen = new Set<string>();
  readonly repeated: string[] = [];
  readonly suite: Suite = {
    ...nobleSuite,
    seal: (key, nonce, aad, plaintext) => {
      const name = hex(concat(key, nonce));
      if (this.#seen.has(name)) this.repeated.push(name);
      this.#seen.add(name);
      return nobleSuite.seal(key, nonce, aad, plaintext);
    },
  };

  get count(): number {
    return this.#seen.size;
  }
}

/** Counts what costs time, by its name. */
export class WorkWatch {
  readonly done: string[] = [];
  readonly suite: Suite = {
    ...nobleSuite,
    kemFromSeed: (seed) => this.#note("kem", nobleSuite.kemFromSeed(seed)),
    decapsulate: (pairOfKeys, ct) => this.#note("kem", nobleSuite.decapsulate(pairOfKeys, ct)),
    extract: (salt, secret) => this.#note("kdf", nobleSuite.extract(salt, secret)),
    expand: (key, info, length) => this.#note("kdf", nobleSuite.expand(key, info, length)),
    open: (...args) => this.#note("open", nobleSuite.open(...args)),
    verify: (...args) => this.#note("verify", nobleSuite.verify(...args)),
    sign: (...args) => this.#note("sign", nobleSuite.sign(...args)),
  };

  #note<T>(what: string, result: T): T {
    this.done.push(what);
    return result;
  }
}

/** A signature of a client on something that no step of the protocol would have it sign. */
export function signedBy(device: Device, use: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return nobleSuite.sign(device.identity.signing, concat(label(use), ...parts));
}
