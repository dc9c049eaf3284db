/** Sends one content over a connected client and says how it went. @module */
import { PosternError } from "@postern/core/errors";
import type { ContentSource, Paired, ProfileName, Transfer } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { orAborted, within } from "./deadline.ts";
import { contentLabel, followTransfer, type Finished } from "./follow-transfer.ts";
import { tellTrust, watchPeople } from "./people.ts";
import { RELAY_CAN } from "./profiles.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface SendPlan {
  /** A name, or who was met by a code. */
  readonly to: string | Paired;
  readonly content: ContentSource;
  readonly profile: ProfileName;
  readonly rateLimit?: number | undefined;
  readonly sessionSeconds?: number | undefined;
  readonly showKeys?: boolean;
}

/** The client closes the source. @throws PosternError of the transfer */
export async function sendContent(
  context: Context,
  connected: Connected,
  plan: SendPlan,
): Promise<Finished> {
  const { output } = context;
  const { to, content, profile, rateLimit, sessionSeconds } = plan;
  const { info } = content;
  const name = safeText(typeof to === "string" ? to : to.peer.name);
  output.about({
    peer: name,
    content: info.kind === "message" ? "the message" : contentLabel(info),
  });
  output.say(RELAY_CAN[profile]);
  const recognize = await peopleBefore(connected, content);
  const starting = connected.client.send({
    to,
    content,
    profile,
    ...(rateLimit !== undefined && { rateLimit }),
    ...(sessionSeconds !== undefined && { sessionSeconds }),
  });
  const transfer = await orCancelled(context, starting);
  const isByCode = typeof to !== "string";
  // Who was met by a code is sure enough, and no contact.
  if (!isByCode && profile === "end-to-end")
    tellTrust(context, transfer.peer, await recognize(transfer.peer), "sender");
  const finished = await followTransfer(context, transfer, {
    role: "sender",
    acceptWithinMs: context.timeoutMs,
    showKeys: plan.showKeys === true,
    isByCode,
  });
  output.say(
    output.paint("green", `delivered ${contentLabel(info)} to ${name}: ${finished.summary}`),
  );
  return finished;
}

/** Looks before this transfer makes a contact of its own. */
async function peopleBefore({ client }: Connected, content: ContentSource) {
  try {
    return await watchPeople(client.contacts);
  } catch (error) {
    await content.close();
    throw error;
  }
}

/** Whoever has given up must not leave a late transfer behind. */
async function orCancelled(context: Context, starting: Promise<Transfer>): Promise<Transfer> {
  const late = (): Error => new PosternError("link/timed-out", "no answer within --timeout");
  try {
    const started = within(starting, context.timeoutMs, late);
    return await orAborted(started, context.interrupted.signal);
  } catch (error) {
    starting.then((transfer) => transfer.cancel()).catch(() => {});
    throw error;
  }
}
