/**
 * The link: a client and a relay prove who they are and then exchange sealed frames
 * (docs/protocol.md 5).
 *
 * ```text
 *   client                                       relay
 *   startClientLink                              startRelayLink
 *        │ write m1                                   │
 *   ┌────▼─────────┐                          ┌───────▼──────────┐
 *   │ expect-hello │                          │ expect-ephemeral │
 *   └────┬─────────┘                          └───────┬──────────┘
 *        │ m2: emit relay-key, write m3               │ m1: write m2
 *   ┌────▼──────────┐                         ┌───────▼──────────┐
 *   │ expect-result │                         │ expect-login     │
 *   └────┬──────────┘                         └───────┬──────────┘
 *        │                                            │ m3: emit login
 *        │                                    ┌───────▼──────────┐  decide: no, write m4
 *        │                                    │ expect-decision  ├──────────────────────► closed
 *        │                                    └───────┬──────────┘
 *        │ m4: emit established                       │ decide: welcome, write m4, emit established
 *   ┌────▼────────────────────────────────────────────▼──────────┐
 *   │ established: frames both ways, ping, rekey                 ├─── close ──► closed
 *   └────┬───────────────────────────────────────────────────────┘
 *        └── any violation, in any state; timeout ──► failed
 * ```
 *
 * Rule 1: every transition is in {@link stepLink}; nothing else changes a state.
 * Rule 2: no I/O, no clock; chance comes from the Suite alone.
 * Rule 3: bytes from a peer never make `stepLink` throw. They make it return `failed`.
 *
 * @module
 */
import { wipe } from "../bytes.ts";
import { PosternError, unreachable } from "../errors.ts";
import type { InstantMs } from "../time.ts";
import { receiveHello, receiveResult } from "./client-handshake.ts";
import {
  establishedDeadline,
  flushFrames,
  queueFrame,
  receiveFrames,
  sendFrame,
  wakeEstablished,
} from "./established.ts";
import { asLinkError } from "./frames.ts";
import { M1_BYTES, M2_BYTES, M3_BYTES, M4_BYTES } from "./handshake.ts";
import type {
  EstablishedState,
  HandshakeLinkState,
  LinkEffect,
  LinkInput,
  LinkState,
  LinkStep,
} from "./link-state.ts";
import { answerLogin, receiveEphemeral, receiveLogin } from "./relay-handshake.ts";

/** When the driver must call {@link stepLink} with `woke`; `undefined` for never. */
export function linkDeadline(state: LinkState): InstantMs | undefined {
  switch (state.kind) {
    case "failed":
    case "closed":
      return undefined;
    case "established":
      return establishedDeadline(state);
    default:
      return state.deadline;
  }
}

/** Bytes of frames that wait for `flush`. */
export function linkQueuedBytes(state: LinkState): number {
  return state.kind === "established" ? state.channel.queuedBytes : 0;
}

/**
 * One transition. `failed` and `closed` ignore every input.
 *
 * @throws {@link PosternError} `usage/wrong-state`, `usage/invalid-argument`: a bug of the caller;
 * the state is as it was.
 */
export function stepLink(state: LinkState, input: LinkInput, now: InstantMs): LinkStep {
  if (state.kind === "failed" || state.kind === "closed") return { state, effects: [] };
  const effects: LinkEffect[] = [];
  try {
    if (input.kind === "close") {
      retire(state);
      return { state: { kind: "closed" }, effects: [{ kind: "close" }] };
    }
    if (state.kind === "established") return stepEstablished(state, input, effects, now);
    return stepHandshake(state, input, effects, now);
  } catch (error) {
    return failed(state, effects, error);
  }
}

type OpenInput = Exclude<LinkInput, { readonly kind: "close" }>;

function stepEstablished(
  state: EstablishedState,
  input: OpenInput,
  effects: LinkEffect[],
  now: InstantMs,
): LinkStep {
  switch (input.kind) {
    case "received":
      if (input.bytes.length === 0) return { state, effects };
      state.channel.push(input.bytes);
      return { state: receiveFrames(state, effects, now), effects };
    case "send":
      return sendFrame(state, input.frame, now);
    case "queue":
      queueFrame(state, input.frame);
      return { state, effects };
    case "flush":
      return flushFrames(state, now);
    case "woke":
      return wakeEstablished(state, now);
    case "decide":
      throw wrongState(state);
    default:
      return unreachable(input);
  }
}

function stepHandshake(
  state: HandshakeLinkState,
  input: OpenInput,
  effects: LinkEffect[],
  now: InstantMs,
): LinkStep {
  if (now >= state.deadline)
    throw new PosternError("link/timed-out", "the handshake took too long");
  switch (input.kind) {
    case "received":
      state.inbox.push(input.bytes);
      return receiveHandshake(state, effects, now);
    case "decide":
      if (state.kind !== "expect-decision") throw wrongState(state);
      return answerLogin(state, input, now);
    case "woke":
    case "flush":
      return { state, effects };
    case "send":
    case "queue":
      throw wrongState(state);
    default:
      return unreachable(input);
  }
}

/** One handshake message, if it is whole; then what came behind it. */
function receiveHandshake(
  state: HandshakeLinkState,
  effects: LinkEffect[],
  now: InstantMs,
): LinkStep {
  switch (state.kind) {
    case "expect-hello": {
      const m2 = state.inbox.take(M2_BYTES);
      return m2 === undefined ? { state, effects } : goOn(receiveHello(state, m2), effects, now);
    }
    case "expect-result": {
      const m4 = state.inbox.take(M4_BYTES);
      return m4 === undefined
        ? { state, effects }
        : goOn(receiveResult(state, m4, now), effects, now);
    }
    case "expect-ephemeral": {
      const m1 = state.inbox.take(M1_BYTES);
      return m1 === undefined
        ? { state, effects }
        : goOn(receiveEphemeral(state, m1), effects, now);
    }
    case "expect-login": {
      const m3 = state.inbox.take(M3_BYTES);
      return m3 === undefined ? { state, effects } : goOn(receiveLogin(state, m3), effects, now);
    }
    case "expect-decision":
      if (state.inbox.waiting === 0) return { state, effects };
      throw new PosternError("link/unexpected-frame", "bytes before the login was answered");
    default:
      return unreachable(state);
  }
}

function goOn(step: LinkStep, effects: LinkEffect[], now: InstantMs): LinkStep {
  effects.push(...step.effects);
  const { state } = step;
  if (state.kind === "failed" || state.kind === "closed") return { state, effects };
  try {
    if (state.kind === "established") return { state: receiveFrames(state, effects, now), effects };
    return receiveHandshake(state, effects, now);
  } catch (error) {
    // The state to retire is the new one.
    return failed(state, effects, error);
  }
}

/** Turns what the peer or time has caused into `failed`; a caller's bug goes on being thrown. */
function failed(state: OpenState, effects: LinkEffect[], thrown: unknown): LinkStep {
  const error = asLinkError(thrown);
  if (!(error instanceof PosternError) || error.code.startsWith("usage/")) throw error;
  retire(state);
  effects.push({ kind: "emit", event: { kind: "failed", error } }, { kind: "close" });
  return { state: { kind: "failed", error }, effects };
}

type OpenState = HandshakeLinkState | EstablishedState;

function retire(state: OpenState): void {
  if (state.kind === "established") {
    state.channel.wipe();
    return;
  }
  state.noise.wipe();
  if (state.kind === "expect-hello") wipe(state.ephemeral.seed);
}

function wrongState(state: LinkState): PosternError {
  return new PosternError("usage/wrong-state", `the link is ${state.kind}`);
}
