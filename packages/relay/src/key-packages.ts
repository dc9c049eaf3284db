/**
 * Where a relay keeps its clients' key packages (docs/protocol-end-to-end.md 7.3.2). A port,
 * synchronous, so that the switchboard stays free of I/O; the form in memory is for simulators and
 * tests. A package is public, and nobody here has checked its signature.
 *
 * @module
 */
import type { HeldPackage } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { keyOf } from "./keys.ts";

export interface KeptPackage extends HeldPackage {
  /** It may be handed out until then. */
  readonly notAfter: WallMs;
}

export interface NewPackage extends KeptPackage {
  readonly bytes: Uint8Array;
}

export interface KeyPackages {
  /** Packages of all identities. */
  readonly count: number;
  /** Those of one identity, in the order of their publication; some may be past their time. */
  list(owner: Uint8Array): readonly KeptPackage[];
  read(owner: Uint8Array, kid: Uint8Array): Uint8Array | undefined;
  /** Drops first, then adds: all of it or nothing, and durable when it returns. */
  change(owner: Uint8Array, dropped: readonly Uint8Array[], added: readonly NewPackage[]): void;
  /** Drops up to `countMax` of anybody that are past their time. */
  sweep(wall: WallMs, countMax: number): void;
}

/** Packages that last as long as the process. */
export function memoryPackages(): KeyPackages {
  const owners = new Map<string, Map<string, NewPackage>>();
  let count = 0;
  const change: KeyPackages["change"] = (owner, dropped, added) => {
    const kept = owners.get(keyOf(owner)) ?? new Map<string, NewPackage>();
    const before = kept.size;
    for (const kid of dropped) kept.delete(keyOf(kid));
    for (const each of added)
      kept.set(keyOf(each.kid), { ...each, kid: each.kid.slice(), bytes: each.bytes.slice() });
    count += kept.size - before;
    if (kept.size > 0) owners.set(keyOf(owner), kept);
    else owners.delete(keyOf(owner));
  };
  return {
    get count() {
      return count;
    },
    list: (owner) => [...(owners.get(keyOf(owner))?.values() ?? [])],
    read: (owner, kid) => owners.get(keyOf(owner))?.get(keyOf(kid))?.bytes,
    change,
    sweep(wall, countMax) {
      let left = countMax;
      for (const [owner, kept] of owners)
        for (const [kid, { notAfter }] of kept) {
          if (notAfter >= wall || left-- <= 0) continue;
          kept.delete(kid);
          count--;
          if (kept.size === 0) owners.delete(owner);
        }
    },
  };
}
