/**
 * Whom the relay has just shown, so that one message after another to the same contact asks once.
 *
 * Invariant: an answer serves for {@link FOUND_VALID_MS} on its link, and only while nothing
 * speaks against it: no transfer to this peer runs or has failed since, and it has not gone. So a
 * name that is given to another key is noticed at most that much later; whatever leaves meanwhile
 * is for the pinned key alone. A question under way is everybody's who has it before the answer,
 * unless something has failed or gone since it was asked.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import { FOUND_VALID_MS } from "@postern/core/limits";
import type { FoundFrame } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import type { Clock } from "./records/clock.ts";

/** More names than one client writes to within that time. */
const NAMES_MAX = 256;

interface Kept {
  readonly found: FoundFrame;
  readonly fingerprint: string;
  readonly at: InstantMs;
}

export class RecentFinds {
  readonly #clock: Pick<Clock, "now">;
  /** By name at the relay; the first is the oldest. */
  readonly #kept = new Map<string, Kept>();
  /** Questions under way, by name at the relay. */
  readonly #asked = new Map<string, Promise<FoundFrame>>();
  /** Transfers under way, by the fingerprint of the peer. */
  readonly #running = new Map<string, number>();
  #spokenAgainst = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** The relay's answer of just now; `undefined` when it has to be asked. */
  of(relayName: string): FoundFrame | undefined {
    const kept = this.#kept.get(relayName);
    if (kept === undefined || this.#running.has(kept.fingerprint)) return undefined;
    if (this.#clock.now() - kept.at < FOUND_VALID_MS) return kept.found;
    this.#kept.delete(relayName);
    return undefined;
  }

  /** The answer to the question that is under way already, or to `ask`. */
  async next(relayName: string, ask: (name: string) => Promise<FoundFrame>): Promise<FoundFrame> {
    const asked = this.#asked.get(relayName);
    if (asked !== undefined) return await asked;
    const asking = ask(relayName);
    this.#asked.set(relayName, asking);
    try {
      return await asking;
    } finally {
      if (this.#asked.get(relayName) === asking) this.#asked.delete(relayName);
    }
  }

  /** Changes with whatever speaks against answers to what was asked before. */
  get mark(): number {
    return this.#spokenAgainst;
  }

  /**
   * `found` is of a peer that is free, whose fingerprint (32 bytes) this is.
   *
   * @param mark of when it was asked for. The relay may say behind its answer, in the same bundle,
   * that this peer has gone, or the link may end, before whoever has asked goes on.
   */
  keep(relayName: string, found: FoundFrame, fingerprint: Uint8Array, mark: number): void {
    if (mark !== this.#spokenAgainst) return;
    this.#kept.delete(relayName);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < NAMES_MAX) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(relayName, { found, fingerprint: hex(fingerprint), at: this.#clock.now() });
  }

  /** A transfer to this peer begins: whether it has room for another only the relay can say. */
  use(fingerprint: Uint8Array, finished: Promise<unknown>): void {
    const key = hex(fingerprint);
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
    const ended = (): void => {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left > 0) this.#running.set(key, left);
      else this.#running.delete(key);
    };
    finished.then(ended, () => {
      ended();
      this.#forget(key);
    });
  }

  /** This peer has gone. */
  forget(fingerprint: Uint8Array): void {
    this.#forget(hex(fingerprint));
  }

  /** The link is another one, or none. */
  clear(): void {
    this.#spokenAgainst++;
    this.#kept.clear();
    this.#asked.clear();
  }

  #forget(key: string): void {
    this.#spokenAgainst++;
    // Whose names are asked for is not known yet.
    this.#asked.clear();
    for (const [name, { fingerprint }] of this.#kept)
      if (fingerprint === key) this.#kept.delete(name);
  }
}
