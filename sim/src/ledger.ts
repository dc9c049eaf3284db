/**
 * How every transfer ended for either side, and whether they agree: what the sender calls
 * delivered is on the receiver's disk, byte for byte; nobody waits for ever; in a calm run
 * everything arrives.
 *
 * @module
 */
import { equalBytes, hex } from "@postern/core/bytes";
import type { ErrorCode } from "@postern/core/errors";
import type { ContentDescription, RecordsOutcome, TransferEvent } from "@postern/core/transfer";
import type { Report } from "./checkers.ts";

export type Name = "alice" | "bob" | "carol";

/** Where drivers write down what becomes of transfers. */
export interface TransferBook {
  start(facts: TransferFacts): void;
  event(who: Name, id: string, event: TransferEvent): void;
  /** The whole content is durable at `who`. */
  committed(who: Name, id: string, content: Uint8Array, outcome: RecordsOutcome): void;
  /** Whatever `who` was doing has been forgotten. */
  crashed(who: Name): void;
}

export interface TransferFacts {
  readonly id: string;
  readonly from: Name;
  readonly to: Name;
  readonly content: Uint8Array;
  readonly description: ContentDescription;
  /** Nothing goes wrong while it runs. */
  readonly calm: boolean;
}

export type Ending =
  | {
      readonly kind: "done";
      readonly total: number;
      readonly digest: string;
      readonly nextMasterKey: boolean;
    }
  | { readonly kind: "failed"; readonly code: ErrorCode }
  | { readonly kind: "crashed" };

export interface Entry extends TransferFacts {
  /** Kinds of the sender's events, in their order; a master key with its source. */
  readonly events: string[];
  isOffered: boolean;
  sender: Ending | undefined;
  receiver: Ending | undefined;
  committed: Uint8Array | undefined;
}

/** What no accident of the network makes: AEAD stands before it. */
const NEVER = new Set<ErrorCode>([
  "peer/malformed",
  "peer/unexpected-frame",
  "transfer/digest-mismatch",
  "transfer/replayed",
  "transfer/wrong-receiver",
  "usage/invalid-argument",
  "usage/wrong-state",
]);

export class Ledger implements TransferBook {
  readonly entries: Entry[] = [];
  readonly #report: Report;
  readonly #hostile: boolean;
  readonly #byId = new Map<string, Entry>();

  /** `hostile`: the relay itself changes things, so codes say little. */
  constructor(report: Report, hostile: boolean) {
    this.#report = report;
    this.#hostile = hostile;
  }

  start(facts: TransferFacts): void {
    const open = { isOffered: false, sender: undefined, receiver: undefined, committed: undefined };
    const entry: Entry = { ...facts, ...open, events: [] };
    this.entries.push(entry);
    this.#byId.set(entry.id, entry);
  }

  event(who: Name, id: string, event: TransferEvent): void {
    const entry = this.#byId.get(id);
    // An id that was changed on its way can only fail.
    if (entry === undefined && this.#hostile && event.kind === "failed") return;
    if (entry === undefined) return this.#report(`agreement: ${who} knows a transfer of nobody`);
    const side = who === entry.from ? "sender" : "receiver";
    if (side === "receiver") entry.isOffered = true;
    else entry.events.push(event.kind === "master-key" ? event.source : event.kind);
    const ending = endingOf(event);
    if (ending === undefined) return;
    const before = entry[side];
    // A refused offer whose master key comes late is refused once more.
    if (before !== undefined && !(side === "receiver" && isFailed(before) && isFailed(ending)))
      this.#report(`agreement: ${id} has ended twice for its ${side}`);
    entry[side] = ending;
  }

  committed(_who: Name, id: string, bytes: Uint8Array): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.committed !== undefined)
      return this.#report(`agreement: ${id} is stored twice`);
    entry.committed = bytes.slice();
  }

  crashed(who: Name): void {
    for (const entry of this.entries) {
      if (entry.from === who) entry.sender ??= { kind: "crashed" };
      if (entry.to === who) entry.receiver ??= { kind: "crashed" };
    }
  }

  isOpen(entry: Entry): boolean {
    return entry.sender === undefined || (entry.isOffered && entry.receiver === undefined);
  }

  get isSettled(): boolean {
    return !this.entries.some((entry) => this.isOpen(entry));
  }

  check(): void {
    for (const entry of this.entries) this.#check(entry);
  }

  #check(entry: Entry): void {
    const { id, sender, receiver, committed, content } = entry;
    const complain = (what: string): void =>
      this.#report(`agreement: ${id} ${what} (${say(sender)}, ${say(receiver)})`);
    if (this.isOpen(entry)) return complain("has no end");
    const isStored = committed !== undefined && equalBytes(committed, content);
    if (committed !== undefined && !isStored) complain("is stored as other bytes");
    if (sender?.kind === "done" && !isStored) complain("is delivered, yet not stored");
    if (receiver?.kind === "done" && !isStored) complain("is done, yet not stored");
    if (sender?.kind === "done" && receiver?.kind === "done") {
      if (sender.total !== receiver.total || sender.digest !== receiver.digest)
        complain("has two outcomes");
      if (sender.nextMasterKey && !receiver.nextMasterKey) complain("left a key on one side alone");
    }
    // It is stored; the link may be lost before its driver has told the machine so.
    const isCutOff = receiver?.kind === "failed" && receiver.code.startsWith("link/");
    if (sender?.kind === "done" && isFailed(receiver) && !isCutOff)
      complain("is delivered for its sender alone");
    for (const side of [sender, receiver])
      if (side?.kind === "failed" && NEVER.has(side.code) && !this.#hostile)
        complain("broke a rule");
    const isBusy = sender?.kind === "failed" && sender.code === "peer/busy";
    if (entry.calm && !isBusy && (sender?.kind !== "done" || receiver?.kind !== "done"))
      complain("failed although nothing went wrong");
  }
}

export function say(ending: Ending | undefined): string {
  if (ending === undefined) return "open";
  return ending.kind === "failed" ? ending.code : ending.kind;
}

function endingOf(event: TransferEvent): Ending | undefined {
  if (event.kind === "failed") return { kind: "failed", code: event.error.code };
  if (event.kind !== "done") return undefined;
  const { total, digest, nextMasterKey } = event;
  return { kind: "done", total, digest: hex(digest), nextMasterKey };
}

function isFailed(ending: Ending | undefined): boolean {
  return ending?.kind === "failed";
}
