/**
 * Keeps a stock of this client's key packages at its relay, so that others can write to it.
 * docs/protocol-end-to-end.md 7.3.2.
 *
 * Invariants: a package is published only after its secret is stored; whatever the relay says, it
 * gets no more than `PACKAGES_MADE_PER_HOUR` that nobody used. A failure is nobody's trouble: the
 * next link, or the next package that is used up, tries again. A store that failed is tried again
 * by itself, a relay that had no room, and what was too much when the hour is over: without a
 * package nobody can write, and a link may last for weeks. So the stock is looked at now and then.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import { makePackage, planStock, type MadePackage } from "@postern/core/exchange";
import type { Identity } from "@postern/core/identity";
import {
  PACKAGES_ASKED_AFTER,
  PACKAGES_LOOKED_AT_MS,
  PACKAGES_MADE_PER_HOUR,
  PACKAGES_RETRY_MS,
} from "@postern/core/limits";
import { PROFILE_BITS } from "@postern/core/link";
import { PosternError } from "@postern/core/errors";
import type { InstantMs } from "@postern/core/time";
import type { Directory } from "./directory.ts";
import type { ClientPorts } from "./ports.ts";
import { Alarm } from "./records/alarm.ts";
import { within } from "./within.ts";

export interface PackagePublisherOptions {
  readonly ports: Pick<ClientPorts, "store" | "suite" | "wall" | "clock">;
  readonly identity: Identity;
  readonly directory: Pick<Directory, "publish">;
  /** Whether this client is written to; packages are no use else. */
  readonly isReceiving: () => boolean;
}

/** A relay that is slow with packages does not keep its clients from being listed. */
const PUBLISHING_AWAITED_MS = 2_000;
const HOUR_MS = 3_600_000;

export class PackagePublisher {
  readonly #options: PackagePublisherOptions;
  #running: Promise<void> | undefined;
  #again = false;
  /** Since the stock was last looked at. */
  #used = 0;
  /** Sent to the relay in the hour that began then, and not used. */
  #made = 0;
  #hourFrom: InstantMs;
  readonly #retry: Alarm;
  readonly #look: Alarm;
  #isStopped = false;

  constructor(options: PackagePublisherOptions) {
    this.#options = options;
    this.#hourFrom = options.ports.clock.now();
    const publish = (): void => void (options.isReceiving() && this.publish());
    this.#retry = new Alarm(options.ports.clock, publish);
    this.#look = new Alarm(options.ports.clock, publish);
  }

  /**
   * Fills the stock up. Resolves when the relay has it, or when that failed or took too long; it
   * then goes on in the background.
   */
  async publish(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run();
    const late = (): Error => new PosternError("link/timed-out", "the relay is slow");
    const { clock } = this.#options.ports;
    await within(this.#running, PUBLISHING_AWAITED_MS, clock, late).catch(() => undefined);
  }

  /** Somebody has written to a package. */
  onUsed(): void {
    if (!this.#options.isReceiving()) return;
    this.#made = Math.max(0, this.#made - 1);
    if (++this.#used >= PACKAGES_ASKED_AFTER) void this.publish();
  }

  /** Resolves when nothing is being published. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  /** Nothing begins by itself any more. Resolves as {@link idle}. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#retry.cancel();
    this.#look.cancel();
    await this.idle();
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#fill();
      }
      if (!this.#isStopped) this.#look.arm(PACKAGES_LOOKED_AT_MS);
    } catch (error) {
      const isPassing =
        error instanceof PosternError &&
        (error.fault === "store" || error.code === "relay/overloaded");
      if (isPassing) this.#tryIn(PACKAGES_RETRY_MS);
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  #tryIn(delayMs: number): void {
    if (!this.#isStopped) this.#retry.arm(delayMs);
  }

  async #fill(): Promise<void> {
    const { ports, directory } = this.#options;
    const { store, wall, clock } = ports;
    const held = await directory.publish(false, []);
    this.#used = 0;
    const kept = await store.keyPackages();
    wipe(...kept.map(({ seed }) => seed));
    const { replace, make: wanted, forget } = planStock(kept, held, wall());
    // Rather the one of last resort, which is the last of them, than one more that is used once.
    const make = wanted.slice(Math.max(0, wanted.length - this.#left()));
    if (make.length > 0) await this.#add(replace, make);
    if (make.length < wanted.length) this.#tryIn(this.#hourFrom + HOUR_MS - clock.now());
    if (forget.length > 0) await store.dropKeyPackages(forget);
  }

  /** So many may be made now. */
  #left(): number {
    const now = this.#options.ports.clock.now();
    if (now - this.#hourFrom >= HOUR_MS) {
      this.#hourFrom = now;
      this.#made = 0;
    }
    return PACKAGES_MADE_PER_HOUR - this.#made;
  }

  async #add(replace: boolean, types: readonly ("one-time" | "last-resort")[]): Promise<void> {
    const { ports, identity, directory } = this.#options;
    const { suite, store, wall } = ports;
    const bits = PROFILE_BITS["end-to-end"];
    const made: MadePackage[] = types.map((type) =>
      makePackage(suite, identity, type, bits, wall()),
    );
    try {
      await store.saveKeyPackages(made);
    } finally {
      wipe(...made.map(({ seed }) => seed));
    }
    this.#made += made.length;
    try {
      await directory.publish(
        replace,
        made.map(({ encoded }) => encoded),
      );
    } catch (error) {
      // The relay has said that it took none. Of a link that was lost, nobody knows.
      if (error instanceof PosternError && error.fault === "relay")
        await store.dropKeyPackages(made.map(({ kid }) => kid));
      throw error;
    }
  }
}
