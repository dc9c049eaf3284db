/**
 * A client as far as channels go: its store, its desk, and a relay that hands out key packages.
 *
 * @module
 */
import type { ChannelJob, ExchangeContext, ExchangeInput } from "@postern/core/exchange";
import { makePackage } from "@postern/core/exchange";
import { identityFromSeed, type Identity } from "@postern/core/identity";
import { PROFILE_BITS } from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { ChannelDesk } from "../src/channel-desk.ts";
import { memoryStore } from "../src/memory-store.ts";
import type { MetKeys } from "../src/met-keys.ts";
import { PeerBook } from "../src/peer-book.ts";
import type { Store } from "../src/store.ts";

/** A channel carries it and does not read it. */
const HEADER = new Uint8Array(48).fill(5);
const NOW = 1_800_000_000_000 as WallMs;

export class ChannelPerson {
  readonly identity: Identity;
  readonly store: Store;
  readonly book = new PeerBook();
  readonly desk: ChannelDesk;
  /** What the relay says when it is asked for a package of the peer. */
  fetch: () => Promise<Uint8Array | undefined> = async () => undefined;
  fetched = 0;
  packagesUsed = 0;
  /** Of a meeting by a code, for all the jobs while it is set. */
  met: MetKeys | undefined;
  /** Ends the waiting for the relay. */
  expire: () => void = () => undefined;

  constructor(seed: number, change: (store: Store) => Store = (store) => store) {
    const signingSeed = new Uint8Array(32).fill(seed);
    this.identity = identityFromSeed(suite, signingSeed);
    const linkSeed = new Uint8Array(32).fill(seed + 100);
    this.store = memoryStore({ name: `person-${seed}`, signingSeed, linkSeed });
    const clock = {
      now: () => 0 as InstantMs,
      after: (_delayMs: number, run: () => void) => {
        this.expire = run;
        return () => undefined;
      },
    };
    this.desk = new ChannelDesk({
      ports: { store: change(this.store), suite, wall: () => NOW, clock },
      identity: this.identity,
      directory: {
        keyPackage: async () => {
          this.fetched += 1;
          return await this.fetch();
        },
      },
      book: this.book,
      onPackageUsed: () => {
        this.packagesUsed += 1;
      },
    });
  }

  /** A new package of this person, its secret stored. */
  async package(): Promise<Uint8Array> {
    const bits = PROFILE_BITS["end-to-end"];
    const made = makePackage(suite, this.identity, "one-time", bits, NOW);
    await this.store.saveKeyPackages([made]);
    return made.encoded;
  }

  async run(
    job: ChannelJob,
    context: ExchangeContext,
    isWanted?: () => boolean,
  ): Promise<ExchangeInput | undefined> {
    const role = context.sender.id === this.identity.id ? "sending" : "receiving";
    return await this.desk.run({ context, role, met: this.met }, job, isWanted);
  }

  /** Asks for an offer of a message. */
  async seal(context: ExchangeContext, text = "hello"): Promise<ExchangeInput | undefined> {
    const message = new Uint8Array(256);
    message.set(new TextEncoder().encode(text));
    return await this.run({ kind: "seal-offer", header: HEADER, message }, context);
  }
}

export function contextOf(
  { identity: sender }: ChannelPerson,
  { identity: receiver }: ChannelPerson,
  transfer: number,
): ExchangeContext {
  return {
    suite,
    relayFingerprint: new Uint8Array(32).fill(7),
    sender: { id: sender.id, fingerprint: sender.fingerprint },
    receiver: { id: receiver.id, fingerprint: receiver.fingerprint },
    transfer: new Uint8Array(16).fill(transfer),
  };
}

/** The answer, if it is of this kind. */
export function answer<K extends ExchangeInput["kind"]>(
  kind: K,
  input: ExchangeInput | undefined,
): Extract<ExchangeInput, { kind: K }> {
  if (input?.kind !== kind) throw new Error(`${input?.kind ?? "nothing"} instead of ${kind}`);
  return input as Extract<ExchangeInput, { kind: K }>;
}
