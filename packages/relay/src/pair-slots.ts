/**
 * Slots in which two people with a code meet (docs/protocol-pairing.md 10.1). The relay sees who
 * meets and how much they say; the words of the code are not for it.
 *
 * ```text
 *           join (once, ever)          close, leave, PAIR_SLOT_MS
 *   open ──────────────────────► joined ──────────────────────────► (gone)
 *     └────────── close, leave, PAIR_SLOT_MS ─────────────────────► (gone)
 * ```
 *
 * Invariants: a slot that somebody has joined is never open again; nobody's slot goes to make room
 * for another one; whoever guesses at slots is slowed down, by link and by network address.
 *
 * @module
 */
import {
  PAIR_JOINS_PER_ADDRESS,
  PAIR_JOINS_PER_LINK,
  PAIR_JOINS_WINDOW_MS,
  PAIR_SLOT_MS,
  PAIR_SLOTS_MAX,
  PAIR_SLOTS_MIN,
  PAIR_SLOTS_PER_ADDRESS_MAX,
  PAIR_SLOTS_PER_LINK_MAX,
} from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import { Allowances } from "./allowance.ts";
import type { LinkId } from "./switchboard-io.ts";

export interface PairLimits {
  readonly slotsPerAddressMax: number;
  /** In `PAIR_JOINS_WINDOW_MS`. */
  readonly joinsPerAddress: number;
}

/** A link, and the network address it comes from. */
export interface PairEnd {
  readonly link: LinkId;
  /** Equal for links whose limits are shared; `undefined` when it is not known. */
  readonly address: string | undefined;
}

export type Joining =
  | { readonly kind: "joined"; readonly opener: LinkId }
  /** No such slot, or somebody has joined it. */
  | { readonly kind: "unknown" }
  | { readonly kind: "overloaded" };

/** A slot that is gone, and a link that was an end of it. */
export interface LostSlot {
  readonly slot: number;
  readonly link: LinkId;
}

interface Slot {
  readonly number: number;
  readonly opener: PairEnd;
  readonly deadline: InstantMs;
  joiner: LinkId | undefined;
}

/** So many numbers for each slot in use: one guess in a hundred meets somebody. */
const NUMBERS_PER_SLOT = 100;

export class PairSlots {
  readonly #random: (length: number) => Uint8Array;
  readonly #limits: PairLimits;
  /** Oldest first: every slot gets the same time, so the first is due first. */
  readonly #slots = new Map<number, Slot>();
  readonly #byLink = new Map<LinkId, Set<Slot>>();
  readonly #perAddress = new Map<string, number>();
  readonly #joinsOfLinks: Allowances;
  readonly #joinsOfAddresses: Allowances;

