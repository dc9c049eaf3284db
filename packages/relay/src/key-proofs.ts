/**
 * The relay's side of the asymmetric profile (docs/protocol.md 7.2): each link's proof of both RSA
 * keys, and certificates for those who have proved theirs. RSA itself is the driver's,
 * asynchronously.
 *
 * ```text
 *   none ── auth-open ──► waiting (for the relay's own key) ──► begun ──► authenticated
 *     anything out of turn, and a proof that fails ──► the link is closed
 * ```
 *
 * Invariants: a link proves one key, once, and has one job at a time; what others learn of a client
 * is what its identity certified.
 *
 * @module
 */
import {
  startRelayAuth,
  stepRelayAuth,
  wipeRelayAuth,
  type AuthContext,
  type RelayAuthInput,
  type RelayAuthStep,
} from "@postern/core/exchange/relay-half";
import { equalBytes, wipe } from "@postern/core/bytes";
import { decodeRsaCertificate } from "@postern/core/identity";
import type { AuthOpenFrame, AuthResponseFrame, FetchCertificateFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { missing, result } from "./answers.ts";
import type { Connected, Switchboard } from "./board.ts";
import { keyOf } from "./keys.ts";
import type { CloseReason, Moment, SwitchboardEffect as Effect } from "./switchboard-io.ts";

export function answerAuthOpen(
  board: Switchboard,
  from: Connected,
  frame: AuthOpenFrame,
  wall: WallMs,
): Effect[] | CloseReason {
  if (from.proof.kind !== "none") return "unexpected-frame";
  const { certificate, nonce } = frame;
  const key = decodeRsaCertificate(board.suite, from.id, certificate, wall);
  if (key === undefined) return "bad-certificate";
  from.certified = { ...key, certificate };
  from.proof = { kind: "waiting", clientSpki: key.spki, nonce };
  return beginProof(board, from);
}

/** Goes on with a proof that waited for the relay's own key. */
export function beginProof(board: Switchboard, from: Connected): Effect[] | CloseReason {
  const { proof } = from;
  if (proof.kind !== "waiting" || board.relayKey === undefined) return [];
  const { clientSpki, nonce } = proof;
  const opening = { relaySpki: board.relayKey, clientSpki, nonce };
  return follow(board, from, clientSpki, startRelayAuth(contextOf(board, from), opening));
}

export function answerAuthResponse(
  board: Switchboard,
  from: Connected,
  frame: AuthResponseFrame,
): Effect[] | CloseReason {
  const { proof } = from;
  if (proof.kind !== "begun" || proof.state.kind !== "expect-response") return "unexpected-frame";
  const input = { kind: "frame", frame } as const;
  const step = stepRelayAuth(contextOf(board, from), proof.state, input);
  return follow(board, from, proof.clientSpki, step);
}

/** The driver has done a job. `undefined`: its link has gone meanwhile. */
export function finishProofJob(
  board: Switchboard,
  job: number,
  answer: RelayAuthInput,
): { readonly from: Connected; readonly outcome: Effect[] | CloseReason } | undefined {
  const from = board.proofs.get(job);
  board.proofs.delete(job);
  if (from?.proof.kind !== "begun" || board.links.get(from.link) !== from) {
    if (answer.kind === "decrypted") wipe(answer.plaintext);
    return undefined;
  }
  const { clientSpki, state } = from.proof;
  const step = stepRelayAuth(contextOf(board, from), state, answer);
  return { from, outcome: follow(board, from, clientSpki, step) };
}

export function answerFetch(
  board: Switchboard,
  from: Connected,
  { request, of }: FetchCertificateFrame,
  { now, wall }: Moment,
): Effect[] {
  if (!hasProved(from)) return [result(from, request, "refused")];
  const owner = board.byKey.get(keyOf(of));
  if (owner === undefined) return [missing(board, from, { request, to: of }, now)];
  if (!from.quota.questions.take(now)) return [result(from, request, "overloaded")];
  const { certified } = owner;
  const isValid = certified !== undefined && certified.notAfter >= wall;
  const certificate = isValid ? certified.certificate : new Uint8Array(0);
  return [{ kind: "send", link: from.link, frame: { kind: "certificate", request, certificate } }];
}

export function hasProved({ proof }: Connected): boolean {
  return proof.kind === "begun" && proof.state.kind === "authenticated";
}

/** Whether a certificate for this key may follow: a link that proves one key keeps to it. */
export function mayCertify({ proof }: Connected, spki: Uint8Array): boolean {
  return proof.kind === "none" || equalBytes(proof.clientSpki, spki);
}

export function abandonProof({ proof }: Connected): void {
  if (proof.kind === "begun") wipeRelayAuth(proof.state);
}

function follow(
  board: Switchboard,
  from: Connected,
  clientSpki: Uint8Array,
  { state, effects }: RelayAuthStep,
): Effect[] | CloseReason {
  from.proof = { kind: "begun", clientSpki, state };
  if (state.kind === "failed") return "proof-failed";
  return effects.map((effect): Effect => {
    if (effect.kind === "send") return { kind: "send", link: from.link, frame: effect.frame };
    const job = board.nextJob++;
    board.proofs.set(job, from);
    return { kind: "prove", job, work: effect };
  });
}

function contextOf({ suite, relayFingerprint }: Switchboard, { id }: Connected): AuthContext {
  return { suite, relayFingerprint, id };
}
