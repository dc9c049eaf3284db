/** One offer: recognizes its sender, has it decided, and takes the content in. @module */
import { PosternError } from "@postern/core/errors";
import type {
  ContentSink,
  DeclineReason,
  ManifestPlaces,
  Offer,
  Paired,
  PartNote,
  PeerName,
  ProfileName,
  Transfer,
} from "@postern/client";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { contentLabel, contentSentence } from "./content-label.ts";
import { followTransfer } from "./follow-transfer.ts";
import { within } from "./deadline.ts";
import { settlingSink } from "./settling-sink.ts";
import {
  isResumedFrom,
  keptOf,
  tellGoingOn,
  tellKept,
  tellUnsettled,
  tellWaiting,
} from "./kept-part.ts";
import { knownLabel, tellTrust, type Acquaintance, type Recognized } from "./people.ts";
import { RELAY_CAN } from "./profiles.ts";
import { declineReason, refusalSentence, type Decision, type Refusal } from "./receive-policy.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface ReceivePlan {
  readonly profiles: readonly ProfileName[];
  /** Transfers at once; 1 when absent. */
  readonly capacity?: number;
  /** Takes offers of whom was met by a code only, and is on no list. */
  readonly from?: Paired;
  /** Give up when no offer has come by then; absent: never. */
  readonly offerWithinMs?: number | undefined;
  /** Give up when the sender of what broke off has not come back by then; absent: never. */
  readonly restWithinMs?: number | undefined;
  decide(offer: Offer, signal: AbortSignal, known: Acquaintance): Promise<Decision>;
  /** What was begun goes on without a question, but by the rules of now. */
  readonly refuses?: (offer: Offer, known: Acquaintance) => Refusal | undefined;
  openTarget(offer: Offer, asker: Asker): Promise<Target>;
  /** Everything is there and has been reported; its place is free when this ends. */
  readonly onDone?: (offer: Offer, arrived: Arrived) => Promise<void>;
  /**
   * Return after the first transfer that was accepted, with its exit code, also when there was no
   * place to put it; one that broke off is waited for.
   */
  readonly isOnce: boolean;
  /** Return after the first decision, a refusal included. */
  readonly isOneDecision?: boolean;
  readonly showKeys?: boolean;
  /** This client is on the relay's list: at first, and again after a reconnection. */
  readonly onListening?: () => void;
}

/** Where one content goes, and how the person learns of it. */
export interface Target {
  readonly sink: ContentSink;
  readonly doneFields?: () => Readonly<Record<string, unknown>>;
  /** Of a folder: where its files are. */
  readonly places?: () => ManifestPlaces | undefined;
  /** Called when everything is there, with a summary. */
  report(summary: string): Promise<Place>;
  /** How much of it is kept now that it broke off, when no journal says so. */
  readonly kept?: () => string | undefined | Promise<string | undefined>;
  /** Another transfer can go on where this one broke off; absent: yes. */
  readonly goesOn?: () => boolean;
  /** A better reason why it failed. */
  readonly explained?: (error: unknown) => unknown;
}

/** Where it is, or what it says. */
export interface Place {
  readonly path?: string;
  /** Of a folder's content: each of its own. */
  readonly paths?: readonly string[];
  readonly text?: string;
}

export interface Arrived extends Place {
  readonly bytes: number;
}

/** For questions about an offer. */
export interface Asker {
  readonly known: Acquaintance;
  /** Aborted when the offer is withdrawn, or at an interrupt. */
  readonly signal: AbortSignal;
}

export interface Arrival {
  readonly offer: Offer;
  readonly signal: AbortSignal;
  readonly recognize: (peer: PeerName) => Promise<Recognized>;
  /** Agreed to by this process, though nothing of it may have come. */
  readonly isAgreed: boolean;
}

export interface Handled {
  readonly exitCode: ExitCode;
  /** It was accepted, whatever became of it, and nothing of the sender's stood in the way. */
  readonly isTransfer: boolean;
  /** It broke off, and its sender may come back with it. */
  readonly isAwaited: boolean;
}

