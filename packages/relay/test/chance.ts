/**
 * Hostile bytes that can be had again. Each run has a seed of its own, which its tests print;
 * POSTERN_TEST_SEED gives it back.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import process from "node:process";
import type { TestContext } from "node:test";

const SEED = Number(process.env["POSTERN_TEST_SEED"] ?? randomInt(2 ** 32));

export function chanceOf(t: TestContext): Chance {
  t.diagnostic(`POSTERN_TEST_SEED=${SEED}`);
  return new Chance(SEED);
}

/** splitmix32 */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  below(limit: number): number {
    return this.#next() % limit;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff);
  }

  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
}
