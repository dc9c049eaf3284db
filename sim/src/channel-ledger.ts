/**
 * What became of every end-to-end transfer. Whatever a sender holds as acknowledged was received
 * by whom it was for, as it was sent; nobody is shown what was not sent to them, or the same
 * transfer twice; what was acknowledged is not lost. All that also through crashes, and all but
 * the last two when a receiver's device was restored from an older copy. After a loss of power a
 * message whose receipt was not made may be shown once more.
 *
 * @module
 */
import { equalBytes } from "@postern/core/bytes";
import type { RecordsOutcome, TransferEvent } from "@postern/core/transfer";
import type { Report } from "./checkers.ts";
import type { Name, TransferBook, TransferFacts } from "./ledger.ts";

type Side = "sender" | "receiver";

export interface ChannelEntry extends TransferFacts {
  /** Who waits for an end of it. */
  readonly open: Set<Side>;
  /** How it ended last, for either side. */
  readonly ends: Record<Side, string>;
  /** What the receiver's content came to, each time. */
  readonly outcomes: RecordsOutcome[];
  isAcknowledged: boolean;
  /** The receiver's device has it. */
  isThere: boolean;
  /** It had it, and was restored to an older copy. */
  isUndone: boolean;
  /** A message that is there, and nothing else on the device says so. */
  isForgotten: boolean;
}

/** What no sender hears while the relay is honest and no device is restored. */
const NEVER = new Set<string>([
  "peer/malformed",
  "peer/pairing-lost",
  "peer/unexpected-frame",
  "transfer/invalid",
  "transfer/wrong-receiver",
  "usage/invalid-argument",
  "usage/wrong-state",
]);

export class ChannelLedger implements TransferBook {
  readonly entries: ChannelEntry[] = [];
  readonly #report: Report;
  readonly #isHonest: boolean;
  readonly #byId = new Map<string, ChannelEntry>();

  /** `isHonest`: the relay is, and no device is restored. */
  constructor(report: Report, isHonest: boolean) {
    this.#report = report;
    this.#isHonest = isHonest;
  }

  start(facts: TransferFacts): void {
    const entry: ChannelEntry = {
      ...facts,
      open: new Set<Side>(["sender"]),
      ends: { sender: "open", receiver: "unknown" },
      outcomes: [],
      isAcknowledged: false,
      isThere: false,
      isUndone: false,
      isForgotten: false,
    };
    this.entries.push(entry);
    this.#byId.set(entry.id, entry);
  }

  event(who: Name, id: string, event: TransferEvent): void {
    const entry = this.#byId.get(id);
    const side = entry && sideOf(entry, who);
    if (entry === undefined || side === undefined) {
      // The relay has made it up, or carried it to somebody else: it can only fail.
      if (event.kind !== "failed") this.#report(`agreement: ${who} has a transfer of nobody`);
      return;
    }
    if (event.kind === "offer") this.#offered(entry, event);
    if (event.kind !== "done" && event.kind !== "failed") {
      entry.open.add(side);
      return;
    }
    entry.open.delete(side);
    entry.ends[side] = event.kind === "failed" ? event.error.code : event.kind;
    if (event.kind === "done" && side === "sender") this.acknowledged(who, id, event);
    if (event.kind === "done" && side === "receiver" && !entry.isThere && !entry.isUndone)
      this.#report(`agreement: ${id} is done, yet not there`);
  }

  committed(who: Name, id: string, content: Uint8Array, outcome: RecordsOutcome): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.to !== who)
      return this.#report(`agreement: ${who} is shown what nobody sent there`);
    if (!equalBytes(content, entry.content))
      return this.#report(`agreement: ${id} arrives as other bytes`);
    if (entry.isThere && !entry.isForgotten) this.#report(`agreement: ${who} is shown ${id} twice`);
    entry.isForgotten = false;
    entry.isThere = true;
    entry.outcomes.push({ total: outcome.total, digest: outcome.digest.slice() });
  }

  /** `who` holds a receipt that says so. */
  acknowledged(who: Name, id: string, said: RecordsOutcome): void {
    const entry = this.#byId.get(id);
    if (entry?.from !== who) return this.#report(`agreement: ${who} has a receipt of nobody`);
    const isTrue = entry.outcomes.some(
      ({ total, digest }) => total === said.total && equalBytes(digest, said.digest),
    );
    if (!isTrue) this.#report(`agreement: ${id} is acknowledged, yet did not arrive like that`);
    entry.isAcknowledged = true;
  }

  crashed(who: Name): void {
    for (const entry of this.entries) {
      const side = sideOf(entry, who);
      if (side !== undefined && entry.open.delete(side)) entry.ends[side] = "crashed";
    }
  }

  /** The device of `who` lost power before all was synced. */
  lostPower(who: Name): void {
    for (const entry of this.entries)
      if (entry.to === who && entry.isThere && !entry.isAcknowledged)
        entry.isForgotten = entry.description.kind === "message";
  }

  /** The device of `who` is an older copy of itself now. */
  restored(who: Name, has: (id: string) => boolean): void {
    for (const entry of this.entries)
      if (entry.to === who && entry.isThere && !has(entry.id)) {
        entry.isThere = false;
        entry.isUndone = true;
      }
  }

  get isSettled(): boolean {
    return this.entries.every(({ open }) => open.size === 0);
  }

  check(): void {
    for (const entry of this.entries) {
      const { id, ends, isThere, isUndone, isAcknowledged, calm } = entry;
      const complain = (what: string): void =>
        this.#report(`agreement: ${id} ${what} (${ends.sender}, ${ends.receiver})`);
      if (entry.open.size > 0) complain("has no end");
      if (this.#isHonest && NEVER.has(ends.sender)) complain("broke a rule");
      if (isAcknowledged && !isThere && !isUndone) complain("was acknowledged and is lost");
      if (calm && ends.sender !== "peer/busy" && !(isAcknowledged && isThere))
        complain("failed although nothing went wrong");
    }
  }

  #offered(
    { id, description }: ChannelEntry,
    { content }: Extract<TransferEvent, { kind: "offer" }>,
  ): void {
    const { kind, name, size } = description;
    if (content.kind !== kind || content.name !== name || content.size !== size)
      this.#report(`agreement: ${id} is offered as something else`);
  }
}

function sideOf({ from, to }: TransferFacts, who: Name): Side | undefined {
  if (from === who) return "sender";
  return to === who ? "receiver" : undefined;
}
