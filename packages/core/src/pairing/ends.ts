/**
 * The ways a pairing stays, ends, and forgets its secrets. docs/protocol-pairing.md 10.2.
 *
 * @module
 */
import { wipe } from "../bytes.ts";
import { PosternError, type ErrorCode, type ErrorDetails } from "../errors.ts";
import { fingerprintOf } from "../identity.ts";
import { PAIR_STEP_TIMEOUT_MS } from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import type { ProvenPeer } from "./card.ts";
import { wipePairingKeys, type ConfirmedKeys } from "./keys.ts";
import type {
  JoinerState,
  OpenerState,
  PairingContext,
  PairingEffect,
  PairingEvent,
  PairingState,
  PairingStep,
} from "./steps.ts";

/** When a step that needs no person is given up. */
export function stepDeadline(now: InstantMs): InstantMs {
  return after(now, PAIR_STEP_TIMEOUT_MS);
}

export function emit(event: PairingEvent): PairingEffect {
  return { kind: "emit", event };
}

export function stay(state: PairingState): PairingStep {
  return { state, effects: [] };
}

/** The last of it: the other side knew the words and is who it says. `before` is done first. */
export function pair(
  { suite }: PairingContext,
  keys: ConfirmedKeys,
  { id, name }: ProvenPeer,
  before: PairingEffect,
): PairingStep {
  const secret = new Uint8Array(keys.secret);
  wipePairingKeys(keys);
  const fingerprint = fingerprintOf(suite, id);
  return {
    state: { kind: "paired" },
    effects: [before, emit({ kind: "paired", id, fingerprint, name, secret })],
  };
}

/** Fails, and tells the other side by closing the slot. */
export function leave(
  state: OpenerState | JoinerState,
  code: ErrorCode,
  details: ErrorDetails = {},
): PairingStep {
  const { state: failed, effects } = fail(state, code, details);
  const closing: readonly PairingEffect[] =
    "slot" in state ? [{ kind: "close", slot: state.slot }] : [];
  return { state: failed, effects: [...closing, ...effects] };
}

/** Fails where the slot is gone, or was never had. */
export function fail(
  state: OpenerState | JoinerState,
  code: ErrorCode,
  details: ErrorDetails = {},
): PairingStep {
  const where = { waiting: state.kind, ...details };
  return failWith(state, new PosternError(code, `pairing ended in ${state.kind}`, where));
}

export function failWith(state: OpenerState | JoinerState, error: PosternError): PairingStep {
  wipePairing(state);
  return { state: { kind: "failed", error }, effects: [emit({ kind: "failed", error })] };
}

/** Forgets the secrets of a state that is left for good. */
export function wipePairing(state: OpenerState | JoinerState): void {
  if ("password" in state) wipe(state.password);
  if ("scalar" in state) wipe(state.scalar);
  if ("keys" in state) wipePairingKeys(state.keys);
}
