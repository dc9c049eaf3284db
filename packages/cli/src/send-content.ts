/** Sends one content over a connected client and says how it went. @module */
import { PosternError } from "@postern/core/errors";
import type { ContentSource, ProfileName, Transfer } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { orAborted, within } from "./deadline.ts";
import { contentLabel, followTransfer, type Finished } from "./follow-transfer.ts";
import { RELAY_CAN } from "./profiles.ts";

export interface SendPlan {
  readonly to: string;
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
  output.about({ peer: to, content: info.kind === "message" ? "the message" : contentLabel(info) });
  output.say(RELAY_CAN[profile]);
  const starting = connected.client.send({
    to,
    content,
    profile,
    ...(rateLimit !== undefined && { rateLimit }),
    ...(sessionSeconds !== undefined && { sessionSeconds }),
  });
  const transfer = await orCancelled(context, starting);
  const finished = await followTransfer(context, transfer, {
    role: "sender",
    acceptWithinMs: context.timeoutMs,
    showKeys: plan.showKeys === true,
  });
  output.say(
    output.paint("green", `delivered ${contentLabel(info)} to ${to}: ${finished.summary}`),
  );
  return finished;
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
