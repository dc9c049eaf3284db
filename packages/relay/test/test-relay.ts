/**
 * A relay in a data directory of its own that goes with the test, a clock in the test's hands, and
 * what it logged.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { TestContext } from "node:test";
import type { InstantMs, WallMs } from "@postern/core/time";
import { pino } from "pino";
import type { RelayClock } from "../src/clock.ts";
import type { RelayLogger } from "../src/log.ts";
import { startRelay, type RelayOptions, type RunningRelay } from "../src/relay.ts";
import { within } from "./within.ts";

export async function dataDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "postern-relay-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "data");
}

export async function testRelay(
  t: TestContext,
  options: Partial<RelayOptions> = {},
): Promise<RunningRelay> {
  const dataDir = options.dataDir ?? (await dataDirectory(t));
  const logger = options.logger ?? logTo([], "silent");
  const handshakes = { handshakesPerAddressMax: 1_024, ...options.handshakes };
  const relay = await startRelay({
    host: "127.0.0.1",
    port: 0,
    ...options,
    dataDir,
    logger,
    handshakes,
  });
  t.after(() => within("the relay to stop", relay.close()));
  return relay;
}

/** A logger that puts its lines into `lines`. */
export function logTo(lines: string[], level: string): RelayLogger {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return pino({ level, base: null }, stream);
}

/** Real time until `advance` adds to it: sockets go on as always. */
export class TestClock implements RelayClock {
  #ahead = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly call: () => void }>();

  now(): InstantMs {
    return (performance.now() + this.#ahead) as InstantMs;
  }

  wall(): WallMs {
    return (Date.now() + this.#ahead) as WallMs;
  }

  wakeAt(at: InstantMs, call: () => void): () => void {
    const entry = { at, call };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  advance(ms: number): void {
    this.#ahead += ms;
    for (let due = this.#due(); due !== undefined; due = this.#due()) {
      this.#waiting.delete(due);
      due.call();
    }
  }

  #due(): { readonly at: number; readonly call: () => void } | undefined {
    const now = this.now();
    return [...this.#waiting].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)[0];
  }
}
