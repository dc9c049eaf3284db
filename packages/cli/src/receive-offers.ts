/**
 * Waits for offers, has each decided, and takes the accepted ones in, one at a time.
 *
 * Invariant: a transfer that fails ends itself and nothing else; waiting ends by an interrupt, by
 * the plan, or with the client.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { ContentSink, DeclineReason, Offer, ProfileName, ReceiveEvent } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { within } from "./deadline.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { contentLabel, contentSentence, followTransfer } from "./follow-transfer.ts";
import { RELAY_CAN } from "./profiles.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface ReceivePlan {
  readonly profiles: readonly ProfileName[];
  /** `undefined` when the signal took the question back. */
  decide(offer: Offer, signal: AbortSignal): Promise<boolean | undefined>;
  openTarget(offer: Offer): Promise<Target>;
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
  report(summary: string): Promise<void>;
}

/** A link that is lost must not hold up whoever wants to stop. */
const STOP_MS = 1_000;

export async function receiveOffers(
  context: Context,
  connected: Connected,
  plan: ReceivePlan,
): Promise<ExitCode> {
  const { output, interrupted, timeoutMs } = context;
  const { client } = connected;
  const stopped = Promise.withResolvers<ExitCode>();
  stopped.promise.catch(() => {});
  const events = client.receive({ profiles: plan.profiles, capacity: 1 })[Symbol.asyncIterator]();
  let current: { id: string; withdraw: AbortController; ended: Promise<void> } | undefined;
  let timer: NodeJS.Timeout | undefined;

  const waitForNext = (): void => {
    clearTimeout(timer);
    if (timeoutMs === undefined) return;
    const late = new PosternError("peer/timed-out", "no offer came within --timeout");
    timer = setTimeout(() => stopped.reject(late), timeoutMs);
  };
  const take = async (offer: Offer, signal: AbortSignal): Promise<void> => {
    clearTimeout(timer);
    const exitCode = await handleOffer(context, plan, offer, signal);
    current = undefined;
    if (exitCode !== undefined && (plan.isOnce || plan.isOneDecision === true))
      stopped.resolve(exitCode);
    else if (plan.isOneDecision === true) stopped.resolve(EXIT.declined);
    else if (!interrupted.signal.aborted) waitForNext();
  };
  const pump = async (): Promise<ExitCode> => {
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw (await connected.ended) ?? linkClosed();
      const event: ReceiveEvent = next.value;
      if (event.type === "listening") plan.onListening?.();
      else if (event.type === "offer") {
        const withdraw = new AbortController();
        const signal = AbortSignal.any([withdraw.signal, interrupted.signal]);
        const ended = take(event.offer, signal).catch((error: unknown) => stopped.reject(error));
        current = { id: event.offer.id, withdraw, ended };
      } else {
        output.event({ type: "withdrawn", transfer: event.id, code: event.error.code });
        if (current?.id === event.id) current.withdraw.abort(event.error);
      }
    }
  };
  const onInterrupt = (): void => {
    // The transfer under way is cancelled by whoever follows it; its last word is waited for.
    void Promise.resolve(current?.ended).then(() =>
      stopped.resolve(interrupted.exitCode ?? EXIT.interrupted),
    );
  };
  interrupted.signal.addEventListener("abort", onInterrupt);
  if (interrupted.signal.aborted) onInterrupt();
  waitForNext();
  const pumping = pump();
  pumping.catch(() => {});
  try {
    return await Promise.race([pumping, stopped.promise]);
  } finally {
    clearTimeout(timer);
    interrupted.signal.removeEventListener("abort", onInterrupt);
    // Off the relay's list before anything else is asked or done.
    await within(Promise.resolve(events.return?.()), STOP_MS, linkClosed).catch(() => {});
  }
}

/** The exit code of an accepted transfer; `undefined` when there was none. */
async function handleOffer(
  context: Context,
  plan: ReceivePlan,
  offer: Offer,
  signal: AbortSignal,
): Promise<ExitCode | undefined> {
  const { output, interrupted } = context;
  const from = safeText(offer.from.name);
  const about = {
    peer: from,
    content: offer.content.kind === "message" ? "the message" : contentLabel(offer.content),
  };
  let isAccepted = false;
  announce(context, offer);
  try {
    const decision = await plan.decide(offer, signal);
    if (decision !== true) {
      if (decision === false || interrupted.signal.aborted) decline(offer);
      output.say(decision === false ? `declined` : `the offer of ${from} is gone`);
      return undefined;
    }
    const target = await openOrDecline(plan, offer);
    isAccepted = true;
    const transfer = await acceptOrAbandon(offer, target);
    const finished = await followTransfer(context, transfer, {
      role: "receiver",
      showKeys: plan.showKeys === true,
      ...(target.doneFields && { doneFields: target.doneFields }),
    });
    await target.report(finished.summary);
    return EXIT.done;
  } catch (error) {
    if (interrupted.signal.aborted) {
      output.say("cancelled; nothing incomplete was kept");
      return interrupted.exitCode ?? EXIT.interrupted;
    }
    const exitCode = output.fail(error, about);
    // What could not be taken in was declined, and a receiver for one transfer goes on waiting.
    return isAccepted ? exitCode : undefined;
  }
}

function announce(context: Context, offer: Offer): void {
  const { output } = context;
  const { id, from, content, profile } = offer;
  const { kind, name, size } = content;
  output.event({
    type: "offer",
    transfer: id,
    from: from.name,
    fingerprint: from.fingerprint,
    kind,
    name,
    size,
    profile,
  });
  output.say(`${output.paint("bold", safeText(from.name))} offers ${contentSentence(content)}`);
  output.say(`  ${RELAY_CAN[profile]}`);
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

async function acceptOrAbandon(offer: Offer, target: Target) {
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

function linkClosed(): PosternError {
  return new PosternError("link/closed", "the client ended");
}