export async function handleOffer(
  context: Context,
  plan: ReceivePlan,
  { offer, signal, recognize, isAgreed }: Arrival,
): Promise<Handled> {
  let peer = safeText(offer.from.name);
  let isAccepted = false;
  let target: OpenTarget | undefined;
  try {
    const recognized = await recognize(offer.from);
    const { known } = recognized;
    if (known.kind === "key-changed" && plan.from === undefined) {
      peer = safeText(known.contact.name);
      throw keyChanged(offer);
    }
    const note = await begunNote(offer);
    if (isAgreed || note !== undefined) {
      const refusal = plan.refuses?.(offer, known);
      if (refusal !== undefined) return notTaken(context, offer, refusal);
      tellGoingOn(context, offer, await keptOf(offer));
    } else {
      announce(context, plan, offer, recognized);
      const decision = await plan.decide(offer, signal, known);
      if (decision !== "accept") return notTaken(context, offer, decision);
    }
    isAccepted = true;
    target = await openOrDecline(plan, offer, { known, signal });
    if (!isAgreed && isGone(note, target)) {
      context.output.say(`what was here of ${contentLabel(offer.content)} is here no more`);
      announce(context, plan, offer, recognized);
      const decision = await plan.decide(offer, signal, known);
      if (decision !== "accept") {
        await target.sink.abandon();
        return notTaken(context, offer, decision);
      }
    }
    await takeIn(context, plan, offer, target);
    return { exitCode: EXIT.done, isTransfer: true, isAwaited: false };
  } catch (error) {
    return await failed(context, offer, { error, peer, isAccepted, target });
  }
}

interface Failed {
  readonly error: unknown;
  readonly peer: string;
  readonly isAccepted: boolean;
  readonly target: OpenTarget | undefined;
}

/** A disk that hangs must not hold up what is said. */
const SETTLED_MS = 2_000;

/** Says what happened and what is kept. What could not be taken in was declined. */
async function failed(
  context: Context,
  offer: Offer,
  { error, peer, isAccepted, target }: Failed,
): Promise<Handled> {
  const { output, interrupted } = context;
  const { kind } = offer.content;
  const content = kind === "message" ? "the message" : contentLabel(offer.content);
  const isSettled = target === undefined || (await settles(target));
  const kept = target?.kept === undefined ? await keptOf(offer) : await target.kept();
  const isOpen = !isSettled && kept === undefined;
  if (interrupted.signal.aborted) {
    const mayStay = isOpen && (await tellUnsettled(context, offer, "cancelled; "));
    if (kept !== undefined) await tellKept(context, offer, kept);
    else if (!mayStay) output.say("cancelled; nothing incomplete was kept");
    const exitCode = interrupted.exitCode ?? EXIT.interrupted;
    return { exitCode, isTransfer: true, isAwaited: false };
  }
  const exitCode = output.fail(error, { peer, content, isStream: kind === "stream" });
  const goesOn = kind !== "message" && (target?.goesOn?.() ?? true);
  const isAwaited = target !== undefined && goesOn && isResumedFrom(error);
  if (isOpen) await tellUnsettled(context, offer);
  if (isAwaited) tellWaiting(context, offer, kept);
  else await tellKept(context, offer, kept);
  // What is wrong with this computer is wrong for the next one, too.
  const isTransfer = target !== undefined || (isAccepted && reasonOf(error) === "no-space");
  return { exitCode, isTransfer, isAwaited };
}

/** What has come is noted when its sink has been let go; false when that takes too long. */
async function settles({ settled }: OpenTarget): Promise<boolean> {
  return await within(settled, SETTLED_MS, () => new Error("late")).then(
    () => true,
    () => false,
  );
}

/** There is one when its person has agreed to it in an earlier transfer. */
async function begunNote({ journal, content }: Offer): Promise<PartNote | undefined> {
  return content.kind === "message" ? undefined : await journal.read();
}

