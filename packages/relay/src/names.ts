/**
 * Who owns which name at this relay (docs/protocol.md 3): the first identity that claims a name
 * keeps it. A port, synchronous, so that the switchboard stays free of I/O; the form in memory is
 * for simulators and tests.
 *
 * @module
 */
import { NAMES_MAX, NAMES_PER_IDENTITY_MAX } from "@postern/core/limits";
import { keyOf } from "./keys.ts";

export interface NameOwner {
  /** 35 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly fingerprint: Uint8Array;
}

export interface NameClaims {
  owner(name: string): NameOwner | undefined;
  /**
   * Gives a free name to `owner`, durably. `false` when there is no room: `NAMES_MAX` in all,
   * `NAMES_PER_IDENTITY_MAX` for one identity.
   */
  claim(name: string, owner: NameOwner): boolean;
  /** Whether this identity has ever claimed a name here. */
  knows(fingerprint: Uint8Array): boolean;
}

/** Claims that last as long as the process. */
export function memoryNames(): NameClaims {
  const owners = new Map<string, NameOwner>();
  const counts = new Map<string, number>();
  return {
    owner: (name) => owners.get(name),
    claim(name, owner) {
      const key = keyOf(owner.fingerprint);
      const count = counts.get(key) ?? 0;
      if (owners.size >= NAMES_MAX || count >= NAMES_PER_IDENTITY_MAX) return false;
      owners.set(name, owner);
      counts.set(key, count + 1);
      return true;
    },
    knows: (fingerprint) => counts.has(keyOf(fingerprint)),
  };
}
