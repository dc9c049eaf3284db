/**
 * What the switchboard knows; `switchboard.ts` is what it does (docs/protocol.md 6).
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { RelayAuthState } from "@postern/core/exchange/relay-half";
import { PROFILE_BITS, type KeyUpFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { Directory } from "./directory.ts";
import type { KeyPackages } from "./key-packages.ts";
import type { NameClaims, NameOwner } from "./names.ts";
import { PairSlots, type PairLimits } from "./pair-slots.ts";
import { Pipes } from "./pipes.ts";
import { Quotas, type Quota } from "./quotas.ts";
import type { LinkId } from "./switchboard-io.ts";
import { Watches } from "./watches.ts";

export interface SwitchboardPorts {
  /** Fingerprint of the relay's link key, 32 bytes. */
  readonly relayFingerprint: Uint8Array;
  /** Signatures of certificates, and random tickets. */
  readonly suite: Suite;
  readonly names: NameClaims;
  readonly packages: KeyPackages;
  /** Those of the protocol where they are absent. */
  readonly pairing?: Partial<PairLimits>;
  /** Profiles the operator allows, as bits; all of them when absent. */
  readonly profiles?: number;
  /** Whether so much waits for this link that others' envelopes must not be added. */
  readonly congested: (link: LinkId) => boolean;
}

/** Whom a link was welcome as. */
export interface Welcome extends NameOwner {
  readonly name: string;
  /** What its network address counts as; `undefined` when it is not known. */
  readonly address: string | undefined;
}

/** One connected client. */
export interface Connected extends Welcome {
  readonly link: LinkId;
  /** {@link keyOf} its fingerprint. */
  readonly key: string;
  free: number;
  profiles: number;
  certified: CertifiedKey | undefined;
  /** It has sent `rsa-certificate`, so each key of the relay is told as `rsa-key`. */
  hearsKey: boolean;
  proof: KeyProof;
  /** `key-up` requests that wait for their answer. */
  pending: number;
  readonly quota: Quota;
}

/** The client's RSA key, and the certificate as it came: others check it for themselves. */
export interface CertifiedKey {
  readonly spki: Uint8Array;
  readonly notAfter: WallMs;
  readonly certificate: Uint8Array;
}

/** How far client and relay have proved their RSA keys to each other (7.2). */
export type KeyProof =
  | { readonly kind: "none" }
  /** The relay's own key is in the making. */
  | { readonly kind: "waiting"; readonly clientSpki: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly kind: "begun";
      readonly clientSpki: Uint8Array;
      readonly state: RelayAuthState;
    };

/** A `key-up` that waits for the driver to wrap it again. */
export interface RewrapJob {
  readonly from: Connected;
  readonly to: Connected;
  readonly frame: Pick<KeyUpFrame, "request" | "transfer" | "use">;
}

/** Changes in place; only `stepSwitchboard` may change it. */
export interface Switchboard extends SwitchboardPorts {
  /** Welcome, but not established yet. */
  readonly logins: Map<LinkId, Welcome>;
  readonly links: Map<LinkId, Connected>;
  readonly byKey: Map<string, Connected>;
  /** By the name it is here under, which the names' store gives to its identity alone. */
  readonly byName: Map<string, Connected>;
  readonly directory: Directory;
  readonly watches: Watches;
  readonly quotas: Quotas;
  readonly pipes: Pipes;
  readonly slots: PairSlots;
  readonly jobs: Map<number, RewrapJob>;
  /** Whose proof a job is for. */
  readonly proofs: Map<number, Connected>;
  nextJob: number;
  relayKey: Uint8Array | undefined;
}

export function createSwitchboard(ports: SwitchboardPorts): Switchboard {
  return {
    ...ports,
    logins: new Map(),
    links: new Map(),
    byKey: new Map(),
    byName: new Map(),
    directory: new Directory(),
    watches: new Watches(),
    quotas: new Quotas(),
    pipes: new Pipes(),
    slots: new PairSlots((length) => ports.suite.random(length), ports.pairing),
    jobs: new Map(),
    proofs: new Map(),
    nextJob: 1,
    relayKey: undefined,
  };
}

export const PROFILES_ALL =
  PROFILE_BITS.symmetric | PROFILE_BITS.asymmetric | PROFILE_BITS["end-to-end"];

export function allowedProfiles(board: Switchboard): number {
  return board.profiles ?? PROFILES_ALL;
}

/** A client as it comes: it takes nothing, and has proved nothing on this link. */
export function newClient(link: LinkId, key: string, welcome: Welcome, quota: Quota): Connected {
  return {
    ...welcome,
    link,
    key,
    free: 0,
    profiles: 0,
    certified: undefined,
    hearsKey: false,
    proof: { kind: "none" },
    pending: 0,
    quota,
  };
}
