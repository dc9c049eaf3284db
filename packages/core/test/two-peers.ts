/**
 * Alice, Bob and a relay in memory, with a clock that is turned by hand. RSA is a toy that binds
 * recipient and label; records are a toy that hands a digest over. Everything else is real.
 */
import { createHash } from "node:crypto";
import { concat, equalBytes, hex, utf8 } from "@postern/core/bytes";
import { nobleSuite as suite } from "@postern/core/crypto/noble";
import type { PosternError } from "@postern/core/errors";
import type { KeptKey, TransferKeys } from "@postern/core/exchange";
import { fingerprintOf, identityFromSeed } from "@postern/core/identity";
import type { ClientFrame, LinkFrame, RelayFrame } from "@postern/core/link";
import {
  Peer,
  SeenTransfers,
  transferKey,
  type PeerEffect,
  type TransferKey,
} from "@postern/core/peer";
import type { InstantMs, WallMs } from "@postern/core/time";
import type {
  ContentDescription,
  Decision,
  HeldPrefix,
  Moment,
  TransferEvent,
  TransferInput,
} from "@postern/core/transfer";
import type { ReceiveInput } from "../src/transfer/receive-state.ts";
import { contentOf } from "./exchange-lab.ts";

export type Name = "alice" | "bob";

export interface Seen {
  readonly who: Name;
  readonly event: TransferEvent;
}

const RELAY = new Uint8Array(32).fill(7);
const TOTAL = 123;
const DIGEST = new Uint8Array(32).fill(9);

export class TwoPeers {
  readonly events: Seen[] = [];
  /** Every frame a client sent, for tests that look at the wire. */
  readonly sent: { readonly from: Name; readonly frame: LinkFrame }[] = [];
  readonly kept = new Map<string, KeptKey>();
  readonly jobs: string[] = [];
  /** May change or drop (`undefined`) a frame on its way to a client. */
  tamper: (to: Name, frame: RelayFrame) => RelayFrame | undefined = (_to, frame) => frame;
  /** What the relay answers to a request; `undefined` means it does its work. */
  refuse: (frame: ClientFrame) => "absent" | "refused" | undefined = () => undefined;
  decision: Decision | undefined = "accept";
  /** What Bob has of the content already. */
  held: HeldPrefix | undefined;
  /** What Alice finds when she compares it; `undefined`: she finds nothing, ever. */
  same: boolean | undefined = true;
  /** Where content began, and what was to be compared. */
  readonly begun: (readonly [Name, number])[] = [];
  /** Where each of them was to wait for consent. */
  readonly holds: (number | undefined)[] = [];
  readonly compared: HeldPrefix[] = [];
  recordsFail: PosternError | undefined;
  keepFails = false;
  /** While set, records neither end nor fail by themselves. */
  recordsHang = false;
  /** Keys of the transfer that Alice sends now. */
  keys: TransferKeys | undefined;
  readonly #queue: { readonly who: Name; readonly input: Parameters<Peer["step"]>[0] }[] = [];
  #now = 0;
  #wall = 1_700_000_000_000;
  readonly #peers: Readonly<Record<Name, Peer>>;
  readonly parties = { alice: party(1), bob: party(2) };

  /** `seen`: what Bob's client remembers of earlier links. */
  constructor(seen = new SeenTransfers()) {
    const peer = (who: Name): Peer =>
      new Peer({
        suite,
        self: this.parties[who],
        relayFingerprint: RELAY,
        ...(who === "bob" ? { seen } : {}),
      });
    this.#peers = { alice: peer("alice"), bob: peer("bob") };
  }

