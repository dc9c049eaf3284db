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
  output.say(`waiting for ${name} to come back${there}; ${untilWhen(offer, kept)}`);
  output.event({ type: "waiting-for-sender", content: contentId, from: from.name });
}

function untilWhen({ content, from }: Offer, kept: string | undefined): string {
  if (kept === undefined) return "Ctrl-C ends it";
  return content.kind === "stream" ? whileSenderRuns(from) : "Ctrl-C keeps it";
}

/**
 * A disk has not answered: its part stays as it is, or goes when nothing of it was written.
 *
 * @returns false when there is none.
 */
export async function tellUnsettled(
  { output }: Context,
  { journal, content, contentId }: Offer,
  before = "",
): Promise<boolean> {
  const note = await journal.read().catch(() => undefined);
  if (note === undefined) return false;
  const path = safeText(`${note.directory}/${note.part}`);
  output.say(
    `${before}the disk has not answered, so a part of ${contentLabel(content)} may stay in ${path}`,
  );
  const id = contentId.slice(0, 8);
  output.say(`  "postern transfers" shows it if so, "postern transfers cancel ${id}" removes it`);
  return true;
}

/** Nobody waits for the rest, but what has come is not lost. */
export async function tellKept(
  { output }: Context,
  { journal, content, contentId, from }: Offer,
  kept: string | undefined,
): Promise<void> {
  if (kept === undefined) return;
  const what = `${kept} of ${contentLabel(content)}`;
  const note = await journal.read().catch(() => undefined);
  const isStream = content.kind === "stream";
  const ends = isStream ? `; ${whileSenderRuns(from)}, not when that is started again` : "";
  if (note === undefined) return output.say(`${what} went to the standard output${ends}`);
  if (!isStream)
    return output.say(
      `${what} is kept here; it goes on when ${safeText(from.name)} sends it again ` +
        '("postern transfers" shows it)',
    );
  // It may be of use all the same, as the beginning of a log is: only its person knows.
  output.say(`${what} is kept in ${safeText(`${note.directory}/${note.part}`)}${ends}`);
  const id = contentId.slice(0, 8);
  output.say(
    `"postern transfers cancel ${id}" removes it, and "postern transfers clean" after a week`,
  );
}

/** What came out of a pipe is gone there. */
function whileSenderRuns({ name }: Offer["from"]): string {
  return `a pipe's content goes on only while ${safeText(name)}'s program runs`;
}
