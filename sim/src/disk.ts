/**
 * What a client's device keeps through a crash: the pair's master keys, files, parts. Every write
 * is whole and durable when it returns, as the SDK's stores promise.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import type { KeptKey } from "@postern/core/exchange";
import { Parts } from "./parts.ts";

export type Role = "sending" | "receiving";

/** There is one peer and one relay, so a role names the pair. */
export class Disk {
  rsaKey: RsaKeyPair | undefined;
  readonly parts = new Parts();
  readonly #forgetsCounters: boolean;
  readonly #pairs = new Map<Role, { readonly counter: number; readonly key?: Uint8Array }>();

  constructor(forgetsCounters: boolean) {
    this.#forgetsCounters = forgetsCounters;
  }

  kept(role: Role): KeptKey | undefined {
    const pair = this.#pairs.get(role);
    return pair?.key && { counter: pair.counter, key: pair.key.slice() };
  }

  /** Also after the key was dropped. */
  counter(role: Role): number {
    return this.#pairs.get(role)?.counter ?? 0;
  }

  keep(role: Role, { counter, key }: KeptKey): void {
    wipe(this.#pairs.get(role)?.key);
    this.#pairs.set(role, { counter, key: key.slice() });
  }

  drop(role: Role): void {
    const pair = this.#pairs.get(role);
    if (pair === undefined) return;
    wipe(pair.key);
    this.#pairs.set(role, { counter: this.#forgetsCounters ? 0 : pair.counter });
  }
}
