/**
 * Brings one content to one receiver over a connected client, goes on with what was begun before,
 * and says how it went.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Client, Delivery, Paired, ProfileName, Unfinished } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import { contentLabel } from "./content-label.ts";
import type { Context } from "./context.ts";
import { orAborted, within } from "./deadline.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { CommandFailure } from "./failures.ts";
import { followTransfer, type Finished } from "./follow-transfer.ts";
import type { Parcel } from "./parcel.ts";
import { tellTrust, watchPeople } from "./people.ts";
import { RELAY_CAN } from "./profiles.ts";
import { saveReceipt } from "./save-receipt.ts";
import { formatAge, formatBytes, formatShare } from "./terminal/format.ts";
import { isSecurityEvent } from "./terminal/describe.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface SendPlan {
  /** A name, or who was met by a code. */
  readonly to: string | Paired;
  readonly parcel: Parcel;
  readonly profile: ProfileName;
  readonly rateLimit?: number | undefined;
  readonly sessionSeconds?: number | undefined;
  readonly showKeys?: boolean;
  /** Asks for a receipt that others can check, and keeps it in this file or beside the person. */
  readonly signed?: { readonly file: string | undefined } | undefined;
  /** What was begun is given up, without a question. */
  readonly isAnew?: boolean;
  /** Goes on with this one. */
  readonly begun?: Unfinished;
}

/** The client closes what it opens. @throws PosternError of the transfer */
export async function sendContent(
  context: Context,
  connected: Connected,
  plan: SendPlan,
): Promise<Finished> {
  const { output } = context;
  const { to, parcel, profile } = plan;
  const { info } = parcel;
  const name = safeText(typeof to === "string" ? to : to.peer.name);
  const content = info.kind === "message" ? "the message" : contentLabel(info);
  output.about({ peer: name, content, isStream: info.kind === "stream" });
  output.say(RELAY_CAN[profile]);
  const begun = plan.begun ?? (await findBegun(connected.client, plan));
  if (begun !== undefined && plan.isAnew === true) await connected.client.unfinished.drop(begun);
  const isGoingOn = begun !== undefined && plan.isAnew !== true;
  try {
    return await deliver(context, connected, plan, isGoingOn ? { begun } : { replaced: begun });
  } catch (error) {
    if (!isGoingOn || !isOther(error) || context.interrupted.signal.aborted) throw error;
    await agreeToBeginAnew(context, contentLabel(info));
    await connected.client.unfinished.drop(begun);
    return await deliver(context, connected, plan, { replaced: begun });
  }
}

/** The same things, to the same receiver, begun before and not whole there. */
export async function findBegun(
  { contacts, unfinished }: Pick<Client, "contacts" | "unfinished">,
  { to, parcel, profile }: Pick<SendPlan, "to" | "parcel" | "profile">,
): Promise<Unfinished | undefined> {
  const { paths, info } = parcel;
  if (paths === undefined) return undefined;
  const contact = typeof to === "string" ? await contacts.find(to) : undefined;
  const fingerprint = typeof to === "string" ? contact?.fingerprint : to.peer.fingerprint;
  const all = await unfinished.list();
  return all.find(
    (one) =>
      one.role === "sending" &&
      one.profile === profile &&
      one.content.kind === info.kind &&
      one.paths.length === paths.length &&
      one.paths.every((path, i) => path === paths[i]) &&
      (fingerprint === undefined ? one.peer.name === to : one.peer.fingerprint === fingerprint),
  );
}

/** What there is of it: it goes on, or is given up for it. */
interface Before {
  readonly begun?: Unfinished;
  readonly replaced?: Unfinished | undefined;
}

