/**
 * Where a symmetric master key goes (docs/protocol.md 7.1): who has which certified RSA key, and
 * the life of one `key-up`. The opening and wrapping itself is the driver's, asynchronously.
 *
 * ```text
 *   key-up ──► refused, absent, overloaded
 *     │ rewrap                         done
 *     └────────► pending ── rewrapped ──────► key-down to the receiver, result done
 *                                    └──────► result failed, refused, absent
 * ```
 *
 * @module
 */
import { relayKeyLabels } from "@postern/core/exchange/relay-half";
import { decodeRsaCertificate } from "@postern/core/identity";
import { PROFILE_BITS, type KeyUpFrame, type RsaCertificateFrame } from "@postern/core/link";
import { REQUESTS_PENDING_MAX, REWRAPS_PENDING_MAX } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { missing, result } from "./answers.ts";
import type { Connected, Switchboard } from "./board.ts";
import { mayCertify } from "./key-proofs.ts";
import { keyOf } from "./keys.ts";
import type {
  CloseReason,
  Moment,
  RewrapOutcome,
  SwitchboardEffect as Effect,
} from "./switchboard-io.ts";

export function answerCertificate(
  board: Switchboard,
  from: Connected,
  frame: RsaCertificateFrame,
  wall: WallMs,
): Effect[] | CloseReason {
  const { certificate } = frame;
  const key = decodeRsaCertificate(board.suite, from.id, certificate, wall);
  // One that does not hold: its sender is broken or lies.
  if (key === undefined) return "bad-certificate";
  if (!mayCertify(from, key.spki)) return "unexpected-frame";
  from.certified = { ...key, certificate };
  from.hearsKey = true;
  // While the relay's own key is in the making, the answer waits for it.
  if (board.relayKey === undefined) return [];
  return [{ kind: "send", link: from.link, frame: { kind: "rsa-key", spki: board.relayKey } }];
}

export function answerKeyUp(
  board: Switchboard,
  from: Connected,
  frame: KeyUpFrame,
  { now, wall }: Moment,
): Effect[] {
  const { request, transfer, use, ciphertext } = frame;
  const to = board.byKey.get(keyOf(frame.to));
  if (to === undefined) return [missing(board, from, frame, now)];
  if (to.certified === undefined || !takesKeys(to, wall) || !isCertified(from, wall))
    return [result(from, request, "refused")];
  if (isFull(board, from, to)) return [result(from, request, "overloaded")];
  const job = board.nextJob++;
  from.pending++;
  board.jobs.set(job, { from, to, frame: { request, transfer, use } });
  // Both as their links proved them: a key made for other ends does not open (S-01).
  const labels = relayKeyLabels(use, transfer, from.fingerprint, to.fingerprint);
  return [{ kind: "rewrap", job, ...labels, ciphertext, to: to.certified.spki }];
}

export function finishKeyUp(board: Switchboard, id: number, outcome: RewrapOutcome): Effect[] {
  const job = board.jobs.get(id);
  if (job === undefined) return [];
  board.jobs.delete(id);
  const { from, to, frame } = job;
  from.pending--;
  if (!isConnected(board, from)) return [];
  if (outcome.kind !== "done") return [result(from, frame.request, outcome.kind)];
  // The key was wrapped for that link's certificate; a new link has to be asked anew.
  if (!isConnected(board, to)) return [result(from, frame.request, "absent")];
  const { transfer, use } = frame;
  const { ciphertext } = outcome;
  return [
    {
      kind: "send",
      link: to.link,
      frame: { kind: "key-down", from: from.id, transfer, use, ciphertext },
    },
    result(from, frame.request, "done"),
  ];
}

function takesKeys(client: Connected, wall: WallMs): boolean {
  return (client.profiles & PROFILE_BITS.symmetric) !== 0 && isCertified(client, wall);
}

function isCertified({ certified }: Connected, wall: WallMs): boolean {
  return certified !== undefined && certified.notAfter >= wall;
}

function isFull(board: Switchboard, from: Connected, to: Connected): boolean {
  const pending = from.pending >= REQUESTS_PENDING_MAX || board.jobs.size >= REWRAPS_PENDING_MAX;
  return pending || board.relayKey === undefined || board.congested(to.link);
}

function isConnected(board: Switchboard, client: Connected): boolean {
  return board.links.get(client.link) === client;
}
