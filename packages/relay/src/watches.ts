/**
 * Who is told when whom goes (docs/protocol.md 6): both ends of an envelope watch each other, each
 * its latest `WATCHED_PEERS_MAX` peers. Keys are those of {@link keyOf}.
 *
 * Invariant: `a` is among the watchers of `b` exactly when `b` is among the watched of `a`, so the
 * memory is bounded by the connected clients.
 *
 * @module
 */
import { WATCHED_PEERS_MAX } from "@postern/core/limits";

export class Watches {
  /** Insertion order is age: the first is the one spoken with longest ago. */
  readonly #watched = new Map<string, Set<string>>();
  readonly #watchers = new Map<string, Set<string>>();

  /** Both watch each other from now on. */
  join(a: string, b: string): void {
    if (a === b) return;
    this.#watch(a, b);
    this.#watch(b, a);
  }

  /** Forgets `gone` and returns those who watched it. */
  leave(gone: string): string[] {
    for (const peer of this.#watched.get(gone) ?? []) remove(this.#watchers, peer, gone);
    this.#watched.delete(gone);
    const told = [...(this.#watchers.get(gone) ?? [])];
    for (const watcher of told) remove(this.#watched, watcher, gone);
    this.#watchers.delete(gone);
    return told;
  }

  #watch(watcher: string, peer: string): void {
    const peers = this.#watched.get(watcher) ?? new Set();
    this.#watched.set(watcher, peers);
    // Set again, so that it becomes the latest.
    if (!peers.delete(peer)) {
      const watchers = this.#watchers.get(peer) ?? new Set();
      this.#watchers.set(peer, watchers.add(watcher));
    }
    peers.add(peer);
    if (peers.size <= WATCHED_PEERS_MAX) return;
    const [oldest] = peers;
    if (oldest === undefined) return;
    peers.delete(oldest);
    remove(this.#watchers, oldest, watcher);
  }
}

function remove(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key);
  set?.delete(member);
  if (set?.size === 0) sets.delete(key);
}
