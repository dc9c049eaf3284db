/**
 * What a hostile relay does with envelopes: it drops, repeats, holds back, replays, carries to
 * somebody else, reflects and makes up (ATTACKS.md C). It cannot open them, and the links to its
 * clients are its own. In an honest run everything just passes.
 *
 * @module
 */
import { ByteWriter } from "@postern/core/bytes";
import { SIGNATURE_BYTES, SUITE_ID } from "@postern/core/crypto";
import type { RelayFrame } from "@postern/core/link";
import {
  decodeTransferEnvelope,
  encodeTransferEnvelope,
  type TransferEnvelope,
} from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { Caller, RelayLink } from "./relay-link.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

type PackageAnswer = Extract<RelayFrame, { readonly kind: "package" }>;
type Delivery = Extract<RelayFrame, { readonly kind: "delivery" }>;

interface Carried {
  readonly to: Caller;
  readonly delivery: Delivery;
}

export interface MalicePorts {
  readonly world: World;
  readonly weather: Weather;
}

export interface Reach {
  linkOf(fingerprint: Uint8Array): RelayLink | undefined;
  callers(): readonly Caller[];
  /** The package of last resort of who has made this one. */
  lastResort(keyPackage: Uint8Array): Uint8Array | undefined;
}

/** Both fingerprints, and the epoch, in an outer header (docs/protocol-end-to-end.md 7.3.3). */
const OUTER_ENDS = [49, 49 + 64] as const;
const OUTER_EPOCH = [9, 17] as const;
const RESYNC_BYTES = 175;
/** While a person decides, or much later. */
const HELD_MS_MAX = [60, 300, 5_000] as const;
const NONE = new Uint8Array(0);
const CARRIED_MAX = 400;

export class Malice {
  readonly #ports: MalicePorts;
  #reach: Reach | undefined;
  readonly #carried: Carried[] = [];
  /** Packages that were handed out. */
  readonly #packages: Uint8Array[] = [];

  constructor(ports: MalicePorts) {
    this.#ports = ports;
  }

  /** Where it can send. */
  attach(reach: Reach): void {
    this.#reach = reach;
  }

  deliver(to: Caller, delivery: Delivery): void {
    const { weather } = this.#ports;
    const carried = { to, delivery: { ...delivery, body: delivery.body.slice() } };
    if (this.#carried.length < CARRIED_MAX) this.#carried.push(carried);
    if (weather.tricks("drops")) this.#note("drops", carried);
    else if (weather.tricks("delays")) this.#hold("holds back", carried);
    else this.#send(carried);
    if (weather.tricks("repeats")) this.#repeat(carried);
    if (weather.tricks("replays")) this.#replay(to);
    if (weather.tricks("crosses")) this.#cross(to);
    if (weather.tricks("reflects")) this.#reflect(carried);
    if (weather.tricks("forges")) this.#forge(carried);
  }

  /** Instead of the package that was asked for: one from before, whoever's it is, or none. */
  exchange(answer: PackageAnswer): PackageAnswer {
    const { weather, world } = this.#ports;
    if (weather.tricks("hoards")) {
      world.note("relay holds a one-time package back");
      return { ...answer, keyPackage: this.#reach?.lastResort(answer.keyPackage) ?? NONE };
    }
    if (!weather.tricks("wrongPackages")) {
      if (answer.keyPackage.length > 0) this.#packages.push(answer.keyPackage.slice());
      return answer;
    }
    world.note("relay hands out a wrong package");
    const keyPackage = world.prng.chance(800) ? this.#pick(this.#packages) : undefined;
    return { ...answer, keyPackage: keyPackage ?? NONE };
  }

  #repeat(carried: Carried): void {
    this.#note("repeats", carried);
    this.#send(carried);
  }

  #replay(to: Caller): void {
    const earlier = this.#pick(this.#carried.filter((each) => each.to.name === to.name));
    if (earlier !== undefined) this.#hold("replays", earlier);
  }

