/**
 * `postern transfers`: what was begun and is not whole, in both roles. All but `resume` work
 * without a relay.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Unfinished, UnfinishedContents } from "@postern/client";
import { connectPatiently } from "../connect-patiently.ts";
import { contentLabel, contentSentence } from "../content-label.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { usageFailure } from "../failures.ts";
import { readingHome, withHome } from "../open-home.ts";
import { parseAge, parseRate } from "../option-values.ts";
import { openPaths } from "../parcel.ts";
import { removePart } from "../remove-part.ts";
import { sendContent } from "../send-content.ts";
import { formatAge, formatBytes, formatShare, plural } from "../terminal/format.ts";
import { safeText } from "../terminal/safe-text.ts";
import { padWidth } from "../terminal/width.ts";

/** Enough to tell them apart; more digits are taken as well. */
const ID_DIGITS = 8;
const WHO_COLUMNS = 14;
const SHARE_COLUMNS = 8;
const AGE_DEFAULT = "7d";

export async function listTransfers(context: Context): Promise<ExitCode> {
  return await readingHome(context, async ({ unfinished }) => {
    const { output, surroundings } = context;
    const all = await unfinished.list();
    const now = surroundings.wallNow();
    for (const one of all) {
      output.event(eventOf(one));
      output.result(lineOf(one, now));
      if (context.isVerbose) for (const path of one.paths) output.result(`  ${safeText(path)}`);
    }
    output.event({ type: "transfers", count: all.length });
    if (all.length === 0) output.say("nothing is unfinished");
    else output.say('"postern transfers resume ID" goes on with what you send');
    return EXIT.done;
  });
}

export interface ResumeFlags {
  readonly limit?: string;
}

/** Only a sender can: a receiver waits. */
export async function resumeTransfer(
  context: Context,
  id: string,
  flags: ResumeFlags,
): Promise<ExitCode> {
  const rateLimit = flags.limit === undefined ? undefined : parseRate(flags.limit);
  const begun = await withHome(context, async ({ unfinished }) => await found(unfinished, id));
  context.output.about({ peer: safeText(begun.peer.name), content: contentLabel(begun.content) });
  if (begun.role === "receiving") throw notMine(begun);
  const keepLinks = begun.links === "keep";
  const parcel = await openPaths(context, begun.paths, { keepLinks });
  try {
    const { timeoutMs: withinMs } = context;
    const connected = await connectPatiently(context, "going on", { withinMs });
    try {
      const { profile, peer, signed } = begun;
      await sendContent(context, connected, {
        to: peer.name,
        parcel,
        profile,
        rateLimit,
        showKeys: context.isVerbose,
        signed: signed ? { file: undefined } : undefined,
        begun,
      });
      return EXIT.done;
    } finally {
      await connected.close();
    }
  } finally {
    await parcel.close().catch(() => {});
  }
}

export async function cancelTransfer(context: Context, id: string): Promise<ExitCode> {
  return await withHome(context, async ({ unfinished }) => {
    const one = await found(unfinished, id);
    await forget(context, unfinished, one);
    const name = safeText(one.peer.name);
    context.output.say(
      one.role === "sending"
        ? `forgotten; what ${name} has of ${contentLabel(one.content)} is there until it is ` +
            "cancelled there"
        : `forgotten, and what had come of ${contentLabel(one.content)} is removed`,
    );
    return EXIT.done;
  });
}

export interface CleanFlags {
  readonly olderThan?: string;
}

export async function cleanTransfers(context: Context, flags: CleanFlags): Promise<ExitCode> {
  const ageMs = parseAge("--older-than", flags.olderThan ?? AGE_DEFAULT);
  return await withHome(context, async ({ unfinished }) => {
    const { output, surroundings } = context;
    const before = surroundings.wallNow() - ageMs;
    const old = (await unfinished.list()).filter(({ changedAt }) => changedAt <= before);
    const failures: unknown[] = [];
    // One that cannot be removed keeps none of the others.
    for (const one of old)
      await forget(context, unfinished, one).catch((error: unknown) => failures.push(error));
    const count = old.length - failures.length;
    output.say(`${plural(count, "unfinished transfer")} removed`);
    output.event({ type: "cleaned", count });
    if (failures.length > 0) throw failures[0];
    return EXIT.done;
  });
}

async function found(unfinished: UnfinishedContents, id: string): Promise<Unfinished> {
  const digits = id.toLowerCase();
  const one = /^[0-9a-f]{1,32}$/.test(digits) ? await unfinished.find(digits) : undefined;
  if (one === undefined) throw new PosternError("transfer/unknown", "none or several of this id");
  return one;
}

/** A part goes with its note; without it nobody would know what it is. */
async function forget(
  { output }: Context,
  unfinished: UnfinishedContents,
  one: Unfinished,
): Promise<void> {
  if (one.role === "receiving") for (const path of one.paths) await removePart(path);
  await unfinished.drop(one);
  output.event({ ...eventOf(one), type: "forgotten" });
}

function notMine({ peer, content }: Unfinished): Error {
  const name = safeText(peer.name);
  return usageFailure(
    `${name} sends this one`,
    "who receives cannot ask for the rest",
    content.kind === "stream"
      ? `run "postern receive" while ${name}'s program still runs: what comes from a pipe ends with it`
      : `run "postern receive", and ask ${name} to send it again`,
  );
}

/** `3f2a91bc  to bob          45 %     3 hours  photo.raw (file, 3.1 GB)` */
function lineOf({ id, role, peer, content, bytes, changedAt }: Unfinished, now: number): string {
  const who = `${role === "sending" ? "to" : "from"} ${safeText(peer.name)}`;
  const share = formatShare(bytes, content.size) ?? formatBytes(bytes);
  return [
    id.slice(0, ID_DIGITS),
    padWidth(who, WHO_COLUMNS),
    padWidth(share, SHARE_COLUMNS),
    padWidth(`${formatAge(now - changedAt)} ago`, WHO_COLUMNS),
    contentSentence(content),
  ].join("  ");
}

function eventOf(one: Unfinished) {
  const { id, role, peer, content, profile, signed, bytes } = one;
  const { kind, name, size } = content;
  return {
    type: "unfinished",
    id,
    role,
    peer: peer.name,
    fingerprint: peer.fingerprint,
    kind,
    name,
    size,
    bytes,
    profile,
    signed,
    beganAt: one.beganAt,
    changedAt: one.changedAt,
    error: one.error,
    paths: one.paths,
  };
}
