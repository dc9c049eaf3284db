/**
 * The opener's half of a pairing (A): `pairing.ts` has the diagram. docs/protocol-pairing.md 10.
 *
 * Invariant: one guess for one code, whatever the relay does. A slot's first `joined` is answered;
 * from then on the code is good for this run alone, and anything but the right confirmation burns
 * it.
 *
 * @module
 */
import { equalBytes, wipe } from "../bytes.ts";
import { PAIR_CODES_MAX, PAIR_SLOT_MS } from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { openCard, sealCard } from "./card.ts";
import { formatCode, makeWords, passwordOf } from "./code.ts";
import { emit, fail, leave, pair, stay, stepDeadline, wipePairing } from "./ends.ts";
import {
  agreeOnKeys,
  checkConfirmation,
  confirmationOf,
  drawShare,
  type PairingKeys,
} from "./keys.ts";
import { decodePairingMessage, encodePairingMessage, PAIRING_NONCE_BYTES } from "./messages.ts";
import type {
  Opening,
  OpenerState,
  PairingContext,
  PairingEffect,
  PairingInput,
  PairingStep,
} from "./steps.ts";

type StateOf<K extends OpenerState["kind"]> = Extract<OpenerState, { readonly kind: K }>;
type InSlot = Exclude<OpenerState, { readonly kind: "expect-slot" }>;

export function openSlot(opening: Opening, now: InstantMs): PairingStep {
  return {
    state: { kind: "expect-slot", ...opening, deadline: stepDeadline(now) },
    effects: [{ kind: "open-slot" }],
  };
}

export function stepOpener(
  context: PairingContext,
  state: OpenerState,
  input: PairingInput,
  now: InstantMs,
): PairingStep {
  if (state.kind === "expect-slot") return inNoSlot(context, state, input, now);
  switch (input.kind) {
    case "joined":
      return state.kind === "expect-joiner" ? greet(context, state, now) : burn(state, now);
    case "message":
      return receive(context, state, input.body, now);
    case "closed":
      return input.reason === "expired"
        ? fail(state, "pairing/expired")
        : burn(state, now, "closed already");
    default:
      return stay(state);
  }
}

/** The time of a step, or of the code, is over. */
export function lapseOpener(state: OpenerState, now: InstantMs): PairingStep {
  if (state.kind === "expect-slot" || state.kind === "expect-joiner")
    return leave(state, "pairing/expired");
  return burn(state, now);
}

/** What still comes of a slot that was burned is not for the next one. */
function inNoSlot(
  { suite }: PairingContext,
  state: StateOf<"expect-slot">,
  input: PairingInput,
  now: InstantMs,
): PairingStep {
  if (input.kind === "slot-refused")
    return fail(state, "pairing/limited", { status: input.status });
  if (input.kind !== "slot") return stay(state);
  const { slot } = input;
  // The code ends here when it should, even if a relay would keep its slot for ever.
  const validMs = Math.min(input.validMs, PAIR_SLOT_MS);
  const words = makeWords(suite, state.words);
  const code = formatCode({ slot, words });
  const deadline = after(now, validMs);
  return {
    state: { ...state, kind: "expect-joiner", slot, password: passwordOf(words), deadline },
    effects: [emit({ kind: "code", code, validMs })],
  };
}

function greet(
  { suite }: PairingContext,
  state: StateOf<"expect-joiner">,
  now: InstantMs,
): PairingStep {
  const nonce = suite.random(PAIRING_NONCE_BYTES);
  return {
    state: { ...state, kind: "expect-joiner-share", nonce, deadline: stepDeadline(now) },
    effects: [send(state, { kind: "nonce", nonce })],
  };
}

function receive(
  context: PairingContext,
  state: InSlot,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  if (state.kind === "expect-joiner-share") return share(context, state, body, now);
  if (state.kind === "expect-joiner-confirmation") return confirm(context, state, body, now);
  // Nobody has joined, so nobody can have said anything.
  return burn(state, now);
}

function share(
  context: PairingContext,
  state: StateOf<"expect-joiner-share">,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  const { suite, relayFingerprint, self } = context;
  const { slot, password, nonce, words, codes } = state;
  const joiner = decodePairingMessage("joiner-share", body);
  if (joiner === undefined || equalBytes(joiner.id, self.id)) return burn(state, now);
  const place = { relayFingerprint, slot, openerNonce: nonce, joinerNonce: joiner.nonce };
  const { scalar, share: ownShare } = drawShare(suite, place, password);
  wipe(password);
  const own = { id: self.id, share: ownShare };
  const keys = agreeOnKeys(suite, place, { opener: own, joiner }, scalar, "opener");
  if (keys === undefined) return burn(state, now);
  const deadline = stepDeadline(now);
  const peerId = joiner.id;
  return {
    state: { kind: "expect-joiner-confirmation", slot, words, codes, peerId, keys, deadline },
    effects: [send(state, { kind: "opener-share", ...own })],
  };
}

function confirm(
  context: PairingContext,
  state: StateOf<"expect-joiner-confirmation">,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  const { suite } = context;
  const message = decodePairingMessage("joiner-confirmation", body);
  const keys = message && checkConfirmation(suite, state.keys, "joiner", message.confirmation);
  if (message === undefined || keys === undefined) return burn(state, now);
  const peer = openCard(suite, keys, { role: "joiner", id: state.peerId }, message.card);
  // It knew the words: no guess, but no peer to go on with either.
  if (peer === undefined) return leave(state, "pairing/failed");
  const answer = send(state, { kind: "opener-confirmation", ...ownConfirmation(context, keys) });
  return pair(context, keys, peer, answer);
}

function ownConfirmation({ suite, name, signing }: PairingContext, keys: PairingKeys) {
  return {
    confirmation: confirmationOf(suite, keys, "opener"),
    card: sealCard(suite, keys, "opener", { name, signing }),
  };
}

/** The guess was made. Both are told: the joiner by the closed slot. */
function burn(state: InSlot, now: InstantMs, closed?: "closed already"): PairingStep {
  const closing: readonly PairingEffect[] =
    closed === undefined ? [{ kind: "close", slot: state.slot }] : [];
  const { words, codes } = state;
  if (codes >= PAIR_CODES_MAX) {
    const end = fail(state, "pairing/wrong-code", { codes });
    return { state: end.state, effects: [...closing, ...end.effects] };
  }
  wipePairing(state);
  const next = openSlot({ words, codes: codes + 1 }, now);
  return {
    state: next.state,
    effects: [...closing, emit({ kind: "guessed" }), ...next.effects],
  };
}

function send(
  { slot }: { readonly slot: number },
  message: Parameters<typeof encodePairingMessage>[0],
): PairingEffect {
  return { kind: "send", slot, body: encodePairingMessage(message) };
}