  /** To somebody else, or as if from somebody else. */
  #cross(to: Caller): void {
    const { prng } = this.#ports.world;
    const earlier = this.#pick(this.#carried);
    const others = this.#reach?.callers() ?? [];
    const from = others[prng.below(Math.max(1, others.length))];
    if (earlier === undefined || from === undefined) return;
    const { body } = earlier.delivery;
    const { id, name } = prng.chance(500)
      ? from
      : { ...earlier.delivery, id: earlier.delivery.from };
    this.#hold("crosses", { to, delivery: { kind: "delivery", from: id, name, body } });
  }

  #reflect({ to, delivery }: Carried): void {
    const sender = (this.#reach?.callers() ?? []).find(({ name }) => name === delivery.name);
    if (sender === undefined) return;
    const reflected: Delivery = { ...delivery, from: to.id, name: to.name };
    this.#hold("reflects", { to: sender, delivery: reflected });
  }

  /** Envelopes of any kind in the name of either end, of a transfer that is known. */
  #forge({ to, delivery }: Carried): void {
    const sender = (this.#reach?.callers() ?? []).find(({ name }) => name === delivery.name);
    const { prng } = this.#ports.world;
    const forged = this.#forgery(decodeTransferEnvelope(delivery.body));
    const body = encodeTransferEnvelope(forged);
    const isBack = forged.kind === "withdraw" ? prng.chance(500) : forged.kind !== "close";
    const back: Delivery = { kind: "delivery", from: to.id, name: to.name, body };
    if (!isBack) this.#hold("forges", { to, delivery: { ...delivery, body } });
    else if (sender !== undefined) this.#hold("forges", { to: sender, delivery: back });
  }

  #forgery(seen: TransferEnvelope): TransferEnvelope {
    const { prng } = this.#ports.world;
    const { transfer } = seen;
    const kind = prng.pick(["refusal", "withdraw", "close", "resync", "receipt", "answer"]);
    switch (kind) {
      case "refusal":
        return {
          kind,
          transfer,
          verdict: prng.pick(["decline", "busy", "invalid", "key-unknown"]),
        };
      case "withdraw":
        return { kind, transfer, reason: prng.below(6) };
      case "close":
        if (seen.kind !== "offer") return { kind: "withdraw", transfer, reason: 1 };
        return { kind, transfer, outer: seen.outer, sealedHeader: seen.sealedHeader };
      case "resync":
        return { kind, transfer, resync: this.#resync(seen) };
      case "receipt":
      case "answer":
        return { kind, transfer, sealed: prng.bytes(prng.between(1, 1_500)) };
    }
  }

  /** One that is right but for its signature. */
  #resync(seen: TransferEnvelope): Uint8Array {
    const { prng } = this.#ports.world;
    if (seen.kind !== "offer") return prng.bytes(RESYNC_BYTES);
    const { outer, sealedHeader } = seen;
    return new ByteWriter()
      .u8(1)
      .u16(SUITE_ID)
      .raw(outer.subarray(...OUTER_ENDS))
      .raw(nativeSuite.sha256(new ByteWriter().lv(outer).lv(sealedHeader).bytes()))
      .raw(prng.chance(500) ? new Uint8Array(8) : outer.subarray(...OUTER_EPOCH))
      .u32(0)
      .raw(prng.bytes(SIGNATURE_BYTES))
      .bytes();
  }

  #hold(what: string, carried: Carried): void {
    const { world } = this.#ports;
    this.#note(what, carried);
    world.after(world.prng.below(world.prng.pick(HELD_MS_MAX)), () => this.#send(carried));
  }

  #send({ to, delivery }: Carried): void {
    this.#reach?.linkOf(to.fingerprint)?.write(delivery);
  }

  #note(what: string, { to, delivery }: Carried): void {
    const kind = decodeTransferEnvelope(delivery.body).kind;
    this.#ports.world.note(`relay ${what} ${kind} from ${delivery.name} to ${to.name}`);
  }

  #pick<T>(all: readonly T[]): T | undefined {
    return all[this.#ports.world.prng.below(Math.max(1, all.length))];
  }
}
