/**
 * What the end-to-end profile keeps on a client's device: both ends of its channels, the secrets of
 * its key packages, and what its person has been given. Each write is whole, and durable when it
 * returns, but for a lazy one, which is with the next of the channels' that is not. A device may
 * come back as the copy that was made of it earlier.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { ChannelSave, MadePackage } from "@postern/core/exchange";
import type { Role } from "./disk.ts";

interface Image {
  readonly channels: ReadonlyMap<string, Uint8Array>;
  readonly receipts: ReadonlyMap<string, Uint8Array>;
  readonly packages: ReadonlyMap<string, MadePackage>;
  /** Ids of transfers whose content is here. */
  readonly contents: ReadonlySet<string>;
}

const COPIES_MAX = 4;

export class ChannelDisk {
  readonly #keepsUsedPackages: boolean;
  #image: Image = {
    channels: new Map(),
    receipts: new Map(),
    packages: new Map(),
    contents: new Set(),
  };
  readonly #copies: Image[] = [];
  /** What a loss of power leaves; `undefined` when that is everything. */
  #synced: Image | undefined;

  constructor(keepsUsedPackages: boolean) {
    this.#keepsUsedPackages = keepsUsedPackages;
  }

  channel(peer: Uint8Array, role: Role): Uint8Array | undefined {
    return this.#image.channels.get(channelKey(peer, role))?.slice();
  }

  receipt(peer: Uint8Array, slot: number): Uint8Array | undefined {
    return this.#image.receipts.get(receiptKey(peer, slot));
  }

  /** Replaces it, and erases the package it has used up, in one write. */
  saveChannel(peer: Uint8Array, save: ChannelSave, isLazy: boolean): void {
    const { role, record, usedPackage, receipt: kept } = save;
    const before = this.#synced ?? this.#image;
    const channels = new Map(this.#image.channels);
    channels.set(channelKey(peer, role), record);
    const receipts = new Map(this.#image.receipts);
    if (kept !== undefined) receipts.set(receiptKey(peer, kept.slot), kept.receipt);
    const packages = new Map(this.#image.packages);
    if (usedPackage !== undefined && !this.#keepsUsedPackages) packages.delete(hex(usedPackage));
    this.#image = { ...this.#image, channels, receipts, packages };
    this.#synced = isLazy ? before : undefined;
  }

  package(kid: Uint8Array): MadePackage | undefined {
    return this.#image.packages.get(hex(kid));
  }

  packages(): readonly MadePackage[] {
    return [...this.#image.packages.values()];
  }

  savePackages(made: readonly MadePackage[]): void {
    const packages = new Map(this.#image.packages);
    for (const each of made) packages.set(hex(each.kid), each);
    this.#image = { ...this.#image, packages };
    this.#synced = undefined;
  }

  dropPackages(kids: readonly Uint8Array[]): void {
    const packages = new Map(this.#image.packages);
    for (const kid of kids) packages.delete(hex(kid));
    this.#image = { ...this.#image, packages };
    this.#synced = undefined;
  }

  has(transfer: string): boolean {
    return this.#image.contents.has(transfer);
  }

  store(transfer: string): void {
    const contents = new Set(this.#image.contents).add(transfer);
    this.#image = { ...this.#image, contents };
  }

  get isSynced(): boolean {
    return this.#synced === undefined;
  }

  /** What its person was given is in another place, and stays. */
  losePower(): void {
    const { contents } = this.#image;
    if (this.#synced !== undefined) this.#image = { ...this.#synced, contents };
    this.#synced = undefined;
  }

  /** Makes a copy that {@link restore} may come back to. */
  copy(): void {
    this.#copies.push(this.#image);
    if (this.#copies.length > COPIES_MAX) this.#copies.shift();
  }

  get copies(): number {
    return this.#copies.length;
  }

  /** It was restored at some time. */
  isCopy = false;

  /** Comes back as copy number `index`; the copies stay. */
  restore(index: number): void {
    this.#image = this.#copies[index] ?? this.#image;
    this.#synced = undefined;
    this.isCopy = true;
  }

  /** Everything secret that is on it now, to be searched. */
  *secrets(): Iterable<Uint8Array> {
    yield* this.#image.channels.values();
    for (const { seed } of this.#image.packages.values()) yield seed;
  }
}

function receiptKey(peer: Uint8Array, slot: number): string {
  return `${hex(peer)} ${slot}`;
}

function channelKey(peer: Uint8Array, role: Role): string {
  return `${role} ${hex(peer)}`;
}
