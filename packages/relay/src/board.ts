/**
 * What the switchboard knows; `switchboard.ts` is what it does (docs/protocol.md 6).
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { KeyUpFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { Directory } from "./directory.ts";
import type { NameClaims, NameOwner } from "./names.ts";
import { Pipes } from "./pipes.ts";
import type { LinkId } from "./switchboard-io.ts";
import { Watches } from "./watches.ts";

export interface SwitchboardPorts {
  /** Signatures of certificates, and random tickets. */
  readonly suite: Suite;
  readonly names: NameClaims;
  /** Whether so much waits for this link that others' envelopes must not be added. */
  readonly congested: (link: LinkId) => boolean;
}

/** One connected client. */
export interface Connected extends NameOwner {
  readonly link: LinkId;
  readonly name: string;
  /** {@link keyOf} its fingerprint. */
  readonly key: string;
  free: number;
  profiles: number;
  certified: { readonly spki: Uint8Array; readonly notAfter: WallMs } | undefined;
  /** `key-up` requests that wait for their answer. */
  pending: number;
}

/** A `key-up` that waits for the driver to wrap it again. */
export interface RewrapJob {
  readonly from: Connected;
  readonly to: Connected;
  readonly frame: Pick<KeyUpFrame, "request" | "transfer" | "use">;
}

/** Changes in place; only `stepSwitchboard` may change it. */
export interface Switchboard extends SwitchboardPorts {
  /** Welcome, but not established yet. */
  readonly logins: Map<LinkId, NameOwner & { readonly name: string }>;
  readonly links: Map<LinkId, Connected>;
  readonly byKey: Map<string, Connected>;
  readonly directory: Directory;
  readonly watches: Watches;
  readonly pipes: Pipes;
  readonly jobs: Map<number, RewrapJob>;
  nextJob: number;
  relayKey: Uint8Array | undefined;
}

export function createSwitchboard(ports: SwitchboardPorts): Switchboard {
  return {
    ...ports,
    logins: new Map(),
    links: new Map(),
    byKey: new Map(),
    directory: new Directory(),
    watches: new Watches(),
    pipes: new Pipes(),
    jobs: new Map(),
    nextJob: 1,
    relayKey: undefined,
  };
}
