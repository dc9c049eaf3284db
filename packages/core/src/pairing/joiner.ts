/**
 * The joiner's half of a pairing (B): `pairing.ts` has the diagram. docs/protocol-pairing.md 10.
 *
 * Invariant: one run for one code that a person typed. It is never tried again without a person,
 * for each run is a guess to whoever is at the other end.
 *
 * @module
 */
import { equalBytes, wipe } from "../bytes.ts";
import type { InstantMs } from "../time.ts";
import { openCard, sealCard } from "./card.ts";
import { passwordOf, type PairingCode } from "./code.ts";
import { fail, leave, pair, stay, stepDeadline } from "./ends.ts";
import { agreeOnKeys, checkConfirmation, confirmationOf, drawShare } from "./keys.ts";
import {
  decodePairingMessage,
  encodePairingMessage,
  PAIRING_NONCE_BYTES,
  type PairingMessage,
} from "./messages.ts";
import type {
  JoinerState,
  PairingContext,
  PairingEffect,
  PairingInput,
  PairingStep,
} from "./steps.ts";

type StateOf<K extends JoinerState["kind"]> = Extract<JoinerState, { readonly kind: K }>;

export function joinSlot({ slot, words }: PairingCode, now: InstantMs): PairingStep {
  const password = passwordOf(words);
  return {
    state: { kind: "expect-admission", slot, password, deadline: stepDeadline(now) },
    effects: [{ kind: "join-slot", slot }],
  };
}

export function stepJoiner(
  context: PairingContext,
  state: JoinerState,
  input: PairingInput,
  now: InstantMs,
): PairingStep {
  switch (input.kind) {
    case "join-result":
      return state.kind === "expect-admission" ? admitted(state, input.status, now) : stay(state);
    case "message":
      return receive(context, state, input.body, now);
    case "closed":
      return closed(state, input.reason);
    default:
      return stay(state);
  }
}

/** A relay that admitted nobody keeps no slot for this side to leave. */
function admitted(state: StateOf<"expect-admission">, status: string, now: InstantMs): PairingStep {
  if (status === "done")
    return stay({ ...state, kind: "expect-nonce", deadline: stepDeadline(now) });
  if (status === "unknown") return fail(state, "pairing/unknown-code");
  return fail(state, "pairing/limited", { status });
}

function receive(
  context: PairingContext,
  state: JoinerState,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  if (state.kind === "expect-nonce") return share(context, state, body, now);
  if (state.kind === "expect-opener-share") return agree(context, state, body, now);
  if (state.kind === "expect-opener-confirmation") return confirm(context, state, body);
  return leave(state, "pairing/failed");
}

function share(
  { suite, relayFingerprint, self }: PairingContext,
  state: StateOf<"expect-nonce">,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  const opener = decodePairingMessage("nonce", body);
  if (opener === undefined) return leave(state, "pairing/failed");
  const { slot, password } = state;
  const nonce = suite.random(PAIRING_NONCE_BYTES);
  const place = { relayFingerprint, slot, openerNonce: opener.nonce, joinerNonce: nonce };
  const { scalar, share: ownShare } = drawShare(suite, place, password);
  wipe(password);
  const own = { id: self.id, share: ownShare };
  const deadline = stepDeadline(now);
  return {
    state: { kind: "expect-opener-share", slot, place, own, scalar, deadline },
    effects: [send(state, { kind: "joiner-share", nonce, ...own })],
  };
}

/** Confirms first: a guess learns no more than that it was wrong. */
function agree(
  { suite, self, name, signing }: PairingContext,
  state: StateOf<"expect-opener-share">,
  body: Uint8Array,
  now: InstantMs,
): PairingStep {
  const opener = decodePairingMessage("opener-share", body);
  if (opener === undefined || equalBytes(opener.id, self.id)) return leave(state, "pairing/failed");
  const { slot, place, own, scalar } = state;
  const keys = agreeOnKeys(suite, place, { opener, joiner: own }, scalar, "joiner");
  if (keys === undefined) return leave(state, "pairing/failed");
  const confirmation = confirmationOf(suite, keys, "joiner");
  const card = sealCard(suite, keys, "joiner", { name, signing });
  const deadline = stepDeadline(now);
  return {
    state: { kind: "expect-opener-confirmation", slot, peerId: opener.id, keys, deadline },
    effects: [send(state, { kind: "joiner-confirmation", confirmation, card })],
  };
}

function confirm(
  context: PairingContext,
  state: StateOf<"expect-opener-confirmation">,
  body: Uint8Array,
): PairingStep {
  const { suite } = context;
  const message = decodePairingMessage("opener-confirmation", body);
  if (message === undefined) return leave(state, "pairing/failed");
  const keys = checkConfirmation(suite, state.keys, "opener", message.confirmation);
  if (keys === undefined) return leave(state, "pairing/wrong-code");
  const peer = openCard(suite, keys, { role: "opener", id: state.peerId }, message.card);
  if (peer === undefined) return leave(state, "pairing/failed");
  const closing = { kind: "close", slot: state.slot } as const;
  return pair(context, keys, peer, closing);
}

/** An opener that closes after this side's confirmation has found it wrong. */
function closed(state: JoinerState, reason: "other-end" | "expired" | "gone"): PairingStep {
  if (reason === "expired") return fail(state, "pairing/expired");
  const judged = reason === "other-end" && state.kind === "expect-opener-confirmation";
  return fail(state, judged ? "pairing/wrong-code" : "pairing/cancelled", { reason });
}

function send({ slot }: { readonly slot: number }, message: PairingMessage): PairingEffect {
  return { kind: "send", slot, body: encodePairingMessage(message) };
}
