/**
 * The switchboard's answers to the frames of a pairing (docs/protocol-pairing.md 10.5). What the
 * two ends say to each other is handed on unread. Only `switchboard.ts` calls them.
 *
 * @module
 */
import { PAIR_SLOT_MS } from "@postern/core/limits";
import type {
  PairCloseFrame,
  PairClosedReason,
  PairJoinFrame,
  PairOpenFrame,
  PairSendFrame,
} from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { result } from "./answers.ts";
import type { Connected, Switchboard } from "./board.ts";
import type { LostSlot } from "./pair-slots.ts";
import type { LinkId, SwitchboardEffect as Effect } from "./switchboard-io.ts";

export function openSlot(
  board: Switchboard,
  from: Connected,
  { request }: PairOpenFrame,
  now: InstantMs,
): Effect[] {
  const slot = board.slots.open(from, now);
  if (slot === undefined) return [result(from, request, "overloaded")];
  const frame = { kind: "pair-slot", request, slot, validMs: PAIR_SLOT_MS } as const;
  return [{ kind: "send", link: from.link, frame }];
}

export function joinSlot(
  board: Switchboard,
  from: Connected,
  { request, slot }: PairJoinFrame,
  now: InstantMs,
): Effect[] {
  const joining = board.slots.join(from, slot, now);
  if (joining.kind !== "joined") return [result(from, request, joining.kind)];
  return [
    result(from, request, "done"),
    { kind: "send", link: joining.opener, frame: { kind: "pair-joined", slot } },
  ];
}

/** Nothing is answered: an end that hears nothing more gives up by itself. */
export function sendInSlot(
  board: Switchboard,
  from: Connected,
  { slot, body }: PairSendFrame,
): Effect[] {
  const other = board.slots.otherEnd(slot, from.link);
  // A stranger who floods a slot must not get its opener's link closed.
  if (other === undefined || board.congested(other)) return [];
  return [{ kind: "send", link: other, frame: { kind: "pair-message", slot, body } }];
}

export function closeSlot(board: Switchboard, from: Connected, { slot }: PairCloseFrame): Effect[] {
  const other = board.slots.close(slot, from.link);
  return other === undefined ? [] : [closed({ slot, link: other }, "closed")];
}

export function leaveSlots(board: Switchboard, link: LinkId): Effect[] {
  return board.slots.leave(link).map((lost) => closed(lost, "gone"));
}

export function expireSlots(board: Switchboard, now: InstantMs): Effect[] {
  return board.slots.expire(now).map((lost) => closed(lost, "expired"));
}

function closed({ slot, link }: LostSlot, reason: PairClosedReason): Effect {
  return { kind: "send", link, frame: { kind: "pair-closed", slot, reason } };
}