/**
 * What had come of it was taken away: all of it would come again, and may be anything. Its person
 * has not agreed to that. A folder's list is asked about by its sink.
 */
function isGone(note: PartNote | undefined, { sink }: Target): boolean {
  return note !== undefined && note.bytes > 0 && sink.held === undefined && !sink.consent;
}

async function takeIn(
  context: Context,
  plan: ReceivePlan,
  offer: Offer,
  target: Target,
): Promise<void> {
  const transfer = await acceptOrAbandon(offer, target);
  const following = followTransfer(context, transfer, {
    role: "receiver",
    contentId: offer.contentId,
    showKeys: plan.showKeys === true,
    isByCode: plan.from !== undefined,
    ...(target.doneFields && { doneFields: target.doneFields }),
    ...(target.places && { places: target.places }),
  });
  const { receipt, summary } = await following.catch((error: unknown) => {
    throw target.explained?.(error) ?? error;
  });
  const place = await target.report(summary);
  await plan.onDone?.(offer, { ...place, bytes: receipt.bytes });
}

/** The offer is not taken, and both sides are told; or it was taken back meanwhile. */
function notTaken(context: Context, offer: Offer, decision: "gone" | Refusal): Handled {
  const { output, interrupted } = context;
  const { id, from } = offer;
  if (decision === "gone") {
    if (interrupted.signal.aborted) decline(offer);
    output.say(`the offer of ${safeText(from.name)} is gone`);
  } else {
    decline(offer, declineReason(decision));
    output.say(refusalSentence(decision, offer));
    output.event({ type: "declined", transfer: id, from: from.name, reason: decision });
  }
  const exitCode = decision === "gone" ? EXIT.peerAbsent : EXIT.declined;
  return { exitCode: interrupted.exitCode ?? exitCode, isTransfer: false, isAwaited: false };
}

/** Whoever bears a contact's name at the relay with another key is refused, unasked. */
function keyChanged(offer: Offer): PosternError {
  decline(offer);
  return new PosternError("peer/key-changed", "an offer under a contact's name with another key");
}

function announce(context: Context, plan: ReceivePlan, offer: Offer, recognized: Recognized): void {
  const { output } = context;
  const { known } = recognized;
  const { id, from, content, profile } = offer;
  const { kind, name, size } = content;
  output.event({
    type: "offer",
    transfer: id,
    from: from.name,
    fingerprint: from.fingerprint,
    trust: known.kind === "contact" ? known.contact.trust : undefined,
    kind,
    name,
    size,
    profile,
  });
  output.say(`${output.paint("bold", knownLabel(known, from))} offers ${contentSentence(content)}`);
  output.say(`  ${RELAY_CAN[profile]}`);
  if (plan.from === undefined && profile === "end-to-end")
    tellTrust(context, from, recognized, "receiver");
}

type OpenTarget = Target & { readonly settled: Promise<void> };

async function openOrDecline(plan: ReceivePlan, offer: Offer, asker: Asker): Promise<OpenTarget> {
  try {
    const target = await plan.openTarget(offer, asker);
    return { ...target, ...settlingSink(target.sink) };
  } catch (error) {
    decline(offer, reasonOf(error));
    throw error;
  }
}

/** Nobody has said no: the sender is told what stood in the way. */
function reasonOf(error: unknown): DeclineReason | undefined {
  if (!(error instanceof PosternError)) return undefined;
  return error.code === "store/unsafe-name" ? "invalid" : "no-space";
}

async function acceptOrAbandon(offer: Offer, target: Target): Promise<Transfer> {
  try {
    return offer.accept(target.sink);
  } catch (error) {
    await target.sink.abandon();
    throw error;
  }
}

/** It may have gone meanwhile: then there is nothing to decline. */
function decline(offer: Offer, reason?: DeclineReason): void {
  try {
    offer.decline(reason);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
  }
}
