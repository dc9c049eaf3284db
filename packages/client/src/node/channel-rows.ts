/**
 * The channels of an open state, and their receipts.
 *
 * Invariants: a record is durable when it is saved, with its receipt and without the package it has
 * used. One that a crash may undo is kept here instead, at most as long as what it replaces may lie
 * on the disk (state-journal.ts); the next change writes it, or what has taken its place by then:
 * most often the next record of this channel has.
 *
 * @module
 */
import { hex, wipe } from "@postern/core/bytes";
import { STRANGERS_CHANNELS_MAX } from "@postern/core/limits";
import type { ChannelId, SaveOptions, StoredChannel } from "../store.ts";
import type { WaitingChanges } from "./state-journal.ts";
import type { StateRows } from "./state-rows.ts";
import { CHANNEL_STAYS, RECEIVING_PEERS, STRANGERS_CHANNELS } from "./state-schema.ts";
import { channelOf, receiptOf } from "./stored-rows.ts";

export class ChannelRows implements WaitingChanges {
  readonly #rows: StateRows;
  /** Records that wait, copies of their own. */
  readonly #held = new Map<string, StoredChannel>();

  constructor(rows: StateRows) {
    this.#rows = rows;
  }

  get(at: ChannelId): Uint8Array | undefined {
    const held = this.#held.get(nameOf(at));
    if (held !== undefined) return this.#rows.run(() => held.record.slice());
    const row = this.#rows.get("channel", at.role, at.peer);
    return row && this.#rows.read(() => channelOf(row).record);
  }

  save(
    at: ChannelId,
    record: Uint8Array,
    usedPackage: Uint8Array | undefined,
    { mayBeLost, receipt: kept }: SaveOptions,
  ): void {
    const name = nameOf(at);
    const held = this.#held.get(name);
    if (mayBeLost === "by-crash" && usedPackage === undefined && kept === undefined) {
      this.#rows.later(this);
      this.#held.set(name, { role: at.role, peer: at.peer.slice(), record: record.slice() });
      return wipe(held?.record);
    }
    this.#held.delete(name);
    try {
      this.#rows.change(() => {
        this.#put(at, record);
        if (kept !== undefined) this.#rows.put("channel_receipt", at.peer, kept.slot, kept.receipt);
        if (usedPackage !== undefined) this.#rows.remove("key_package", usedPackage);
      }, mayBeLost !== undefined);
    } catch (error) {
      if (held !== undefined) {
        this.#held.set(name, held);
        // What waited before may have been written just now, without this one.
        this.#rows.later(this);
      }
      throw error;
    }
    wipe(held?.record);
  }

  receipt(peer: Uint8Array, slot: number): Uint8Array | undefined {
    const row = this.#rows.get("channel_receipt", peer, slot);
    return row && this.#rows.read(() => receiptOf(row));
  }

  all(): readonly StoredChannel[] {
    this.#rows.settle();
    const rows = this.#rows.all("channel", "rowid");
    return this.#rows.read(() => rows.map(channelOf));
  }

  /** Those that wait are written first. */
  drop(peer: Uint8Array): void {
    this.#rows.change(() => {
      for (const table of ["channel", "channel_receipt"])
        this.#rows.execute(`DELETE FROM ${table} WHERE peer = ?`, peer);
    });
  }

  write(): void {
    for (const held of this.#held.values()) this.#put(held, held.record);
  }

  written(): void {
    this.wipe();
  }

  /** What waits is lost. */
  wipe(): void {
    for (const { record } of this.#held.values()) wipe(record);
    this.#held.clear();
  }

  #put({ role, peer }: ChannelId, record: Uint8Array): void {
    const isInPlace = this.#rows.count(CHANNEL_STAYS, role, peer) > 0;
    // Else removed first: a row that is added has the latest rowid, and strangers go by that. It
    // also takes the pages of the old one, which would else be written beside its own.
    const isNew = !isInPlace && this.#rows.remove("channel", role, peer) === 0;
    this.#rows.put("channel", role, peer, record);
    if (!isNew) return;
    if (this.#rows.dropOldest("channel", STRANGERS_CHANNELS, STRANGERS_CHANNELS_MAX) > 0)
      this.#rows.execute(`DELETE FROM channel_receipt WHERE peer NOT IN (${RECEIVING_PEERS})`);
  }
}

function nameOf({ role, peer }: ChannelId): string {
  return `${role} ${hex(peer)}`;
}
