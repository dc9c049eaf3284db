/**
 * The key packages that a simulated relay keeps for its switchboard. A relay that restarts may have
 * lost them all, or come back with an older copy: its clients have to notice
 * (docs/protocol-end-to-end.md 7.3.2).
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { WallMs } from "@postern/core/time";
import type { KeptPackage, KeyPackages, NewPackage } from "@postern/relay";
import type { World } from "./world.ts";

/** By owner. */
type Stock = ReadonlyMap<string, readonly NewPackage[]>;

export class RelayPackages implements KeyPackages {
  #stock: Stock = new Map();
  #copy: Stock = new Map();

  get count(): number {
    let count = 0;
    for (const packages of this.#stock.values()) count += packages.length;
    return count;
  }

  list(owner: Uint8Array): readonly KeptPackage[] {
    return this.#stock.get(hex(owner)) ?? [];
  }

  read(owner: Uint8Array, kid: Uint8Array): Uint8Array | undefined {
    const key = hex(kid);
    return this.#stock.get(hex(owner))?.find((each) => hex(each.kid) === key)?.bytes;
  }

  lastResort(owner: Uint8Array): Uint8Array | undefined {
    return this.#stock.get(hex(owner))?.find(({ type }) => type === "last-resort")?.bytes;
  }

  change(owner: Uint8Array, dropped: readonly Uint8Array[], added: readonly NewPackage[]): void {
    const key = hex(owner);
    const gone = new Set(dropped.map(hex));
    const kept = (this.#stock.get(key) ?? []).filter(({ kid }) => !gone.has(hex(kid)));
    const copies = added.map((each) => ({
      ...each,
      kid: each.kid.slice(),
      bytes: each.bytes.slice(),
    }));
    this.#stock = new Map(this.#stock).set(key, [...kept, ...copies]);
  }

  /** No run lasts as long as a package. */
  sweep(_wall: WallMs, _countMax: number): void {}

  restart({ prng }: World): void {
    const fate = prng.pick(["kept", "kept", "lost", "older"]);
    if (fate === "lost") this.#stock = new Map();
    if (fate === "older") this.#stock = this.#copy;
    this.#copy = this.#stock;
  }
}