async function deliver(
  context: Context,
  connected: Connected,
  plan: SendPlan,
  before: Before,
): Promise<Finished> {
  const { output } = context;
  const { begun } = before;
  const { to, parcel, profile, signed } = plan;
  const { info } = parcel;
  if (begun !== undefined) tellBegun(context, begun);
  const recognize = await watchPeople(connected.client.contacts);
  const delivery = await orCancelled(context, start(context, connected, plan, before));
  const isByCode = typeof to !== "string";
  // Who was met by a code is sure enough, and no contact.
  if (!isByCode && profile === "end-to-end")
    tellTrust(context, delivery.peer, await recognize(delivery.peer), "sender");
  let bytes = begun?.bytes ?? 0;
  try {
    const finished = await followTransfer(context, delivery, {
      role: "sender",
      contentId: delivery.id,
      acceptWithinMs: begun === undefined ? context.timeoutMs : undefined,
      showKeys: plan.showKeys === true,
      isByCode,
      isKept: parcel.paths !== undefined,
      ...(parcel.places !== undefined && { places: () => parcel.places }),
      onBytes: (there) => (bytes = Math.max(bytes, there)),
    });
    const name = safeText(delivery.peer.name);
    output.say(
      output.paint("green", `delivered ${contentLabel(info)} to ${name}: ${finished.summary}`),
    );
    if (signed !== undefined)
      await saveReceipt(context, { text: finished.receipt.signed, file: signed.file, info, name });
    return finished;
  } catch (error) {
    if (parcel.paths !== undefined) await tellKept(context, connected, delivery, { error, bytes });
    throw error;
  }
}

async function start(
  context: Context,
  { client }: Connected,
  plan: SendPlan,
  { begun, replaced }: Before,
): Promise<Delivery> {
  const { to, parcel, profile, rateLimit, sessionSeconds, signed } = plan;
  const { timeoutMs } = context;
  return await client.deliver({
    to,
    profile,
    open: async () => await parcel.open(),
    ...(begun !== undefined && { id: begun.id }),
    ...(replaced !== undefined && { replaces: replaced.id }),
    ...(parcel.paths !== undefined && { paths: parcel.paths }),
    ...(parcel.links !== undefined && { links: parcel.links }),
    ...(timeoutMs !== undefined && { patienceMs: timeoutMs }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(sessionSeconds !== undefined && { sessionSeconds }),
    ...((signed !== undefined || begun?.signed === true) && { signed: true }),
  });
}

function tellBegun({ output, surroundings }: Context, begun: Unfinished): void {
  const { content, peer, bytes, changedAt } = begun;
  const share = formatShare(bytes, content.size) ?? formatBytes(bytes);
  const age = formatAge(surroundings.wallNow() - changedAt);
  output.say(
    `going on with ${contentLabel(content)} for ${safeText(peer.name)}: ` +
      `begun before, ${share} was there ${age} ago`,
  );
  output.event({ type: "going-on", content: begun.id, bytes, total: content.size });
}

/** What the receiver has stays there: said, because the person may think that it is lost. */
async function tellKept(
  { output }: Context,
  { client }: Connected,
  { id, content, peer }: Delivery,
  { error, bytes }: { readonly error: unknown; readonly bytes: number },
): Promise<void> {
  const isKept = error instanceof PosternError && !isSecurityEvent(error.code) && !isOther(error);
  if (!isKept || bytes === 0) return;
  if ((await client.unfinished.find(id).catch(() => undefined)) === undefined) return;
  const share = formatShare(bytes, content.size) ?? formatBytes(bytes);
  output.say(
    `${share} of ${contentLabel(content)} is with ${safeText(peer.name)} and stays there; ` +
      `the same command goes on with it, or "postern transfers resume ${id.slice(0, 8)}"`,
  );
}

/** Not what was begun: here, or by what the receiver holds. */
function isOther(error: unknown): boolean {
  return (
    error instanceof PosternError &&
    (error.code === "transfer/source-changed" || error.code === "transfer/other-content")
  );
}

/** Returns when the person agrees. */
async function agreeToBeginAnew(context: Context, what: string): Promise<void> {
  const { output, surroundings, canAsk, interrupted } = context;
  if (canAsk) {
    const prompter = await surroundings.prompter();
    const message = `${what} has changed since it was begun. Send it anew, from its beginning?`;
    const { signal } = interrupted;
    const answer = await output.during(async () => await prompter.confirm({ message, signal }));
    if (answer === true) return;
  }
  throw new CommandFailure(exitCodeOf("transfer/other-content"), "transfer/other-content", {
    what: `${what} is not what was begun`,
    why: "it has changed since, so what is there cannot be gone on with",
    next: "send it with --anew, from its beginning",
  });
}

/** Whoever has given up must not leave a late transfer behind. */
async function orCancelled(context: Context, starting: Promise<Delivery>): Promise<Delivery> {
  const late = (): Error => new PosternError("link/timed-out", "no answer within --timeout");
  try {
    const started = within(starting, context.timeoutMs, late);
    return await orAborted(started, context.interrupted.signal);
  } catch (error) {
    starting.then((delivery) => delivery.cancel()).catch(() => {});
    throw error;
  }
}
