/**
 * All of the relay's routing, without its I/O: presence, the list of receivers, envelopes, tickets
 * of pipes, where a wrapped master key goes, who has proved an RSA key, whose key packages are
 * handed out, and who meets whom in a slot (docs/protocol.md 5.1, 6, 7.1, 7.2, 7.3.2, 10).
 *
 * ```text
 *   link:   (none) ── login ──► decided ── established ──► connected ── gone, superseded ──► (none)
 * ```
 *
 * Rule 1: every transition is in {@link stepSwitchboard}; the board changes in place there.
 * Rule 2: no I/O, clock or chance: time is an input; names, packages, random bytes and queues are
 * ports.
 * Rule 3: what a client sends never throws. It gets a status, or its link is closed.
 *
 * Invariant: an identity has at most one connected link, the one proven last; only a login that
 * proves the same identity replaces it (R-01, S-03).
 *
 * @module
 */
import { unreachable } from "@postern/core/errors";
import { PROFILE_BITS, type ClientFrame, type LoginStatus } from "@postern/core/link";
import { LINKS_MAX, RETRY_AFTER_MS } from "@postern/core/limits";
import { earlier, type InstantMs } from "@postern/core/time";
import { answerFind, answerList, openPipe, routeEnvelope, setPresence } from "./answers.ts";
import {
  allowedProfiles,
  newClient,
  PROFILES_ALL,
  type Connected,
  type Switchboard,
} from "./board.ts";
import {
  abandonProof,
  answerAuthOpen,
  answerAuthResponse,
  answerFetch,
  beginProof,
  finishProofJob,
  hasProved,
} from "./key-proofs.ts";
import { keyOf } from "./keys.ts";
import type { NameOwner } from "./names.ts";
import { answerFetchPackage, answerPublish } from "./package-answers.ts";
import { closeSlot, expireSlots, joinSlot, leaveSlots, openSlot, sendInSlot } from "./pairing.ts";
import { answerCertificate, answerKeyUp, finishKeyUp } from "./relayed-keys.ts";
import type {
  CloseReason,
  LinkId,
  Moment,
  SwitchboardEffect as Effect,
  SwitchboardInput as Input,
} from "./switchboard-io.ts";

/** When `woke` is due. */
export function switchboardDeadline(board: Switchboard): InstantMs | undefined {
  return earlier(board.pipes.deadline, board.slots.deadline);
}

/** One transition. The driver performs the effects in their order. */
export function stepSwitchboard(board: Switchboard, input: Input, at: Moment): Effect[] {
  switch (input.kind) {
    case "login":
      return login(board, input);
    case "established":
      return establish(board, input.link, at.now);
    case "frame": {
      const client = board.links.get(input.link);
      // A frame may be under way while its link is being closed.
      return client === undefined ? [] : receive(board, client, input.frame, at);
    }
    case "gone":
      board.logins.delete(input.link);
      return leave(board, input.link);
    case "relay-key":
      return announceKey(board, input.spki);
    case "rewrapped":
      return finishKeyUp(board, input.job, input.outcome);
    case "proved": {
      const finished = finishProofJob(board, input.job, input.answer);
      return finished === undefined ? [] : settle(board, finished.from, finished.outcome);
    }
    case "pipe-arrived":
      return arrive(board, input.end, input.ticket, at.now);
    case "pipe-left":
      board.pipes.leave(input.end);
      return [];
    case "pipe-ended":
      board.pipes.end(input.pipe);
      return [];
    case "woke":
      return expire(board, at.now);
    default:
      return unreachable(input);
  }
}

function login(board: Switchboard, input: Extract<Input, { kind: "login" }>): Effect[] {
  const { link, id, fingerprint, name, address } = input;
  const status = judge(board, name, { id, fingerprint });
  if (status === "welcome") board.logins.set(link, { id, fingerprint, name, address });
  const retryAfterMs = status === "overloaded" ? RETRY_AFTER_MS : 0;
  return [{ kind: "decide", link, status, retryAfterMs }];
}

function judge(board: Switchboard, name: string, owner: NameOwner): LoginStatus {
  const key = keyOf(owner.fingerprint);
  // Who is connected already takes the place of its old link and needs none more.
  const places = board.links.size + board.logins.size;
  if (places >= LINKS_MAX && !board.byKey.has(key)) return "overloaded";
  const holder = board.names.owner(name);
  if (holder === undefined) return board.names.claim(name, owner) ? "welcome" : "refused";
  return keyOf(holder.fingerprint) === key ? "welcome" : "name-taken";
}