  constructor(random: (length: number) => Uint8Array, limits: Partial<PairLimits> = {}) {
    this.#random = random;
    this.#limits = {
      slotsPerAddressMax: PAIR_SLOTS_PER_ADDRESS_MAX,
      joinsPerAddress: PAIR_JOINS_PER_ADDRESS,
      ...limits,
    };
    const windowMs = PAIR_JOINS_WINDOW_MS;
    this.#joinsOfLinks = new Allowances({ countMax: PAIR_JOINS_PER_LINK, windowMs });
    const countMax = this.#limits.joinsPerAddress;
    this.#joinsOfAddresses = new Allowances({ countMax, windowMs });
  }

  get size(): number {
    return this.#slots.size;
  }

  /** When {@link expire} is due. */
  get deadline(): InstantMs | undefined {
    for (const slot of this.#slots.values()) return slot.deadline;
    return undefined;
  }

  /** The number of a new slot; `undefined` when there are too many, of this link or of all. */
  open(opener: PairEnd, now: InstantMs): number | undefined {
    const { link, address } = opener;
    const ofAddress = address === undefined ? 0 : (this.#perAddress.get(address) ?? 0);
    if (this.#slots.size >= PAIR_SLOTS_MAX || ofAddress >= this.#limits.slotsPerAddressMax)
      return undefined;
    if (this.#openedBy(link) >= PAIR_SLOTS_PER_LINK_MAX) return undefined;
    const number = this.#draw();
    const slot: Slot = { number, opener, deadline: after(now, PAIR_SLOT_MS), joiner: undefined };
    this.#slots.set(number, slot);
    this.#attach(link, slot);
    if (address !== undefined) this.#perAddress.set(address, ofAddress + 1);
    return number;
  }

  /** Lets a link in, whether it knows the words or not: it has one guess, and so has everybody. */
  join({ link, address }: PairEnd, number: number, now: InstantMs): Joining {
    if (!this.#joinsOfLinks.take(link, now)) return { kind: "overloaded" };
    if (address !== undefined && !this.#joinsOfAddresses.take(address, now))
      return { kind: "overloaded" };
    const slot = this.#slots.get(number);
    if (slot === undefined || slot.joiner !== undefined || now >= slot.deadline)
      return { kind: "unknown" };
    // One link cannot be both ends: what it sent would come back to it.
    if (slot.opener.link === link) return { kind: "unknown" };
    slot.joiner = link;
    this.#attach(link, slot);
    return { kind: "joined", opener: slot.opener.link };
  }

  /** The other end, if `link` is one and there is another. */
  otherEnd(number: number, link: LinkId): LinkId | undefined {
    const slot = this.#slots.get(number);
    if (slot?.opener.link === link) return slot.joiner;
    return slot?.joiner === link ? slot.opener.link : undefined;
  }

  /** An end is done with it. Returns the other end, who has to hear of it. */
  close(number: number, link: LinkId): LinkId | undefined {
    const slot = this.#slots.get(number);
    if (slot === undefined || (slot.opener.link !== link && slot.joiner !== link)) return undefined;
    const other = this.otherEnd(number, link);
    this.#remove(slot);
    return other;
  }

  /** A link has ended, and with it all its slots. Returns the other ends. */
  leave(link: LinkId): LostSlot[] {
    const lost: LostSlot[] = [];
    for (const slot of this.#byLink.get(link) ?? []) {
      const other = this.otherEnd(slot.number, link);
      if (other !== undefined) lost.push({ slot: slot.number, link: other });
      this.#remove(slot);
    }
    return lost;
  }

  /** Ends the slots whose time is up. Returns all their ends. */
  expire(now: InstantMs): LostSlot[] {
    const lost: LostSlot[] = [];
    for (const slot of this.#slots.values()) {
      if (now < slot.deadline) break;
      for (const link of endsOf(slot)) lost.push({ slot: slot.number, link });
      this.#remove(slot);
    }
    return lost;
  }

  #openedBy(link: LinkId): number {
    let count = 0;
    for (const slot of this.#byLink.get(link) ?? []) if (slot.opener.link === link) count++;
    return count;
  }

  /** A free number at random, among so many that at most one in a hundred is taken. */
  #draw(): number {
    const range = Math.max(PAIR_SLOTS_MIN, NUMBERS_PER_SLOT * this.#slots.size);
    for (;;) {
      const number = 1 + this.#below(range);
      if (!this.#slots.has(number)) return number;
    }
  }

  #below(range: number): number {
    // What is above the last whole multiple would make low numbers likelier.
    const end = 2 ** 32 - (2 ** 32 % range);
    for (;;) {
      const bytes = this.#random(4);
      const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (value < end) return value % range;
    }
  }

  #attach(link: LinkId, slot: Slot): void {
    this.#byLink.set(link, (this.#byLink.get(link) ?? new Set()).add(slot));
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.number);
    for (const link of endsOf(slot)) {
      const slots = this.#byLink.get(link);
      slots?.delete(slot);
      if (slots?.size === 0) this.#byLink.delete(link);
    }
    const { address } = slot.opener;
    if (address === undefined) return;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

function endsOf({ opener, joiner }: Slot): LinkId[] {
  return joiner === undefined ? [opener.link] : [opener.link, joiner];
}
