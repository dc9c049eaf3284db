/**
 * One client on one link: every transfer it sends or receives, and its requests to the relay. The
 * one machine that an application's driver runs. docs/protocol.md 5.1, 6, 9.
 *
 * ```text
 *   relay ──frame──► ┌──────────┐ ──frame──────────► relay
 *   person ─command─►│   Peer   │ ──transfer effect─► driver (keys, store, records)
 *   driver ─input───►└──────────┘ ──event───────────► person
 *                      │ routes by (peer, transfer id) to `stepSend` and `stepReceive`
 * ```
 *
 * The state is a table of transfers and is changed in place; each transfer's own state changes
 * only in its machine. No I/O and no clock: frames, commands and the moment are inputs. Bytes from
 * peers and from the relay never throw.
 *
 * @module
 */
import { ifWellFormed } from "../bytes/reader.ts";
import type { Party } from "../exchange/context.ts";
import type { RequestStatus } from "../exchange/steps.ts";
import { decodeId } from "../identity/id.ts";
import { fingerprintOf } from "../identity/fingerprint.ts";
import { TRANSFERS_AT_ONCE_MAX, TRANSFERS_OF_PEER_MAX } from "../limits.ts";
import type { LinkFrame, RelayFrame } from "../link/frames.ts";
import { earlier, type InstantMs } from "../time.ts";
import {
  decodeTransferEnvelope,
  encodeTransferEnvelope,
  type TransferEnvelope,
} from "../transfer/envelope.ts";
import { profileOf } from "../exchange/profile.ts";
import { startReceive, stepReceive } from "../transfer/receive.ts";
import type { ReceiveInput } from "../transfer/receive-state.ts";
import { planSend, startSend, stepSend } from "../transfer/send.ts";
import type { Moment, TransferEffect, TransferInput } from "../transfer/steps.ts";
import type {
  AnswerFrame,
  DirectoryQuery,
  PeerEffect,
  PeerInput,
  PeerOptions,
  TransferKey,
} from "./steps.ts";
import { answered, isAnswer, questionFrame, resulted, unanswered } from "./questions.ts";
import {
  deadlineOf,
  isReceiverInput,
  isSentTo,
  isWith,
  occupiedBy,
  placedBy,
  purposeOf,
  transferKey,
  type Incoming,
  type Outgoing,
  type Purpose,
} from "./entries.ts";
import { Presence } from "./presence.ts";
import { repeatedOffers } from "./repeated-offers.ts";
import { RequestTable } from "./request-table.ts";
import { SeenTransfers } from "./seen-transfers.ts";

