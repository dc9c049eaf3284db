/**
 * Runs a cast until something holds, or something that must not be has been seen.
 *
 * @module
 */
import { CONSENT_TIMEOUT_MS, LINK_DEAD_MS } from "@postern/core/limits";
import type { Cast } from "./cast.ts";
import type { ClientDriver } from "./client-driver.ts";

/** Nobody waits longer than for a person, and then for the answer. */
const SETTLE_MS_MAX = CONSENT_TIMEOUT_MS + 120_000;
/** Links that fell silent are found dead and renewed within this time. */
const RENEW_MS = LINK_DEAD_MS + 10_000;
/** A dead link is found within a minute, then renewed. */
const RECOVER_MS_MAX = 300_000;

/** The first thing that must not be, as soon as a checker has seen it. */
export class Verdict {
  violation: string | undefined;
  readonly report = (violation: string): void => {
    this.violation ??= violation;
  };
}

export class Stage {
  readonly cast: Cast;
  readonly verdict: Verdict;
  readonly #isSettled: () => boolean;

  constructor(cast: Cast, verdict: Verdict, isSettled: () => boolean) {
    this.cast = cast;
    this.verdict = verdict;
    this.#isSettled = isSettled;
  }

  /** Everybody comes up, has a bad day as `plan` says, and then the weather clears. */
  async badDay(plan: (cast: Cast) => number): Promise<void> {
    const { world, weather, clients } = this.cast;
    for (const client of clients) client.start();
    // A receiver is there for strangers once its packages are.
    const isUp = ({ isReady, isIdle }: ClientDriver): boolean => isReady && isIdle;
    await this.until(() => clients.every(isUp), "nobody comes up");
    const activeMs = plan(this.cast);
    await this.pass(activeMs);
    weather.clear();
    for (const client of clients) client.clockOffsetMs = 0;
    world.note("the weather clears");
    if (!weather.wasCalm) await this.pass(RENEW_MS);
    await this.quiet();
  }

  /** Every transfer ends, everybody is connected and waits for others. */
  async quiet(): Promise<void> {
    const { clients, weather } = this.cast;
    await this.until(this.#isSettled, "a transfer has no end", SETTLE_MS_MAX);
    await this.until(
      () => clients.every(({ isReady, isIdle }) => isReady && isIdle),
      "a client does not recover",
      Math.max(RECOVER_MS_MAX, SETTLE_MS_MAX),
    );
    // The last words are under way: presences, above all.
    await this.pass(4 * weather.climate.latencyMsMax);
  }

  async until(done: () => boolean, what: string, limitMs = RECOVER_MS_MAX): Promise<void> {
    if (!(await this.run(done, limitMs))) this.fail(`liveness: ${what}`);
  }

  async pass(ms: number): Promise<void> {
    await this.run(() => false, ms);
  }

  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    const stop = (): boolean => this.verdict.violation !== undefined || done();
    const isDone = await this.cast.world.run(stop, limitMs);
    if (this.verdict.violation !== undefined) throw new Error(this.verdict.violation);
    return isDone;
  }

  fail(violation: string): never {
    this.verdict.report(violation);
    throw new Error(violation);
  }

  checkLists(): void {
    const listed = this.cast.relay.listed();
    for (const { name, capacity } of this.cast.clients)
      if (listed.get(name) !== capacity)
        this.verdict.report(`presence: ${name} is listed with ${listed.get(name)} of ${capacity}`);
  }
}
