/**
 * The established link: frames, pings and death (docs/protocol.md 5). The states and the diagram
 * are the link's: `link.ts`.
 *
 * @module
 */
import { PosternError } from "../errors.ts";
import { LINK_DEAD_MS } from "../limits.ts";
import { after, earlier, type InstantMs } from "../time.ts";
import { framesOf } from "./bundle.ts";
import {
  asLinkError,
  decodeLinkFrame,
  isClientFrame,
  isRelayFrame,
  writeLinkFrame,
  type LinkFrame,
  type LinkRole,
} from "./frames.ts";
import { FrameChannel } from "./frame-channel.ts";
import type { EstablishedState, HandshakeLinkState, LinkEffect, LinkStep } from "./link-state.ts";

/** Ends the handshake's Noise state; its inbox goes on. */
export function establish(
  role: LinkRole,
  { noise, inbox }: Pick<HandshakeLinkState, "noise" | "inbox">,
  pingMs: number,
  now: InstantMs,
): EstablishedState {
  const { initiator, responder } = noise.split();
  const channel =
    role === "client"
      ? new FrameChannel(initiator, responder, inbox)
      : new FrameChannel(responder, initiator, inbox);
  const times = { pingMs, lastSent: now, lastReceived: now, pings: 0 };
  return { kind: "established", role, channel, ...times };
}

/** Sends the next ping, or takes the link for dead. */
export function establishedDeadline(state: EstablishedState): InstantMs | undefined {
  return earlier(after(state.lastSent, state.pingMs), after(state.lastReceived, LINK_DEAD_MS));
}

/**
 * Takes every frame that is whole by now. The channel must have been given what arrived.
 *
 * @throws {@link PosternError} `link/...`, with what came before in `effects`.
 */
export function receiveFrames(
  state: EstablishedState,
  effects: LinkEffect[],
  now: InstantMs,
): EstablishedState {
  const from = state.role === "client" ? "relay" : "client";
  let { lastReceived } = state;
  let isAsked = false;
  for (;;) {
    const bytes = state.channel.next();
    if (bytes === undefined) break;
    // Only what opened counts: a length that was changed would swallow all that follows, unnoticed.
    lastReceived = now;
    for (const each of unbundled(bytes)) {
      const frame = decodeLinkFrame(each, from);
      if (frame === undefined || frame.kind === "pong") continue;
      if (frame.kind === "ping") {
        queueFrame(state, { kind: "pong", token: frame.token });
        isAsked = true;
      } else effects.push({ kind: "emit", event: { kind: "frame", frame } });
    }
  }
  if (!isAsked) return { ...state, lastReceived };
  // Thousands of pings fit one bundle; sealed each for itself their answers would cost the most.
  effects.push(...writesOf(state));
  return { ...state, lastSent: now, lastReceived };
}

/** With what is queued before it. @throws as {@link queueFrame} */
export function sendFrame(state: EstablishedState, frame: LinkFrame, now: InstantMs): LinkStep {
  queueFrame(state, frame);
  return flushFrames(state, now);
}

/** @throws {@link PosternError} `usage/invalid-argument` for a frame of the other side. */
export function queueFrame(state: EstablishedState, frame: LinkFrame): void {
  if (state.role === "client" ? isRelayFrame(frame) : isClientFrame(frame))
    throw new PosternError("usage/invalid-argument", `a ${state.role} does not send ${frame.kind}`);
  state.channel.queue(writeLinkFrame(frame));
}

export function flushFrames(state: EstablishedState, now: InstantMs): LinkStep {
  const effects = writesOf(state);
  return { state: effects.length === 0 ? state : { ...state, lastSent: now }, effects };
}

/** @throws {@link PosternError} `link/timed-out` */
export function wakeEstablished(state: EstablishedState, now: InstantMs): LinkStep {
  if (now >= after(state.lastReceived, LINK_DEAD_MS))
    throw new PosternError("link/timed-out", "no frame for too long");
  if (now < after(state.lastSent, state.pingMs)) return { state, effects: [] };
  const token = state.pings + 1;
  return sendFrame({ ...state, pings: token }, { kind: "ping", token }, now);
}

function writesOf({ channel }: EstablishedState): readonly LinkEffect[] {
  return channel.flush().map((bytes): LinkEffect => ({ kind: "write", bytes }));
}

function unbundled(plaintext: Uint8Array): readonly Uint8Array[] {
  try {
    return framesOf(plaintext);
  } catch (error) {
    throw asLinkError(error);
  }
}
