/**
 * Pipes and their tickets (docs/protocol.md 6): one pipe has two ends, each with a ticket that is
 * good once and for `PIPE_TICKET_MS`.
 *
 * ```text
 *            arrive (first)            arrive (second)
 *   opened ────────────────► waiting ──────────────────► joined ── end ──► (gone)
 *      │                        │ leave
 *      └──── PIPE_TICKET_MS ────┴──────────────────────► (gone)
 * ```
 *
 * Invariant: a pipe counts for its opener from `open` until it is gone. It does not count for the
 * other end, or anyone could use up the pipes of a client by opening some towards it.
 *
 * @module
 */
import { PIPE_TICKET_MS, PIPES_PER_CLIENT_MAX } from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import { keyOf } from "./keys.ts";

/** A pipe's number. */
export type PipeId = number;
/** The driver's name for one connection that presented a ticket. */
export type EndId = string;

export interface Tickets {
  /** For the one who opened the pipe. */
  readonly opener: Uint8Array;
  readonly other: Uint8Array;
}

export type Arrival =
  | { readonly kind: "refused" }
  | { readonly kind: "waiting" }
  /** `ends` in the order of their arrival. */
  | { readonly kind: "joined"; readonly pipe: PipeId; readonly ends: readonly [EndId, EndId] };

interface Pipe {
  readonly id: PipeId;
  readonly opener: string;
  /** Keys of the tickets not used yet. */
  readonly tickets: Set<string>;
  readonly deadline: InstantMs;
  waiting: EndId | undefined;
}

export class Pipes {
  /** Not joined yet, oldest first: every pipe gets the same time, so the first is due first. */
  readonly #opened = new Map<PipeId, Pipe>();
  readonly #joined = new Map<PipeId, Pipe>();
  readonly #byTicket = new Map<string, Pipe>();
  readonly #byEnd = new Map<EndId, Pipe>();
  readonly #counts = new Map<string, number>();
  #next: PipeId = 1;

  /** When {@link expire} is due. */
  get deadline(): InstantMs | undefined {
    for (const pipe of this.#opened.values()) return pipe.deadline;
    return undefined;
  }

  /** `false` when `opener` (a key) has as many pipes as it may. */
  open(opener: string, tickets: Tickets, now: InstantMs): boolean {
    const count = this.#counts.get(opener) ?? 0;
    if (count >= PIPES_PER_CLIENT_MAX) return false;
    const keys = new Set([keyOf(tickets.opener), keyOf(tickets.other)]);
    const pipe: Pipe = {
      id: this.#next++,
      opener,
      tickets: keys,
      deadline: after(now, PIPE_TICKET_MS),
      waiting: undefined,
    };
    this.#opened.set(pipe.id, pipe);
    for (const key of keys) this.#byTicket.set(key, pipe);
    this.#counts.set(opener, count + 1);
    return true;
  }

  /** A connection presents a ticket. A ticket past its time is unknown even before `expire`. */
  arrive(end: EndId, ticket: Uint8Array, now: InstantMs): Arrival {
    const key = keyOf(ticket);
    const pipe = this.#byTicket.get(key);
    if (pipe === undefined || now >= pipe.deadline) return { kind: "refused" };
    this.#byTicket.delete(key);
    pipe.tickets.delete(key);
    if (pipe.waiting === undefined) {
      pipe.waiting = end;
      this.#byEnd.set(end, pipe);
      return { kind: "waiting" };
    }
    const ends = [pipe.waiting, end] as const;
    this.#opened.delete(pipe.id);
    this.#byEnd.delete(pipe.waiting);
    this.#joined.set(pipe.id, pipe);
    return { kind: "joined", pipe: pipe.id, ends };
  }

  /** A waiting end has closed; its pipe is over. */
  leave(end: EndId): void {
    const pipe = this.#byEnd.get(end);
    if (pipe !== undefined) this.#remove(pipe);
  }

  /** A joined pipe is over. */
  end(id: PipeId): void {
    const pipe = this.#joined.get(id);
    if (pipe !== undefined) this.#remove(pipe);
  }

  /** Ends the pipes whose time is up and returns the ends that waited in vain. */
  expire(now: InstantMs): EndId[] {
    const dropped: EndId[] = [];
    for (const pipe of this.#opened.values()) {
      if (now < pipe.deadline) break;
      if (pipe.waiting !== undefined) dropped.push(pipe.waiting);
      this.#remove(pipe);
    }
    return dropped;
  }

  #remove(pipe: Pipe): void {
    this.#opened.delete(pipe.id);
    this.#joined.delete(pipe.id);
    for (const key of pipe.tickets) this.#byTicket.delete(key);
    if (pipe.waiting !== undefined) this.#byEnd.delete(pipe.waiting);
    const count = (this.#counts.get(pipe.opener) ?? 1) - 1;
    if (count > 0) this.#counts.set(pipe.opener, count);
    else this.#counts.delete(pipe.opener);
  }
}
