/** One offer: recognizes its sender, has it decided, and takes the content in. @module */
import { PosternError } from "@postern/core/errors";
import type {
  ContentSink,
  DeclineReason,
  Offer,
  Paired,
  PeerName,
  ProfileName,
  Transfer,
} from "@postern/client";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { contentLabel, contentSentence, followTransfer } from "./follow-transfer.ts";
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
  decide(offer: Offer, signal: AbortSignal, known: Acquaintance): Promise<Decision>;
  openTarget(offer: Offer): Promise<Target>;
  /** Everything is there and has been reported; its place is free when this ends. */
  readonly onDone?: (offer: Offer, arrived: Arrived) => Promise<void>;
  /** Return after the first transfer that was accepted; its exit code is returned. */
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
  /** Called when everything is there, with a summary. */
  report(summary: string): Promise<Place>;
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

export interface Arrival {
  readonly offer: Offer;
  /** Aborted when the offer is withdrawn, or at an interrupt. */
  readonly signal: AbortSignal;
  readonly recognize: (peer: PeerName) => Promise<Recognized>;
}

export interface Handled {
  readonly exitCode: ExitCode;
  /** It was accepted, whatever became of it. */
  readonly isTransfer: boolean;
}

export async function handleOffer(
  context: Context,
  plan: ReceivePlan,
  { offer, signal, recognize }: Arrival,
): Promise<Handled> {
  const { output, interrupted } = context;
  const content = offer.content.kind === "message" ? "the message" : contentLabel(offer.content);
  let peer = safeText(offer.from.name);
  let isTransfer = false;
  try {
    const recognized = await recognize(offer.from);
    if (recognized.known.kind === "key-changed" && plan.from === undefined) {
      peer = safeText(recognized.known.contact.name);
      throw keyChanged(offer);
    }
    announce(context, plan, offer, recognized);
    const decision = await plan.decide(offer, signal, recognized.known);
    if (decision !== "accept") return notTaken(context, offer, decision);
    const target = await openOrDecline(plan, offer);
    isTransfer = true;
    await takeIn(context, plan, offer, target);
    return { exitCode: EXIT.done, isTransfer };
  } catch (error) {
    if (interrupted.signal.aborted) {
      output.say("cancelled; nothing incomplete was kept");
      return { exitCode: interrupted.exitCode ?? EXIT.interrupted, isTransfer: true };
    }
    // What could not be taken in was declined, and a receiver for one transfer goes on waiting.
    return { exitCode: output.fail(error, { peer, content }), isTransfer };
  }
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
    showKeys: plan.showKeys === true,
    isByCode: plan.from !== undefined,
    ...(target.doneFields && { doneFields: target.doneFields }),
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
  return { exitCode: interrupted.exitCode ?? exitCode, isTransfer: false };
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

async function openOrDecline(plan: ReceivePlan, offer: Offer): Promise<Target> {
  try {
    return await plan.openTarget(offer);
  } catch (error) {
    decline(offer, reasonOf(error));
    throw error;
  }
}

/** Nobody has said no: the sender is told what stood in the way. */
function reasonOf(error: unknown): DeclineReason {
  const isName = error instanceof PosternError && error.code === "store/unsafe-name";
  return isName ? "invalid" : "no-space";
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
