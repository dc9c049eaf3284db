/**
 * Whom and what a receiver takes without a question, what it asks about, and what it never takes.
 *
 * @module
 */
import type { DeclineReason, Offer } from "@postern/client";
import { usageFailure } from "./failures.ts";
import { parseNames } from "./option-values.ts";
import type { Acquaintance } from "./people.ts";
import { formatBytes } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface Policy {
  readonly whom: "all" | "ask" | ReadonlySet<string>;
  /** The largest content to take; of unknown sizes it stops there. */
  readonly bytesMax: number | undefined;
  /** Whoever is not accepted may be asked about. */
  readonly canAsk: boolean;
}

/** `gone`: the question was taken back. */
export type Decision = "accept" | "gone" | Refusal;

/** `declined`: a person said no. */
export type Refusal = "declined" | "not-accepted" | "too-large";

export interface PolicyFlags {
  readonly accept: string | undefined;
  readonly isWaiting: boolean;
  readonly canAsk: boolean;
  readonly bytesMax: number | undefined;
}

/** @throws CommandFailure when nobody is accepted and nobody can be asked. */
export function readPolicy({ accept, isWaiting, canAsk, bytesMax }: PolicyFlags): Policy {
  const asks = canAsk && !isWaiting;
  if (accept === "all") return { whom: "all", bytesMax, canAsk: asks };
  if (accept !== undefined && accept !== "ask")
    return { whom: new Set(parseNames("--accept", accept)), bytesMax, canAsk: asks };
  if (asks) return { whom: "ask", bytesMax, canAsk: asks };
  throw usageFailure(
    `receive ${isWaiting ? "--wait " : ""}needs --accept ${isWaiting ? "NAME or all" : "here"}`,
    isWaiting ? "a receiver that waits never asks" : "there is no terminal to ask at",
    "add --accept all, or --accept NAME,NAME for certain senders",
  );
}

/** `ask`: only a person can say. */
type Judgement = "accept" | "ask" | Exclude<Refusal, "declined">;

export function judge(policy: Policy, offer: Offer, known: Acquaintance): Judgement {
  const { whom, bytesMax } = policy;
  const { size = 0 } = offer.content;
  if (bytesMax !== undefined && size > bytesMax) return "too-large";
  if (whom === "all") return "accept";
  // A name on the list means the contact of this name, not whoever uses it at the relay.
  const isListed = whom !== "ask" && whom.has(offer.from.name);
  if (isListed && (known.kind === "contact" || known.kind === "stranger")) return "accept";
  return policy.canAsk ? "ask" : "not-accepted";
}

/** What the sender is told; absent: that the other side said no. */
export function declineReason(refusal: Refusal): DeclineReason | undefined {
  return refusal === "too-large" ? "too-large" : undefined;
}

/** Safe for a terminal. */
export function refusalSentence(refusal: Refusal, { from, content }: Offer): string {
  const name = safeText(from.name);
  switch (refusal) {
    case "declined":
      return "declined";
    case "not-accepted":
      return `declined: ${name} is not among those of --accept; ${name} is told no`;
    case "too-large":
      return `declined: ${formatBytes(content.size ?? 0)} is more than --max-size; ${name} is told so`;
  }
}

/** `from ann and ben, up to 10 GB`; safe for a terminal. */
export function policySentence({ whom, bytesMax, canAsk }: Policy): string {
  const others = canAsk ? "asks about others" : "declines all others";
  const from =
    typeof whom === "string" ? WHOM[whom] : `takes from ${[...whom].join(", ")}; ${others}`;
  return bytesMax === undefined ? from : `${from}; up to ${formatBytes(bytesMax)} each`;
}

const WHOM = { all: "takes from everybody", ask: "asks about everything" } as const;
