/**
 * `postern receive`: waits for offers and takes in what its person accepts; with a code, one thing
 * of whoever made the code; with `--wait`, for servers, by rules and without a question.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Offer, Paired } from "@postern/client";
import { askAbout, askAboutFolder, type AskedFolder } from "../ask-about.ts";
import { readCode, type CodeFlags } from "../code-input.ts";
import { connectClient, type Connected } from "../connect-client.ts";
import { connectPatiently } from "../connect-patiently.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
import { usageFailure } from "../failures.ts";
import type { ReceivePlan } from "../handle-offer.ts";
import { tellPreview } from "../folder-preview.ts";
import { meet } from "../meet.ts";
import { runOnDone } from "../on-done.ts";
import type { Acquaintance } from "../people.ts";
import { PROFILE_DEFAULT, RELAY_CAN } from "../profiles.ts";
import { receiveOffers } from "../receive-offers.ts";
import { readReceiveOptions, type Receiving, type ReceivingFlags } from "../receive-options.ts";
import { judge, policySentence, type Decision } from "../receive-policy.ts";
import { openTarget } from "../receive-target.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface ReceiveFlags extends CodeFlags, ReceivingFlags {}

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
  const receiving = await readReceiveOptions(context, flags);
  const connected = receiving.isWaiting
    ? await connectPatiently(context, "waiting for offers")
    : await connectClient(context, "waiting for offers");
  try {
    return await receiveOffers(context, connected, {
      ...planOf(context, receiving),
      onListening: tellOnce(context, connected, receiving),
      isOnce: flags.once === true,
      // Whoever waits for ever does not mean this by --timeout.
      ...(!receiving.isWaiting && {
        offerWithinMs: context.timeoutMs,
        restWithinMs: context.timeoutMs,
      }),
    });
  } finally {
    await connected.close();
  }
}

function tellOnce(context: Context, { client }: Connected, receiving: Receiving): () => void {
  const { output, relay } = context;
  let isTold = false;
  return () => {
    if (isTold) return;
    isTold = true;
    output.say(`${client.name} is waiting for offers at ${relay.shown}; Ctrl-C ends it`);
    for (const profile of receiving.profiles) output.say(RELAY_CAN[profile]);
    if (receiving.isWaiting) output.say(policySentence(receiving.policy));
    output.event({ type: "waiting", name: client.name, fingerprint: client.fingerprint });
  };
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
  refuseWithCode(flags);
  const asks = flags.ask === true || flags.accept !== undefined;
  const accept = asks ? flags.accept : context.canAsk ? "ask" : "all";
  const receiving = await readReceiveOptions(context, {
    ...flags,
    ...(accept !== undefined && { accept }),
  });
  const plan = planOf(context, receiving);
  const connected = await connectClient(context, "going on");
  try {
    const from = await meet(context, connected, { code, command: "receive" });
    await expectNotBlocked(connected, from);
    context.output.say(`met ${safeText(from.peer.name)}; waiting for what it sends`);
    return await receiveOffers(context, connected, {
      ...plan,
      from,
      offerWithinMs: context.timeoutMs ?? CODE_OFFER_MS,
      restWithinMs: context.timeoutMs,
      isOnce: true,
      isOneDecision: true,
      decide: async (offer, signal, known) =>
        !asks && offer.content.kind === "message"
          ? "accept"
          : await plan.decide(offer, signal, known),
    });
  } finally {
    await connected.close();
  }
}

/** Its offer would be refused unseen, and nobody would hear why. */
async function expectNotBlocked({ client }: Connected, { peer }: Paired): Promise<void> {
  const contact = await client.contacts.find(peer.fingerprint);
  if (contact?.blocked === true)
    throw new PosternError("peer/blocked", "who made the code is blocked");
}

function refuseWithCode(flags: ReceiveFlags): void {
  if (flags.profile !== undefined && flags.profile !== PROFILE_DEFAULT)
    throw usageFailure(
      "--profile and a code exclude each other",
      "a transfer by code is end-to-end, always",
      "leave --profile out",
    );
  if (flags.wait !== true && flags.capacity === undefined) return;
  throw usageFailure(
    `--${flags.wait === true ? "wait" : "capacity"} and a code exclude each other`,
    "a code is for one transfer",
    "leave out one of the two",
  );
}

function planOf(context: Context, receiving: Receiving): Omit<ReceivePlan, "isOnce"> {
  const { profiles, capacity, onDone, destination } = receiving;
  return {
    profiles,
    capacity,
    showKeys: context.isVerbose,
    decide: async (offer, signal, known) =>
      await decide(context, receiving, { offer, signal, known }),
    refuses: (offer, known) => {
      const judged = judge(receiving.policy, offer, known);
      return judged === "accept" || judged === "ask" ? undefined : judged;
    },
    openTarget: async (offer, asker) =>
      await openTarget(context, offer, destination, async (listed) =>
        approveFolder(context, receiving, { ...asker, ...listed, offer }),
      ),
    ...(onDone !== undefined && {
      onDone: async (offer, arrived) => await runOnDone(context, onDone, offer, arrived),
    }),
  };
}

interface Judged {
  readonly offer: Offer;
  readonly signal: AbortSignal;
  readonly known: Acquaintance;
}

async function decide(
  context: Context,
  { policy, destination, questions }: Receiving,
  { offer, signal, known }: Judged,
): Promise<Decision> {
  const judged = judge(policy, offer, known);
  if (judged !== "ask") return judged;
  // Its list comes first: that is what a person is asked about.
  if (offer.content.kind === "directory" && destination.out !== "-") return "accept";
  // One question after the other, though transfers run side by side.
  return await questions.with(async () =>
    signal.aborted
      ? "gone"
      : await askAbout(context, { offer, out: destination.out, signal, known }),
  );
}

/** Its preview for whoever reads along, and a question where a person decides. */
async function approveFolder(
  context: Context,
  { policy, destination, questions }: Receiving,
  asked: Judged & Omit<AskedFolder, "out">,
): Promise<boolean> {
  const { offer, known, manifest, summary, where, signal } = asked;
  const { files, folders, links, bytes, dangerous } = summary;
  const counts = { files, folders, links, bytes, dangerous: dangerous.length };
  context.output.event({ type: "folder", content: offer.contentId, ...counts });
  return await questions.with(async () => {
    tellPreview(context.output, { manifest, summary, where: safeText(where) });
    if (judge(policy, offer, known) !== "ask") return true;
    return !signal.aborted && (await askAboutFolder(context, { ...asked, out: destination.out }));
  });
}
