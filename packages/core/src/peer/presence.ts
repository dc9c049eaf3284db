/**
 * What a receiver tells the relay of its free places, and when (docs/protocol.md 6).
 *
 * Invariant: that it is free again, or full, is told at once. Any other number is told
 * {@link PRESENCE_LATE_MS} after it changed at the latest, and not at all when it is the told one
 * again by then: so a message to a receiver with room to spare costs no frame.
 *
 * @module
 */
import { PRESENCE_LATE_MS } from "../limits.ts";
import { PROFILE_BITS } from "../link/fields.ts";
import type { PresenceFrame } from "../link/presence.ts";
import { after, type InstantMs } from "../time.ts";
import type { ReceivePolicy } from "./steps.ts";

export class Presence {
  #policy: ReceivePolicy = { profiles: [], capacity: 0 };
  #listed = false;
  #free = 0;
  #told = 0;
  #due: InstantMs | undefined;

  get policy(): ReceivePolicy {
    return this.#policy;
  }

  /** When {@link woke} has something to tell. */
  get deadline(): InstantMs | undefined {
    return this.#due;
  }

  announce(policy: ReceivePolicy, listed: boolean, occupied: number): PresenceFrame {
    this.#policy = policy;
    this.#listed = listed;
    this.#free = Math.max(0, policy.capacity - occupied);
    return this.#tell();
  }

  /** So many places are taken now. What is to be told at once, if anything. */
  change(occupied: number, now: InstantMs): PresenceFrame | undefined {
    this.#free = Math.max(0, this.#policy.capacity - occupied);
    if (this.#free === this.#told) this.#due = undefined;
    else if (this.#free === 0 || this.#told === 0) return this.#tell();
    else this.#due ??= after(now, PRESENCE_LATE_MS);
    return undefined;
  }

  woke(now: InstantMs): PresenceFrame | undefined {
    return this.#due !== undefined && now >= this.#due ? this.#tell() : undefined;
  }

  #tell(): PresenceFrame {
    this.#told = this.#free;
    this.#due = undefined;
    let profiles = 0;
    for (const profile of this.#policy.profiles) profiles |= PROFILE_BITS[profile];
    return { kind: "presence", free: this.#told, listed: this.#listed, profiles };
  }
}
