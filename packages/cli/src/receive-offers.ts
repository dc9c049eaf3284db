/**
 * Waits for offers, has each decided, and takes the accepted ones in, one at a time.
 *
 * Invariant: a transfer that fails ends itself and nothing else; waiting ends by an interrupt, by
 * the plan, or with the client.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Offer, ReceiveEvent, ReceiveOptions } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { within } from "./deadline.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { handleOffer, type ReceivePlan } from "./handle-offer.ts";
import { watchPeople } from "./people.ts";

/** A link that is lost must not hold up whoever wants to stop. */
const STOP_MS = 1_000;

export async function receiveOffers(
  context: Context,
  connected: Connected,
  plan: ReceivePlan,
): Promise<ExitCode> {
  const { output, interrupted } = context;
  const { client } = connected;
  const offerWithinMs = plan.offerWithinMs ?? context.timeoutMs;
  const recognize = await watchPeople(client.contacts);
  const stopped = Promise.withResolvers<ExitCode>();
  stopped.promise.catch(() => {});
  const events = client.receive(receiveOptions(plan))[Symbol.asyncIterator]();
  let current: { id: string; withdraw: AbortController; ended: Promise<void> } | undefined;
  let timer: NodeJS.Timeout | undefined;

  const waitForNext = (): void => {
    clearTimeout(timer);
    if (offerWithinMs === undefined) return;
    const late = new PosternError("peer/timed-out", "no offer came in time");
    timer = setTimeout(() => stopped.reject(late), offerWithinMs);
  };
  const take = async (offer: Offer, signal: AbortSignal): Promise<void> => {
    clearTimeout(timer);
    const handled = await handleOffer(context, plan, { offer, signal, recognize });
    current = undefined;
    const isEnd = plan.isOneDecision === true || (plan.isOnce && handled.isTransfer);
    if (isEnd) stopped.resolve(handled.exitCode);
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

function receiveOptions({ profiles, from }: ReceivePlan): ReceiveOptions {
  const base = { profiles, capacity: 1 };
  return from === undefined ? base : { ...base, from, listed: false };
}

function linkClosed(): PosternError {
  return new PosternError("link/closed", "the client ended");
}