export class Peer {
  readonly #options: PeerOptions;
  readonly #transfers = new Map<TransferKey, Outgoing | Incoming>();
  readonly #requests = new RequestTable<Purpose>();
  readonly #seen: SeenTransfers;
  readonly #presence = new Presence();

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#seen = options.seen ?? new SeenTransfers();
  }

  /** When {@link step} wants `woke`. */
  get deadline(): InstantMs | undefined {
    let soonest = earlier(this.#presence.deadline, this.#requests.deadline);
    for (const transfer of this.#transfers.values())
      soonest = earlier(soonest, deadlineOf(transfer));
    return soonest;
  }

  step(input: PeerInput, now: Moment): readonly PeerEffect[] {
    switch (input.kind) {
      case "frame":
        return this.#frame(input.frame, now);
      case "link-lost":
        return this.#all(() => true, { kind: "link-lost", error: input.error }, now);
      case "listen":
        return [framed(this.#presence.announce(input.policy, input.listed, this.#occupied()))];
      case "send":
        return this.#send(input, now);
      case "transfer":
        return this.#transfer(input.key, input.input, now);
      case "send-frames":
        return this.#sendFrames(input.key, input.frames, now);
      case "query":
        return this.#query(input.token, input.query, now);
      case "post":
        return this.#post(input.to, input.envelope, now);
      case "room-made":
        return this.#all((one) => isSentTo(one, input.of), { kind: "room-made" }, now);
      case "woke":
        return this.#woke(now);
    }
  }

  #frame(frame: RelayFrame, now: Moment): readonly PeerEffect[] {
    switch (frame.kind) {
      case "result":
        return this.#result(frame.request, frame.status, now);
      case "delivery":
        return this.#delivery(frame, now);
      case "pipe-ticket": {
        const key = transferKey(frame.peer, frame.transfer);
        return this.#transfer(key, { kind: "pipe-ticket", ticket: frame.ticket }, now);
      }
      case "key-down":
        return this.#keyDown(frame, now);
      case "peer-gone":
        return this.#all(
          (transfer) => isWith(transfer, { fingerprint: frame.peer }),
          { kind: "peer-gone" },
          now,
        );
      default:
        // `rsa-key`, `auth-*`, `notice`, `pair-*` of a slot and keep-alive are the driver's.
        return isAnswer(frame) ? this.#answered(frame) : [];
    }
  }

  #send(input: Extract<PeerInput, { kind: "send" }>, now: Moment): readonly PeerEffect[] {
    const { suite, self, relayFingerprint } = this.#options;
    const { transfer, to, request } = input;
    const key = transferKey(to.fingerprint, transfer);
    const context = { suite, relayFingerprint, sender: self, receiver: to, transfer };
    const plan = planSend(context, request, now);
    const { state, effects } = startSend(plan, now);
    this.#transfers.set(key, { role: "sending", name: "", plan, party: to, state });
    return this.#perform(key, effects, now);
  }

  #sendFrames(key: TransferKey, frames: Uint8Array, now: Moment): readonly PeerEffect[] {
    const entry = this.#transfers.get(key);
    if (entry === undefined) return [];
    const kind = entry.role === "sending" ? "content" : "reverse";
    const { transfer } = entry.plan.context;
    return this.#performOne(
      key,
      { kind: "send-envelope", envelope: { kind, transfer, frames } },
      now,
    );
  }

  #transfer(key: TransferKey, input: ReceiveInput, now: Moment): readonly PeerEffect[] {
    const transfer = this.#transfers.get(key);
    if (transfer === undefined) return [];
    const before = this.#occupied();
    let effects: readonly TransferEffect[];
    if (transfer.role === "receiving") {
      ({ state: transfer.state, effects } = stepReceive(transfer.plan, transfer.state, input, now));
    } else {
      if (isReceiverInput(input)) return [];
      ({ state: transfer.state, effects } = stepSend(transfer.plan, transfer.state, input, now));
    }
    const performed = this.#perform(key, effects, now);
    if (transfer.state.kind === "done" || transfer.state.kind === "failed")
      this.#transfers.delete(key);
    const after = this.#occupied();
    if (before === after) return performed;
    const presence = this.#presence.change(after, now.instant);
    if (presence === undefined) return performed;
    // Free again before the other side hears the last word: it may send the next thing at once.
    return after < before ? [framed(presence), ...performed] : [...performed, framed(presence)];
  }

  #woke(now: Moment): readonly PeerEffect[] {
    const presence = this.#presence.woke(now.instant);
    const isDue = (transfer: Outgoing | Incoming): boolean =>
      (deadlineOf(transfer) ?? Infinity) <= now.instant;
    const unheard = unanswered(this.#requests.expire(now.instant));
    const effects = [...unheard, ...this.#all(isDue, { kind: "woke" }, now)];
    return presence === undefined ? effects : [framed(presence), ...effects];
  }

  /** Applies one input to every transfer that matches. */
  #all(
    matches: (transfer: Outgoing | Incoming) => boolean,
    input: TransferInput,
    now: Moment,
  ): readonly PeerEffect[] {
    const keys = [...this.#transfers].filter(([, transfer]) => matches(transfer));
    return keys.flatMap(([key]) => this.#transfer(key, input, now));
  }

  #perform(
    key: TransferKey,
    effects: readonly TransferEffect[],
    now: Moment,
  ): readonly PeerEffect[] {
    return effects.flatMap((effect) => this.#performOne(key, effect, now));
  }

  #performOne(key: TransferKey, effect: TransferEffect, now: Moment): readonly PeerEffect[] {
    const entry = this.#transfers.get(key);
    if (entry === undefined) return [];
    const { name, party, role } = entry;
    const to = party.fingerprint;
    const { transfer } = entry.plan.context;
    switch (effect.kind) {
      case "send-envelope": {
        const { envelope } = effect;
        const purpose = purposeOf(envelope, key);
        const body = encodeTransferEnvelope(envelope);
        return this.#request(purpose, (request) => ({ kind: "envelope", request, to, body }), now);
      }
      case "open-pipe":
        return this.#request(
          { kind: "pipe", key },
          (request) => ({ kind: "open-pipe", request, to, transfer }),
          now,
        );
      case "key-up": {
        const { use, ciphertext } = effect;
        return this.#request(
          { kind: "key-up", key },
          (request) => ({ kind: "key-up", request, to, transfer, use, ciphertext }),
          now,
        );
      }
      case "repeat-offers": {
        const { offers, which } = effect;
        const isRunning = (id: Uint8Array): boolean =>
          this.#transfers.get(transferKey(to, id))?.role === "sending";
        return repeatedOffers(offers, which, isRunning).flatMap((envelope) =>
          this.#performOne(key, { kind: "send-envelope", envelope }, now),
        );
      }
      case "emit":
        // Said once the header has opened: from here on the same offer again is a replay.
        if (role === "receiving" && effect.event.kind === "master-key")
          this.#seen.add(key, now.instant);
        return [{ kind: "transfer", key, name, party, role, transfer, effect }];
      default:
        return [{ kind: "transfer", key, name, party, role, transfer, effect }];
    }
  }

  #request(
    purpose: Purpose,
    frame: (request: number) => LinkFrame,
    now: Moment,
  ): readonly PeerEffect[] {
    const request = this.#requests.open(purpose, now.instant);
    return request === undefined
      ? this.#resulted(purpose, "overloaded", now)
      : [{ kind: "frame", frame: frame(request) }];
  }

  #result(request: number, status: RequestStatus, now: Moment): readonly PeerEffect[] {
    const purpose = this.#requests.close(request);
    return purpose === undefined ? [] : this.#resulted(purpose, status, now);
  }

  #resulted(purpose: Purpose, status: RequestStatus, now: Moment): readonly PeerEffect[] {
    switch (purpose.kind) {
      case "offer":
        return this.#transfer(purpose.key, { kind: "offer-result", status }, now);
      case "frames":
        return this.#transfer(purpose.key, { kind: "frames-result", status }, now);
      case "pipe":
        return this.#transfer(purpose.key, { kind: "pipe-result", status }, now);
      case "key-up":
        return this.#transfer(purpose.key, { kind: "key-up-result", status }, now);
      case "query":
        return [answered(purpose, resulted(purpose.query, status))];
      case "other":
        return [];
    }
  }

  #query(token: number, query: DirectoryQuery, now: Moment): readonly PeerEffect[] {
    const purpose = { kind: "query", token, query: query.kind } as const;
    const request = this.#requests.open(purpose, now.instant);
    if (request === undefined) return [answered(purpose, { kind: "overloaded" })];
    return [{ kind: "frame", frame: questionFrame(request, query) }];
  }

  #answered(frame: AnswerFrame): readonly PeerEffect[] {
    const purpose = this.#requests.close(frame.request);
    return purpose?.kind === "query" ? [answered(purpose, frame)] : [];
  }

  #delivery(frame: Extract<RelayFrame, { kind: "delivery" }>, now: Moment): readonly PeerEffect[] {
    const party = this.#party(frame.from);
    const envelope = ifWellFormed(() => decodeTransferEnvelope(frame.body));
    if (party === undefined || envelope === undefined) return [];
    const key = transferKey(party.fingerprint, envelope.transfer);
    if (envelope.kind === "offer") return this.#offer(key, party, frame.name, envelope, now);
    const isOurs = this.#transfers.has(key);
    if (envelope.kind === "close") return this.#close(key, party, envelope, now);
    if ((envelope.kind === "receipt" || envelope.kind === "resync") && !isOurs)
      return [{ kind: "stray", party, envelope }];
    return this.#transfer(key, { kind: "envelope", envelope }, now);
  }

  /** The sender has given the transfer up; what is left is its place in the channel. */
  #close(
    key: TransferKey,
    party: Party,
    envelope: Extract<TransferEnvelope, { kind: "close" }>,
    now: Moment,
  ): readonly PeerEffect[] {
    if (this.#options.admits?.(party.fingerprint, "end-to-end") === "blocked") return [];
    if (this.#transfers.get(key)?.role === "sending") return [];
    const { transfer } = envelope;
    const withdraw = { kind: "withdraw", transfer, reason: 1 } as const;
    const ended = this.#transfer(key, { kind: "envelope", envelope: withdraw }, now);
    return [...ended, { kind: "stray", party, envelope }];
  }

  #offer(
    key: TransferKey,
    party: Party,
    name: string,
    offer: Extract<TransferEnvelope, { kind: "offer" }>,
    now: Moment,
  ): readonly PeerEffect[] {
    const profile = profileOf(offer.outer);
    const admits = profile && this.#options.admits?.(party.fingerprint, profile);
    if (admits === "blocked") return this.#refuse(party, offer, "decline", now);
    const isTaken = profile !== undefined && this.#presence.policy.profiles.includes(profile);
    const canKeep = this.#seen.hasRoom(now.instant);
    const admission = {
      profile: isTaken && admits !== "profile-refused" ? profile : undefined,
      hasRoom: this.#occupied() < this.#presence.policy.capacity && canKeep,
      placed: canKeep ? placedBy(this.#transfers.values(), party) : [],
      replayed: this.#seen.has(key),
    };
    // One that this client made itself has come back to it: nobody waits for an answer.
    if (this.#transfers.get(key)?.role === "sending") return [];
    if (!this.#incoming(key, party, offer.transfer, now))
      return this.#refuse(party, offer, "busy", now);
    const entry = this.#transfers.get(key);
    if (entry?.role === "receiving") entry.name = name;
    return this.#transfer(key, { kind: "offer", offer, admission }, now);
  }

  /** Without a transfer of its own: nobody should wait for an answer that never comes. */
  #refuse(
    { fingerprint }: Party,
    { transfer }: Extract<TransferEnvelope, { kind: "offer" }>,
    verdict: "busy" | "decline",
    now: Moment,
  ): readonly PeerEffect[] {
    return this.#post(fingerprint, { kind: "refusal", transfer, verdict }, now);
  }

  #post(to: Uint8Array, envelope: TransferEnvelope, now: Moment): readonly PeerEffect[] {
    const body = encodeTransferEnvelope(envelope);
    const frame = (request: number): LinkFrame => ({ kind: "envelope", request, to, body });
    return this.#request({ kind: "other" }, frame, now);
  }

  #keyDown(frame: Extract<RelayFrame, { kind: "key-down" }>, now: Moment): readonly PeerEffect[] {
    const party = this.#party(frame.from);
    if (party === undefined) return [];
    const key = transferKey(party.fingerprint, frame.transfer);
    if (frame.use === "this" && !this.#incoming(key, party, frame.transfer, now)) return [];
    const { use, ciphertext } = frame;
    return this.#transfer(key, { kind: "key-down", use, ciphertext }, now);
  }

  /** Makes room for an incoming transfer. `false`: too many at once, of one peer or of all. */
  #incoming(key: TransferKey, party: Party, transfer: Uint8Array, now: Moment): boolean {
    const known = this.#transfers.get(key);
    if (known !== undefined) return known.role === "receiving";
    const ofPeer = [...this.#transfers.values()].filter((other) => isWith(other, party)).length;
    if (this.#transfers.size >= TRANSFERS_AT_ONCE_MAX || ofPeer >= TRANSFERS_OF_PEER_MAX)
      return false;
    const { suite, self, relayFingerprint } = this.#options;
    const context = { suite, relayFingerprint, sender: party, receiver: self, transfer };
    const [plan, state] = [{ context }, startReceive(now)];
    this.#transfers.set(key, { role: "receiving", name: "", plan, party, state });
    return true;
  }

  #occupied(): number {
    return occupiedBy(this.#transfers.values());
  }

  #party(id: Uint8Array): Party | undefined {
    if (decodeId(id) === undefined) return undefined;
    return { id, fingerprint: fingerprintOf(this.#options.suite, id) };
  }
}

function framed(frame: LinkFrame): PeerEffect {
  return { kind: "frame", frame };
}
