/**
 * Two people with a code make sure of each other's identity over a relay that neither trusts.
 * docs/protocol-pairing.md 10.
 *
 * ```text
 *  opener (A)                                    joiner (B)
 *  open-slot                                     join-slot
 *      │                                             │
 *  expect-slot ◄────────────────── burn ──┐      expect-admission
 *      │ slot: emit code                  │          │ join-result done
 *  expect-joiner ─────────────────────────┤      expect-nonce
 *      │ joined: send 1 nonce             │          │ 1: send 2 joiner-share
 *  expect-joiner-share ───────────────────┤      expect-opener-share
 *      │ 2: send 3 opener-share           │          │ 3: send 4 joiner-confirmation
 *  expect-joiner-confirmation ────────────┘      expect-opener-confirmation
 *      │ 4 holds: send 5 opener-confirmation         │ 5 holds: close
 *   paired                                        paired
 *
 *  burn: a message out of turn, wrong or late, a second joiner, a slot that the joiner left
 *  PAIR_CODES_MAX codes, cancel, link-lost, a relay that refuses, the code's time, and at the
 *  joiner whatever is not as above ──► failed
 * ```
 *
 * Rule 1: every transition is in {@link stepPairing}; nothing else changes a state.
 * Rule 2: no I/O, no clock, no chance but the suite's.
 * Rule 3: bytes from the peer or the relay never make it throw.
 * Invariant: the secrets of a state are wiped when it is left.
 *
 * @module
 */
import { PosternError, unreachable } from "../errors.ts";
import { isName } from "../identity.ts";
import type { InstantMs } from "../time.ts";
import { parseCode, requireWordCount } from "./code.ts";
import { failWith, leave, stay } from "./ends.ts";
import { joinSlot, stepJoiner } from "./joiner.ts";
import { lapseOpener, openSlot, stepOpener } from "./opener.ts";
import type {
  JoinerState,
  OpenerState,
  PairingContext,
  PairingInput,
  PairingState,
  PairingStep,
} from "./steps.ts";

export type PairingStart =
  /** Shows codes of so many words, 2 to 6. */
  | { readonly kind: "opener"; readonly words: number }
  /** Has been told a code. */
  | { readonly kind: "joiner"; readonly code: string };

/**
 * @throws {@link PosternError} `pairing/invalid-code` for what {@link parseCode} refuses;
 *   `usage/invalid-argument` for a number of words or an own name out of range.
 */
export function startPairing(
  { name }: PairingContext,
  role: PairingStart,
  now: InstantMs,
): PairingStep {
  if (!isName(name)) throw new PosternError("usage/invalid-argument", "name", { field: "name" });
  if (role.kind === "joiner") return joinSlot(parseCode(role.code), now);
  requireWordCount(role.words);
  return openSlot({ words: role.words, codes: 1 }, now);
}

/** One transition. It never throws; an ended pairing stays as it is. */
export function stepPairing(
  context: PairingContext,
  state: PairingState,
  input: PairingInput,
  now: InstantMs,
): PairingStep {
  // It comes too late, after `cancel` for example: the relay need not keep it.
  if (input.kind === "slot" && state.kind !== "expect-slot")
    return { state, effects: [{ kind: "close", slot: input.slot }] };
  if (state.kind === "paired" || state.kind === "failed") return stay(state);
  const late = now >= state.deadline;
  switch (input.kind) {
    case "link-lost":
      return failWith(state, input.error);
    case "cancel":
      return leave(state, "pairing/cancelled");
    case "woke":
      return late ? lapse(state, now) : stay(state);
    case "joined":
    case "message":
      // A driver whose timer is slow does not make a code live longer.
      return late ? lapse(state, now) : step(context, state, input, now);
    default:
      return step(context, state, input, now);
  }
}

/** When the driver must step with `woke`; `undefined` for never. Derived, so never stale. */
export function pairingDeadline(state: PairingState): InstantMs | undefined {
  return "deadline" in state ? state.deadline : undefined;
}

/** The slot whose frames are for this pairing now; `undefined` while it has none. */
export function pairingSlot(state: PairingState): number | undefined {
  return "slot" in state ? state.slot : undefined;
}

function step(
  context: PairingContext,
  state: OpenerState | JoinerState,
  input: PairingInput,
  now: InstantMs,
): PairingStep {
  return isOpener(state)
    ? stepOpener(context, state, input, now)
    : stepJoiner(context, state, input, now);
}

function lapse(state: OpenerState | JoinerState, now: InstantMs): PairingStep {
  return isOpener(state) ? lapseOpener(state, now) : leave(state, "pairing/expired");
}

function isOpener(state: OpenerState | JoinerState): state is OpenerState {
  switch (state.kind) {
    case "expect-slot":
    case "expect-joiner":
    case "expect-joiner-share":
    case "expect-joiner-confirmation":
      return true;
    case "expect-admission":
    case "expect-nonce":
    case "expect-opener-share":
    case "expect-opener-confirmation":
      return false;
    default:
      return unreachable(state);
  }
}