  moment(): Moment {
    return { instant: this.#now as InstantMs, wall: this.#wall as WallMs };
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#wall += ms;
    for (const who of ["alice", "bob"] as const)
      if ((this.#peers[who].deadline ?? Infinity) <= this.#now) this.step(who, { kind: "woke" });
  }

  /** Moves one side's wall clock only: both sides share it here, so it moves between two steps. */
  jumpWall(ms: number): void {
    this.#wall += ms;
  }

  listen(capacity = 1, profiles: readonly ("symmetric" | "asymmetric")[] = ["symmetric"]): void {
    this.step("bob", { kind: "listen", policy: { profiles, capacity }, listed: true });
  }

  send(
    content: ContentDescription = contentOf({ kind: "file", name: "a.txt", size: TOTAL }),
    id = 5,
  ): TransferKey {
    const transfer = new Uint8Array(16).fill(id);
    const request = { profile: "symmetric", content, sessionSeconds: 5 } as const;
    this.step("alice", { kind: "send", transfer, to: this.parties.bob, request });
    return transferKey(this.parties.bob.fingerprint, transfer);
  }

  aliceKey(id = 5): TransferKey {
    return transferKey(this.parties.bob.fingerprint, new Uint8Array(16).fill(id));
  }

  bobKey(id = 5): TransferKey {
    return transferKey(this.parties.alice.fingerprint, new Uint8Array(16).fill(id));
  }

  input(
    who: Name,
    key: TransferKey,
    input: TransferInput | Extract<ReceiveInput, { kind: "decide" }>,
  ): void {
    this.step(who, { kind: "transfer", key, input });
  }

  /** Inputs are taken one after the other, as drivers and wires do. */
  step(who: Name, input: Parameters<Peer["step"]>[0]): void {
    this.#queue.push({ who, input });
    if (this.#queue.length > 1) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const effects = this.#peers[next.who].step(next.input, this.moment());
      for (const effect of effects) this.#perform(next.who, effect);
      this.#queue.shift();
    }
  }

  kinds(who: Name): readonly string[] {
    return this.events.filter((seen) => seen.who === who).map(({ event }) => event.kind);
  }

  last(who: Name): TransferEvent | undefined {
    return this.events.findLast((seen) => seen.who === who)?.event;
  }

  deliver(to: Name, frame: RelayFrame): void {
    const arriving = this.tamper(to, frame);
    if (arriving !== undefined) this.step(to, { kind: "frame", frame: arriving });
  }

  #perform(who: Name, effect: PeerEffect): void {
    if (effect.kind === "frame") {
      this.sent.push({ from: who, frame: effect.frame });
      this.#relay(who, effect.frame as ClientFrame);
    } else if (effect.kind === "transfer") this.#drive(who, effect);
  }

  #relay(from: Name, frame: ClientFrame): void {
    const to: Name = from === "alice" ? "bob" : "alice";
    if (frame.kind !== "envelope" && frame.kind !== "key-up" && frame.kind !== "open-pipe") return;
    const refused = this.refuse(frame);
    const { request } = frame;
    if (refused !== undefined)
      return this.deliver(from, { kind: "result", request, status: refused });
    const { id, fingerprint } = this.parties[from];
    if (frame.kind === "envelope")
      this.deliver(to, { kind: "delivery", from: id, name: from, body: frame.body });
    else if (frame.kind === "key-up") {
      const ciphertext = rewrap(frame, fingerprint, this.parties[to].fingerprint);
      const { transfer, use } = frame;
      this.deliver(to, { kind: "key-down", from: id, transfer, use, ciphertext });
    } else {
      const { transfer } = frame;
      const ticket = (n: number): Uint8Array => new Uint8Array(32).fill(n);
      this.deliver(to, { kind: "pipe-ticket", peer: fingerprint, transfer, ticket: ticket(2) });
      const peer = this.parties[to].fingerprint;
      this.deliver(from, { kind: "pipe-ticket", peer, transfer, ticket: ticket(1) });
    }
    this.deliver(from, { kind: "result", request, status: "done" });
  }

  #drive(who: Name, { key, role, effect }: Extract<PeerEffect, { kind: "transfer" }>): void {
    const at = `${who} ${role}`;
    const answer = (input: TransferInput): void => this.input(who, key, input);
    this.jobs.push(`${who} ${effect.kind}`);
    switch (effect.kind) {
      case "emit":
        this.events.push({ who, event: effect.event });
        if (effect.event.kind === "offer" && this.decision !== undefined)
          this.input(who, key, { kind: "decide", decision: this.decision, held: this.held });
        return;
      case "check-held": {
        const { same } = this;
        this.compared.push({ offset: effect.offset, digest: effect.digest });
        if (same !== undefined) answer({ kind: "held-checked", same });
        return;
      }
      case "take-pair-key":
      case "load-pair-key": {
        const stored = this.kept.get(at);
        const kept = stored && { counter: stored.counter, key: stored.key.slice() };
        if (effect.kind === "take-pair-key") this.kept.delete(at);
        return answer({ kind: "pair-key", kept, counter: stored?.counter ?? 0 });
      }
      case "drop-pair-key":
        this.kept.delete(at);
        return answer({ kind: "pair-key-dropped" });
      case "keep-pair-key":
        this.kept.set(at, { ...effect.kept, key: effect.kept.key.slice() });
        return answer({ kind: "pair-key-kept" });
      case "encrypt-to-relay":
        return answer({
          kind: "encrypted",
          ciphertext: toyEncrypt(effect.label, effect.plaintext),
        });
      case "decrypt":
        return answer({
          kind: "decrypted",
          plaintext: toyDecrypt(effect.label, effect.ciphertext),
          ownSpki: new Uint8Array(0),
        });
      case "run-records":
        this.begun.push([who, effect.fromOffset]);
        this.holds.push(effect.holdAt);
        if (who === "alice") this.keys = effect.keys;
        if (this.recordsHang) return;
        if (this.recordsFail !== undefined)
          return answer({ kind: "records-failed", error: this.recordsFail });
        // The receiver finishes first in truth too: `done` comes from it.
        if (who === "alice") {
          const bob = [...this.events].some((seen) => seen.who === "bob");
          if (bob) this.input("bob", this.bobKeyOf(key), recordsDone());
          answer(recordsDone());
        }
        return;
      default:
        return;
    }
  }

  bobKeyOf(aliceKey: TransferKey): TransferKey {
    return `${hex(this.parties.alice.fingerprint)}:${aliceKey.split(":")[1]}`;
  }
}

function recordsDone(): TransferInput {
  return { kind: "records-done", total: TOTAL, digest: DIGEST };
}

function party(seed: number): { readonly id: Uint8Array; readonly fingerprint: Uint8Array } {
  const { id } = identityFromSeed(suite, new Uint8Array(32).fill(seed));
  return { id, fingerprint: fingerprintOf(suite, id) };
}

/** `hash of label (32) | plaintext`: opens under the same label only. */
function toyEncrypt(label: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return concat(createHash("sha256").update(label).digest(), plaintext);
}

function toyDecrypt(label: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  const expected = createHash("sha256").update(label).digest();
  return equalBytes(expected, ciphertext.subarray(0, 32)) ? ciphertext.slice(32) : undefined;
}

function rewrap(
  { ciphertext, use, transfer }: Extract<ClientFrame, { kind: "key-up" }>,
  sender: Uint8Array,
  receiver: Uint8Array,
): Uint8Array {
  const [up, down] = use === "this" ? ["sym-up", "sym-down"] : ["sym-next-up", "sym-next-down"];
  const label = (name: string): Uint8Array =>
    concat(utf8(`postern ${name}/1\0`), transfer, sender, receiver);
  const key = toyDecrypt(label(up), ciphertext);
  return key === undefined ? new Uint8Array(64) : toyEncrypt(label(down), key);
}
