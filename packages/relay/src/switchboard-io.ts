/**
 * What goes into the switchboard and what comes out; `switchboard.ts` says what it does.
 *
 * @module
 */
import type { RelayAuthInput, RelayAuthJob } from "@postern/core/exchange/relay-half";
import type { ClientFrame, LoginStatus, RelayFrame } from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import type { EndId, PipeId } from "./pipes.ts";

/** The driver's name for one link. */
export type LinkId = string;

/** A clock's two faces at one moment. */
export interface Moment {
  readonly now: InstantMs;
  /** Only to judge certificates and key packages. */
  readonly wall: WallMs;
}

export type SwitchboardInput =
  /** A proven identity asks for a name; answered by the effect `decide`. */
  | {
      readonly kind: "login";
      readonly link: LinkId;
      readonly id: Uint8Array;
      readonly fingerprint: Uint8Array;
      readonly name: string;
      /** What its network address counts as; some limits are for all links of one. */
      readonly address?: string | undefined;
    }
  /** A link that was welcome has ended its handshake. */
  | { readonly kind: "established"; readonly link: LinkId }
  /** The frame's bytes are the switchboard's from now on. */
  | { readonly kind: "frame"; readonly link: LinkId; readonly frame: ClientFrame }
  /** The link has ended, for whatever reason. Allowed for any link, and twice. */
  | { readonly kind: "gone"; readonly link: LinkId }
  /** The relay's RSA key is there, or is another one now. */
  | { readonly kind: "relay-key"; readonly spki: Uint8Array }
  /** The answer to the effect `rewrap`. */
  | { readonly kind: "rewrapped"; readonly job: number; readonly outcome: RewrapOutcome }
  /** The answer to the effect `prove`. */
  | { readonly kind: "proved"; readonly job: number; readonly answer: RelayAuthInput }
  | { readonly kind: "pipe-arrived"; readonly end: EndId; readonly ticket: Uint8Array }
  /** A waiting end has closed. */
  | { readonly kind: "pipe-left"; readonly end: EndId }
  | { readonly kind: "pipe-ended"; readonly pipe: PipeId }
  | { readonly kind: "woke" };

export type RewrapOutcome =
  | { readonly kind: "done"; readonly ciphertext: Uint8Array }
  /** The sender's ciphertext does not open to a master key. */
  | { readonly kind: "failed" }
  /** The receiver's certified key is no key of the suite. */
  | { readonly kind: "refused" };

export type SwitchboardEffect =
  | {
      readonly kind: "decide";
      readonly link: LinkId;
      readonly status: LoginStatus;
      readonly retryAfterMs: number;
    }
  | {
      readonly kind: "send";
      readonly link: LinkId;
      readonly frame: RelayFrame;
      /** Nobody waits for it: it may go with the next frame that is sent to this link. */
      readonly canWait?: true;
    }
  /** Close after what was sent. The switchboard has forgotten the link already. */
  | { readonly kind: "close"; readonly link: LinkId; readonly reason: CloseReason }
  /** Open `ciphertext` under label `up`, seal to `to` (an SPKI) under `down`, wipe. */
  | {
      readonly kind: "rewrap";
      readonly job: number;
      readonly up: Uint8Array;
      readonly down: Uint8Array;
      readonly ciphertext: Uint8Array;
      readonly to: Uint8Array;
    }
  /** RSA for the proof of a client's and the relay's keys; wipes what it encrypts. */
  | { readonly kind: "prove"; readonly job: number; readonly work: RelayAuthJob }
  | { readonly kind: "accept-pipe"; readonly end: EndId }
  | { readonly kind: "refuse-pipe"; readonly end: EndId }
  | { readonly kind: "join-pipe"; readonly pipe: PipeId; readonly ends: readonly [EndId, EndId] }
  /** Close an end whose other one did not come in time. */
  | { readonly kind: "drop-pipe"; readonly end: EndId };

export type CloseReason =
  | "superseded"
  | "bad-certificate"
  /** The client did not prove its RSA key. */
  | "proof-failed"
  /** Known, but out of its turn. */
  | "unexpected-frame";
