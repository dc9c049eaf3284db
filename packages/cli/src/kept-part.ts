/**
 * What a receiver keeps of a content that did not come in whole, said to its person.
 *
 * @module
 */
import { PosternError, type ErrorCode } from "@postern/core/errors";
import type { Offer } from "@postern/client";
import type { Context } from "./context.ts";
import { contentLabel } from "./content-label.ts";
import { formatBytes, formatShare } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

/**
 * A sender goes on by itself after these: its program, or the way to it, may come back. What may
 * be an attack is not among them: it ends whoever takes one thing.
 */
const RESUMED_FROM: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "link/closed",
  "link/timed-out",
  "relay/unreachable",
  "relay/overloaded",
  "relay/restarting",
  "peer/gone",
  "peer/timed-out",
  "transfer/interrupted",
  "transfer/truncated",
  "transfer/pipe-lost",
  "transfer/framing",
]);

/** Whether the sender of a transfer that ended so may be expected to go on with it. */
export function isResumedFrom(error: unknown): boolean {
  return error instanceof PosternError && RESUMED_FROM.has(error.code);
}

/** `45 %`, or `1.2 GB` of what has no size; `undefined`: nothing is kept. */
export async function keptOf({ journal, content }: Offer): Promise<string | undefined> {
  const note = await journal.read().catch(() => undefined);
  if (note === undefined || note.bytes === 0) return undefined;
  return formatShare(note.bytes, content.size) ?? formatBytes(note.bytes);
}

/** A known content is taken without a question: its person has agreed to it before. */
export function tellGoingOn({ output }: Context, offer: Offer, kept: string | undefined): void {
  const { id, contentId, content, from } = offer;
  const there = kept === undefined ? "" : `, ${kept} is here`;
  output.say(`going on with ${contentLabel(content)} of ${safeText(from.name)}${there}`);
  output.event({ type: "going-on", transfer: id, content: contentId });
}

export function tellWaiting({ output }: Context, offer: Offer, kept: string | undefined): void {
  const { contentId, content, from } = offer;
  const name = safeText(from.name);
  const there = kept === undefined ? "" : `, ${kept} of ${contentLabel(content)} is here`;
  output.say(
    `waiting for ${name} to come back${there}; Ctrl-C ${kept === undefined ? "ends it" : "keeps it"}`,
  );
  output.event({ type: "waiting-for-sender", content: contentId, from: from.name });
}

/** Nobody waits for the rest, but it is not lost. */
export function tellKept({ output }: Context, offer: Offer, kept: string | undefined): void {
  const what = contentLabel(offer.content);
  if (kept === undefined) return;
  output.say(
    `${kept} of ${what} is kept here; it goes on when ${safeText(offer.from.name)} sends it again ` +
      '("postern transfers" shows it)',
  );
}
