/**
 * The types of the link's machine; `link.ts` has its diagram (docs/protocol.md 5).
 *
 * @module
 */
import type { KemKeyPair, Suite } from "../crypto.ts";
import type { PosternError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { InstantMs, WallMs } from "../time.ts";
import type { FrameChannel } from "./frame-channel.ts";
import type { ClientFrame, LinkFrame, LinkRole, RelayFrame } from "./frames.ts";
import type { LinkLimits } from "./hello.ts";
import type { Inbox } from "./inbox.ts";
import type { LoginStatus } from "./login-result.ts";
import type { SymmetricState } from "./noise.ts";

/** The caller's keys stay the caller's: the machine neither changes nor wipes them. */
export interface ClientLinkOptions {
  readonly identity: Identity;
  /** The client's static X-Wing key; it lasts as long as its identity. */
  readonly linkKey: KemKeyPair;
  readonly name: string;
  /** The relay's fingerprint, 32 bytes; `undefined` accepts the first one seen. */
  readonly pin: Uint8Array | undefined;
}

export interface RelayLinkOptions {
  /** The relay's static X-Wing key; its fingerprint is what clients pin. */
  readonly staticKey: KemKeyPair;
  /** Told to the client. */
  readonly time: WallMs;
}

export type LinkInput =
  /** The bytes stay the driver's; nothing keeps a view of them. */
  | { readonly kind: "received"; readonly bytes: Uint8Array }
  | { readonly kind: "send"; readonly frame: LinkFrame }
  /** The frame waits for `flush`, to be sealed as one with the others that do. */
  | { readonly kind: "queue"; readonly frame: LinkFrame }
  | { readonly kind: "flush" }
  /** The relay's answer to the `login` event. */
  | { readonly kind: "decide"; readonly status: LoginStatus; readonly retryAfterMs: number }
  | { readonly kind: "woke" }
  | { readonly kind: "close" };

export type LinkEvent =
  /** At the client, with the relay's key and before anything is encapsulated to it. */
  | { readonly kind: "relay-key"; readonly fingerprint: Uint8Array }
  /** At the relay: a proven identity asks for `name` and waits for `decide`. */
  | {
      readonly kind: "login";
      readonly id: Uint8Array;
      readonly fingerprint: Uint8Array;
      readonly name: string;
    }
  /** `relay` is what a client now knows about its relay; `undefined` at the relay. */
  | { readonly kind: "established"; readonly relay: EstablishedRelay | undefined }
  /** The frame's bytes are the receiver's own. Pings and pongs are answered here, not emitted. */
  | { readonly kind: "frame"; readonly frame: ClientFrame | RelayFrame }
  | { readonly kind: "failed"; readonly error: PosternError };

export interface EstablishedRelay {
  readonly fingerprint: Uint8Array;
  readonly limits: LinkLimits;
  /** The relay's wall clock when it sent its hello. */
  readonly time: WallMs;
}

export type LinkEffect =
  | { readonly kind: "write"; readonly bytes: Uint8Array }
  | { readonly kind: "emit"; readonly event: LinkEvent }
  /** Close the transport after the writes before it. */
  | { readonly kind: "close" };

/** One transition. The driver performs the effects in their order. */
export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/**
 * Plain data, but for the Noise states, the inbox and the channel inside: those change in place,
 * so a state is used once, by the next `stepLink`.
 */
export type LinkState = HandshakeLinkState | EstablishedState | EndedState;

export type HandshakeLinkState =
  | ExpectHelloState
  | ExpectResultState
  | ExpectEphemeralState
  | ExpectLoginState
  | ExpectDecisionState;

interface Handshaking {
  readonly suite: Suite;
  readonly noise: SymmetricState;
  readonly inbox: Inbox;
  readonly deadline: InstantMs;
}

export interface ExpectHelloState extends Handshaking, ClientLinkOptions {
  readonly kind: "expect-hello";
  readonly ephemeral: KemKeyPair;
}

export interface ExpectResultState extends Handshaking {
  readonly kind: "expect-result";
  readonly linkKey: KemKeyPair;
  readonly relay: EstablishedRelay;
}

export interface ExpectEphemeralState extends Handshaking, RelayLinkOptions {
  readonly kind: "expect-ephemeral";
}

export interface ExpectLoginState extends Handshaking {
  readonly kind: "expect-login";
  readonly staticKey: KemKeyPair;
}

export interface ExpectDecisionState extends Handshaking {
  readonly kind: "expect-decision";
  /** The client's static X-Wing key. */
  readonly clientKey: Uint8Array;
}

export interface EstablishedState {
  readonly kind: "established";
  readonly role: LinkRole;
  readonly channel: FrameChannel;
  readonly pingMs: number;
  readonly lastSent: InstantMs;
  readonly lastReceived: InstantMs;
  readonly pings: number;
}

export type EndedState =
  | { readonly kind: "failed"; readonly error: PosternError }
  | { readonly kind: "closed" };
