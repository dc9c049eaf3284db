/**
 * The switchboard's answers to one client's frames: presence, list, find, envelope, open-pipe
 * (docs/protocol.md 5.1, 6). Only `switchboard.ts` calls them.
 *
 * @module
 */
import { ID_BYTES } from "@postern/core/identity";
import type {
  EnvelopeFrame,
  FindFrame,
  FoundFrame,
  ListReceiversFrame,
  OpenPipeFrame,
  PresenceFrame,
  ResultStatus,
} from "@postern/core/link";
import { QUESTIONS_OF_PAGE } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { keyOf } from "./keys.ts";
import type { Connected, Switchboard } from "./board.ts";
import type { SwitchboardEffect as Effect } from "./switchboard-io.ts";

type SendEffect = Extract<Effect, { readonly kind: "send" }>;

const TICKET_BYTES = 32;

/** A receiver alone says how much it takes; the relay never changes it (S-17). */
export function setPresence(board: Switchboard, from: Connected, frame: PresenceFrame): Effect[] {
  const { name, id } = from;
  from.free = frame.free;
  from.profiles = frame.profiles;
  if (frame.listed && frame.free > 0)
    board.directory.list({ name, id, free: frame.free, profiles: frame.profiles });
  else board.directory.unlist(name);
  return [];
}

export function answerList(
  board: Switchboard,
  from: Connected,
  { request, after }: ListReceiversFrame,
  now: InstantMs,
): Effect[] {
  if (!from.quota.questions.take(now, QUESTIONS_OF_PAGE))
    return [result(from, request, "overloaded")];
  const frame = { kind: "receivers", request, ...board.directory.page(after) } as const;
  return [{ kind: "send", link: from.link, frame }];
}

export function answerFind(
  board: Switchboard,
  from: Connected,
  frame: FindFrame,
  now: InstantMs,
): Effect[] {
  if (!from.quota.questions.take(now)) return [result(from, frame.request, "overloaded")];
  return [{ kind: "send", link: from.link, frame: find(board, frame) }];
}

function find(board: Switchboard, { request, name }: FindFrame): FoundFrame {
  const client = board.byName.get(name);
  if (client !== undefined) {
    const { id, profiles } = client;
    return { kind: "found", request, status: client.free > 0 ? "free" : "busy", id, profiles };
  }
  // Its owner may be here under another name of its own: that is not who was asked for.
  const id = board.names.owner(name)?.id;
  if (id !== undefined) return { kind: "found", request, status: "absent", id, profiles: 0 };
  return { kind: "found", request, status: "unknown", id: new Uint8Array(ID_BYTES), profiles: 0 };
}

/** Hands the body on or says why not; nothing is stored. */
export function routeEnvelope(
  board: Switchboard,
  from: Connected,
  frame: EnvelopeFrame,
  now: InstantMs,
): Effect[] {
  const to = board.byKey.get(keyOf(frame.to));
  if (to === undefined) return [missing(board, from, frame, now)];
  if (board.congested(to.link)) return [result(from, frame.request, "overloaded")];
  board.watches.join(from.key, to.key);
  const { id, name } = from;
  return [
    {
      kind: "send",
      link: to.link,
      frame: { kind: "delivery", from: id, name, body: frame.body },
    },
    // Its sender hears of it from the receiver, who answers in a moment.
    { ...result(from, frame.request, "done"), canWait: true },
  ];
}

export function openPipe(
  board: Switchboard,
  from: Connected,
  frame: OpenPipeFrame,
  now: InstantMs,
): Effect[] {
  const to = board.byKey.get(keyOf(frame.to));
  if (to === undefined) return [missing(board, from, frame, now)];
  const opener = board.suite.random(TICKET_BYTES);
  const other = board.suite.random(TICKET_BYTES);
  if (board.congested(to.link) || !board.pipes.open(from.key, { opener, other }, now))
    return [result(from, frame.request, "overloaded")];
  return [
    ticket(to, from, frame, other),
    ticket(from, to, frame, opener),
    result(from, frame.request, "done"),
  ];
}

function ticket(
  holder: Connected,
  peer: Connected,
  frame: OpenPipeFrame,
  bytes: Uint8Array,
): Effect {
  const { transfer } = frame;
  return {
    kind: "send",
    link: holder.link,
    frame: { kind: "pipe-ticket", peer: peer.fingerprint, transfer, ticket: bytes },
  };
}

/** The answer when `to` is not connected: who sends so asks who is there. */
export function missing(
  board: Switchboard,
  from: Connected,
  { request, to }: { readonly request: number; readonly to: Uint8Array },
  now: InstantMs,
): Effect {
  if (!from.quota.questions.take(now)) return result(from, request, "overloaded");
  return result(from, request, board.names.knows(to) ? "absent" : "unknown");
}

export function result(to: Connected, request: number, status: ResultStatus): SendEffect {
  return { kind: "send", link: to.link, frame: { kind: "result", request, status } };
}
