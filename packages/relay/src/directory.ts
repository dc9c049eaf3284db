/**
 * The list of free receivers (docs/protocol.md 6): everyone connected who chose to be listed and
 * has room, in the order of their names, by pages.
 *
 * Invariant: a client is in the list exactly while its own last presence says so and its link
 * lives; nothing that others do takes it out (S-17).
 *
 * @module
 */
import type { ReceiverEntry } from "@postern/core/link";
import { RECEIVERS_PER_PAGE } from "@postern/core/limits";

export interface Page {
  readonly receivers: readonly ReceiverEntry[];
  /** Others follow behind the last one. */
  readonly more: boolean;
}

export class Directory {
  /** Sorted by code units, which for names are their bytes. */
  readonly #names: string[] = [];
  readonly #entries = new Map<string, ReceiverEntry>();

  get size(): number {
    return this.#names.length;
  }

  /** Adds or replaces; a name has one owner, hence one entry. */
  list(entry: ReceiverEntry): void {
    if (!this.#entries.has(entry.name)) this.#names.splice(this.#place(entry.name), 0, entry.name);
    this.#entries.set(entry.name, entry);
  }

  unlist(name: string): void {
    if (this.#entries.delete(name)) this.#names.splice(this.#place(name), 1);
  }

  /** The page behind `after`, which need not be listed any more; empty for the first page. */
  page(after: string): Page {
    const place = this.#place(after);
    const start = this.#names[place] === after ? place + 1 : place;
    const end = start + RECEIVERS_PER_PAGE;
    const receivers: ReceiverEntry[] = [];
    for (const name of this.#names.slice(start, end)) {
      const entry = this.#entries.get(name);
      if (entry !== undefined) receivers.push(entry);
    }
    return { receivers, more: end < this.#names.length };
  }

  /** Index of the first name that is not before `name`. */
  #place(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? "") < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
