/**
 * `postern send`: one message, files, folders or a stream, to one receiver or several by name, or
 * to whoever comes with a code that is made for it.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isName } from "@postern/core/identity";
import { TRANSFERS_AT_ONCE_MAX } from "@postern/core/limits";
import type { Paired, ProfileName } from "@postern/client";
import type { Connected } from "../connect-client.ts";
import { connectPatiently } from "../connect-patiently.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { usageFailure } from "../failures.ts";
import { meet, parseWords } from "../meet.ts";
import { parseNames, parseRate, parseSessionSeconds } from "../option-values.ts";
import { openParcel, type ParcelFlags } from "../parcel.ts";
import { parseProfile, PROFILE_DEFAULT } from "../profiles.ts";
import { withHome } from "../open-home.ts";
import { checkReceiptPlace } from "../save-receipt.ts";
import { findBegun, sendContent, type SendPlan } from "../send-content.ts";
import { sendToAll } from "../send-to-all.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface SendFlags extends ParcelFlags {
  /** Absent: by a code. */
  readonly to?: string;
  readonly words?: string;
  readonly profile?: string;
  readonly limit?: string;
  readonly sessionSeconds?: string;
  readonly signed?: boolean;
  /** Where the signed receipt goes; asks for one. */
  readonly receipt?: string;
  readonly anew?: boolean;
  /** What --name of `send -` said, if it may be a file's. */
  readonly streamName?: string;
}

export async function send(
  given: Context,
  paths: readonly string[],
  givenFlags: SendFlags,
): Promise<ExitCode> {
  const { context, flags } = await withStreamName(given, givenFlags);
  const names = flags.to === undefined ? [] : parseRecipients(flags.to);
  const words = parseSendWords(flags);
  const plan = parsePlan(context, flags, names);
  if (plan.signed !== undefined) await checkReceiptPlace(plan.signed.file);
  // Before anybody is bothered: is there something to send?
  const parcel = await openParcel(context, paths, flags);
  try {
    if (parcel.isOnce && names.length > 1) throw onlyOnce();
    const connected = await connectPatiently(context, "going on", {
      isWanted: async () => await isWaitedFor(context, { ...plan, parcel }, names),
      withinMs: context.timeoutMs,
    });
    try {
      return await sendOver(context, connected, { ...plan, parcel }, { names, words });
    } finally {
      await connected.close();
    }
  } finally {
    await parcel.close().catch(() => {});
  }
}

/**
 * Whether a relay that is not there is waited for: as long as --timeout says, for what was begun,
 * and where a person sees that it waits. A script hears at once that nothing will happen, and so
 * does whoever wrote a message.
 */
async function isWaitedFor(
  context: Context,
  { parcel, profile, isAnew = false }: Omit<SendPlan, "to">,
  names: readonly string[],
): Promise<boolean> {
  if (context.timeoutMs !== undefined) return true;
  if (parcel.info.kind === "message") return false;
  if (context.canAsk) return true;
  if (isAnew || parcel.paths === undefined || names.length === 0) return false;
  return await withHome(context, async (home) => {
    const begun = names.map(async (to) => await findBegun(home, { to, parcel, profile }));
    return (await Promise.all(begun)).some((one) => one !== undefined);
  });
}

async function sendOver(
  context: Context,
  connected: Connected,
  plan: Omit<SendPlan, "to">,
  { names, words }: { readonly names: readonly string[]; readonly words: number | undefined },
): Promise<ExitCode> {
  if (names.length > 1) return await sendToAll(context, connected, names, plan);
  const to = names[0] ?? (await meetReceiver(context, connected, words));
  await sendContent(context, connected, { ...plan, to });
  return EXIT.done;
}

async function meetReceiver(
  context: Context,
  connected: Connected,
  words: number | undefined,
): Promise<Paired> {
  const paired = await meet(context, connected, { code: undefined, words, command: "receive" });
  context.output.say(`${safeText(paired.peer.name)} came with the code`);
  return paired;
}

function parsePlan(
  context: Context,
  flags: SendFlags,
  names: readonly string[],
): Omit<SendPlan, "to" | "parcel"> {
  const { limit, sessionSeconds, signed, receipt, anew } = flags;
  if (receipt !== undefined && names.length > 1)
    throw usageFailure(
      "--receipt is for one receiver",
      "each of several gives a receipt of its own",
      "write --signed: each gets a file of its own",
    );
  return {
    profile: parseSendProfile(flags),
    rateLimit: limit === undefined ? undefined : parseRate(limit),
    sessionSeconds: sessionSeconds === undefined ? undefined : parseSessionSeconds(sessionSeconds),
    showKeys: context.isVerbose,
    signed: signed === true || receipt !== undefined ? { file: receipt } : undefined,
    isAnew: anew === true,
  };
}

function parseRecipients(to: string): readonly string[] {
  const names = parseNames("--to", to);
  if (names.length <= TRANSFERS_AT_ONCE_MAX) return names;
  throw usageFailure(
    `--to takes up to ${TRANSFERS_AT_ONCE_MAX} receivers`,
    `these are ${names.length}`,
    "send to some of them first",
  );
}

function parseSendWords({ to, words }: SendFlags): number | undefined {
  if (to === undefined || words === undefined) return parseWords(words, undefined);
  throw usageFailure("--words is for codes", "with --to there is none", "leave out one of the two");
}

function parseSendProfile({ to, profile = PROFILE_DEFAULT }: SendFlags): ProfileName {
  const parsed = parseProfile(profile);
  if (to !== undefined || parsed === PROFILE_DEFAULT) return parsed;
  throw usageFailure(
    `--profile ${parsed} needs --to`,
    "a transfer by code is end-to-end, always",
    "name the receiver with --to, or leave --profile out",
  );
}

/**
 * `send - --name backup.tar` names the stream, where `--name` elsewhere says who sends: whoever
 * pipes something in and has no identity of that name means the file.
 */
async function withStreamName(
  context: Context,
  flags: SendFlags,
): Promise<{ readonly context: Context; readonly flags: SendFlags }> {
  const { streamName } = flags;
  if (streamName === undefined) return { context, flags };
  if (isName(streamName)) {
    const found = await stat(join(await context.home(), streamName)).catch(() => undefined);
    if (found?.isDirectory() === true) {
      context.output.about({ name: streamName });
      return { context: { ...context, name: streamName }, flags };
    }
  }
  context.output.say(`sending the standard input as ${safeText(streamName)}`);
  return { context, flags: { ...flags, fileName: streamName } };
}

function onlyOnce(): Error {
  return usageFailure(
    "- goes to one receiver",
    "the standard input can be read only once",
    "write it to a file first, and send that",
  );
}
