/**
 * `postern receive`: waits for offers and takes in what its person accepts; with a code, one thing
 * of whoever made the code.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { groupBase32 } from "@postern/core/bytes";
import type { Offer } from "@postern/client";
import { readCode, type CodeFlags } from "../code-input.ts";
import { connectClient } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure, usageFailure } from "../failures.ts";
import { contentSentence } from "../follow-transfer.ts";
import { meet } from "../meet.ts";
import { parseName } from "../option-values.ts";
import { parseProfiles, PROFILE_DEFAULT, RELAY_CAN } from "../profiles.ts";
import { knownLabel, type Acquaintance } from "../people.ts";
import { receiveOffers } from "../receive-offers.ts";
import { openTarget } from "../receive-target.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface ReceiveFlags extends CodeFlags {
  readonly output?: string;
  readonly once?: boolean;
  readonly accept?: string;
  readonly ask?: boolean;
  readonly profile?: string;
}

export async function receive(
  context: Context,
  argument: string | undefined,
  flags: ReceiveFlags,
): Promise<ExitCode> {
  const code = await readCode(context, argument, flags);
  return code === undefined
    ? await receiveAll(context, flags)
    : await receiveByCode(context, code, flags);
}

async function receiveAll(context: Context, flags: ReceiveFlags): Promise<ExitCode> {
  const out = flags.output ?? ".";
  const profiles = parseProfiles(flags.profile ?? PROFILE_DEFAULT);
  const policy = readPolicy(context, flags.ask === true ? "ask" : flags.accept);
  await checkOut(context, out);
  const connected = await connectClient(context, "waiting for offers");
  const { output } = context;
  const { client } = connected;
  try {
    let isWaiting = false;
    const onListening = (): void => {
      if (isWaiting) return;
      isWaiting = true;
      output.say(`${client.name} is waiting for offers at ${context.relay.shown}; Ctrl-C ends it`);
      for (const profile of profiles) output.say(RELAY_CAN[profile]);
      output.event({ type: "waiting", name: client.name, fingerprint: client.fingerprint });
    };
    return await receiveOffers(context, connected, {
      profiles,
      onListening,
      isOnce: flags.once === true,
      showKeys: context.isVerbose,
      decide: async (offer, signal, known) =>
        await decide(context, policy, { offer, out, signal, known }),
      openTarget: async (offer) => await openTarget(context, offer, out),
    });
  } finally {
    await connected.close();
  }
}

/** The other side sends at once: it has waited for this one. */
const CODE_OFFER_MS = 60_000;

/**
 * The code says who may send, and typing it says that something is wanted: a message is shown, a
 * file is asked about where a person can answer, and taken where none can.
 */
async function receiveByCode(
  context: Context,
  code: string,
  flags: ReceiveFlags,
): Promise<ExitCode> {
  const out = flags.output ?? ".";
  const [profile, ...others] = parseProfiles(flags.profile ?? PROFILE_DEFAULT);
  if (profile !== PROFILE_DEFAULT || others.length > 0)
    throw usageFailure(
      "--profile and a code exclude each other",
      "a transfer by code is end-to-end, always",
      "leave --profile out",
    );
  const accept = flags.ask === true ? "ask" : flags.accept;
  const policy = readPolicy(context, accept ?? (context.canAsk ? "ask" : "all"));
  await checkOut(context, out);
  const connected = await connectClient(context, "going on");
  try {
    const from = await meet(context, connected, { code, command: "receive" });
    context.output.say(`met ${safeText(from.peer.name)}; waiting for what it sends`);
    return await receiveOffers(context, connected, {
      profiles: [profile],
      from,
      offerWithinMs: context.timeoutMs ?? CODE_OFFER_MS,
      isOnce: true,
      isOneDecision: true,
      showKeys: context.isVerbose,
      decide: async (offer, signal, known) =>
        accept === undefined && offer.content.kind === "message"
          ? true
          : await decide(context, policy, { offer, out, signal, known }),
      openTarget: async (offer) => await openTarget(context, offer, out),
    });
  } finally {
    await connected.close();
  }
}

/** Whom to accept without a question. */
type Policy =
  | { readonly kind: "all" }
  | { readonly kind: "ask" }
  | { readonly kind: "names"; readonly names: ReadonlySet<string> };

function readPolicy(context: Context, accept: string | undefined): Policy {
  if (accept === "all") return { kind: "all" };
  if (accept !== undefined && accept !== "ask") {
    const names = accept.split(",").map((name) => parseName("--accept", name.trim()));
    return { kind: "names", names: new Set(names) };
  }
  if (context.canAsk) return { kind: "ask" };
  throw usageFailure(
    "receive needs --accept here",
    "there is no terminal to ask at",
    "add --accept all, or --accept NAME,NAME for certain senders",
  );
}

export interface Asked {
  readonly offer: Offer;
  readonly out: string;
  readonly signal: AbortSignal;
  readonly known: Acquaintance;
}

async function decide(
  context: Context,
  policy: Policy,
  asked: Asked,
): Promise<boolean | undefined> {
  const { known, offer } = asked;
  if (policy.kind === "all") return true;
  // A name on the list means the contact of this name, not whoever uses it at the relay.
  const isMeant = policy.kind === "names" && policy.names.has(offer.from.name);
  if (isMeant && known.kind !== "namesake") return true;
  return context.canAsk ? await askAbout(context, asked) : false;
}

/** Who, what, how much, where to. `undefined` when the question was taken back. */
export async function askAbout(
  context: Context,
  { offer, out, signal, known }: Asked,
): Promise<boolean | undefined> {
  const { output, surroundings } = context;
  output.say(`  from fingerprint ${groupBase32(safeText(offer.from.fingerprint))}`);
  const target = offer.content.kind === "message" ? "shown here" : `into ${safeText(placeOf(out))}`;
  const content = contentSentence(offer.content);
  const prompter = await surroundings.prompter();
  const answer = await prompter.confirm({
    message: `Accept ${content} from ${knownLabel(known, offer.from)}, ${target}?`,
    signal,
  });
  // Ctrl-C at the question is a no; only a question that was taken back has no answer.
  return answer === undefined && !signal.aborted ? false : answer;
}

function placeOf(out: string): string {
  if (out === "-") return "the standard output";
  return out === "." ? "this folder" : out;
}

async function checkOut(context: Context, out: string): Promise<void> {
  if (out === "-") {
    if (context.output.json)
      throw usageFailure(
        "-o - and --json exclude each other",
        "both want stdout",
        "drop one of them",
      );
    if (context.surroundings.stdout.isTTY !== true) return;
    throw usageFailure(
      "-o - needs a pipe or a file",
      "the bytes of a file do not belong on a terminal",
      'write "postern receive -o - > file" or choose a folder with -o DIR',
    );
  }
  const found = await stat(out).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const what = `no such folder: ${safeText(out)}`;
  const why = found === undefined ? "nothing is there" : "it is not a folder";
  const explanation = { what, why, next: "create it first, or choose another one with -o" };
  throw new CommandFailure(EXIT.notFound, "usage/no-such-folder", explanation);
}