function establish(board: Switchboard, link: LinkId, now: InstantMs): Effect[] {
  const welcome = board.logins.get(link);
  if (welcome === undefined) return [];
  board.logins.delete(link);
  const key = keyOf(welcome.fingerprint);
  const effects = supersede(board, board.byKey.get(key));
  const client = newClient(link, key, welcome, board.quotas.take(key, now));
  board.links.set(link, client);
  board.byKey.set(key, client);
  board.byName.set(client.name, client);
  const profiles = allowedProfiles(board);
  if (profiles === PROFILES_ALL) return effects;
  return [...effects, { kind: "send", link, frame: { kind: "policy", profiles } }];
}

function supersede(board: Switchboard, old: Connected | undefined): Effect[] {
  if (old === undefined) return [];
  const { link } = old;
  return [
    { kind: "send", link, frame: { kind: "notice", notice: "superseded", afterMs: 0 } },
    { kind: "close", link, reason: "superseded" },
    ...leave(board, link),
  ];
}

/**
 * Takes a client off the board and tells its watchers and those it is paired with: its new link
 * knows nothing of the old.
 */
function leave(board: Switchboard, link: LinkId): Effect[] {
  const client = board.links.get(link);
  if (client === undefined) return [];
  abandonProof(client);
  board.quotas.leave(client.key, client.quota);
  board.links.delete(link);
  board.byKey.delete(client.key);
  board.byName.delete(client.name);
  board.directory.unlist(client.name);
  const frame = { kind: "peer-gone", peer: client.fingerprint } as const;
  const effects = leaveSlots(board, link);
  for (const watcher of board.watches.leave(client.key)) {
    const told = board.byKey.get(watcher);
    if (told !== undefined) effects.push({ kind: "send", link: told.link, frame });
  }
  return effects;
}

function receive(board: Switchboard, from: Connected, frame: ClientFrame, at: Moment): Effect[] {
  switch (frame.kind) {
    case "presence": {
      const isProved = (frame.profiles & PROFILE_BITS.asymmetric) === 0 || hasProved(from);
      if (!isProved) return expel(board, from, "unexpected-frame");
      // It may have been sent before the policy arrived.
      const profiles = frame.profiles & allowedProfiles(board);
      return setPresence(board, from, { ...frame, profiles });
    }
    case "list-receivers":
      return answerList(board, from, frame, at.now);
    case "find":
      return answerFind(board, from, frame, at.now);
    case "envelope":
      return routeEnvelope(board, from, frame, at.now);
    case "open-pipe":
      return openPipe(board, from, frame, at.now);
    case "rsa-certificate":
      return settle(board, from, answerCertificate(board, from, frame, at.wall));
    case "key-up":
      return answerKeyUp(board, from, frame, at);
    case "auth-open":
      return settle(board, from, answerAuthOpen(board, from, frame, at.wall));
    case "auth-response":
      return settle(board, from, answerAuthResponse(board, from, frame));
    case "fetch-certificate":
      return answerFetch(board, from, frame, at);
    case "publish-packages":
      return answerPublish(board, from, frame, at);
    case "fetch-package":
      return answerFetchPackage(board, from, frame, at);
    case "pair-open":
      return openSlot(board, from, frame, at.now);
    case "pair-join":
      return joinSlot(board, from, frame, at.now);
    case "pair-send":
      return sendInSlot(board, from, frame);
    case "pair-close":
      return closeSlot(board, from, frame);
    default:
      return unreachable(frame);
  }
}

function settle(board: Switchboard, from: Connected, outcome: Effect[] | CloseReason): Effect[] {
  return typeof outcome === "string" ? expel(board, from, outcome) : outcome;
}

function expel(board: Switchboard, { link }: Connected, reason: CloseReason): Effect[] {
  return [{ kind: "close", link, reason }, ...leave(board, link)];
}

function announceKey(board: Switchboard, spki: Uint8Array): Effect[] {
  board.relayKey = spki;
  const effects: Effect[] = [];
  for (const client of board.links.values()) {
    const { link, hearsKey } = client;
    if (hearsKey) effects.push({ kind: "send", link, frame: { kind: "rsa-key", spki } });
    effects.push(...settle(board, client, beginProof(board, client)));
  }
  return effects;
}

function expire(board: Switchboard, now: InstantMs): Effect[] {
  const dropped = board.pipes.expire(now);
  const pipes = dropped.map((end): Effect => ({ kind: "drop-pipe", end }));
  return [...pipes, ...expireSlots(board, now)];
}

function arrive(board: Switchboard, end: string, ticket: Uint8Array, now: InstantMs): Effect[] {
  const arrival = board.pipes.arrive(end, ticket, now);
  switch (arrival.kind) {
    case "refused":
      return [{ kind: "refuse-pipe", end }];
    case "waiting":
      return [{ kind: "accept-pipe", end }];
    case "joined":
      return [
        { kind: "accept-pipe", end },
        { kind: "join-pipe", pipe: arrival.pipe, ends: arrival.ends },
      ];
    default:
      return unreachable(arrival);
  }
}
