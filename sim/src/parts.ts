/**
 * Contents that are not whole, on a client's disk: what it has received of each so far, and what it
 * has begun to send. Every write is whole and durable when it returns.
 *
 * @module
 */
import { concat, hex } from "@postern/core/bytes";
import { ridesInEnvelopes, type ContentDescription } from "@postern/core/transfer";
import type { Outgoing } from "./client-driver.ts";
import type { Name } from "./ledger.ts";

/** Names a content from one sender. */
export type PartKey = string;

export interface Unfinished {
  readonly to: Name;
  readonly outgoing: Outgoing;
}

const NOTHING = new Uint8Array(0);

/** `undefined`: a message that comes in one piece, or not at all. */
export function partKeyOf(sender: Uint8Array, content: ContentDescription): PartKey | undefined {
  if (ridesInEnvelopes(content)) return undefined;
  return `${hex(sender)}:${hex(content.contentId)}`;
}

export class Parts {
  /** By content id, of those that were sent. */
  readonly unfinished = new Map<string, Unfinished>();
  readonly #received = new Map<PartKey, Uint8Array>();

  received(key: PartKey): Uint8Array {
    return this.#received.get(key) ?? NOTHING;
  }

  /** False: it does not fit behind what is there. */
  append(key: PartKey, offset: number, bytes: Uint8Array): boolean {
    const before = this.received(key);
    if (before.length !== offset) return false;
    this.#received.set(key, concat(before, bytes));
    return true;
  }

  /** It is whole. */
  drop(key: PartKey): void {
    this.#received.delete(key);
  }
}
