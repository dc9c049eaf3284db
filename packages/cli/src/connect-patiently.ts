/** A connection for whoever waits for ever: a relay that is not there is tried again. @module */
import { PosternError } from "@postern/core/errors";
import { connectClient, type Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { orAborted } from "./deadline.ts";
import { describe } from "./terminal/describe.ts";
import { formatSeconds } from "./terminal/format.ts";
import { systemReason } from "./terminal/network-reason.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** @throws PosternError that time does not heal; the interrupt's reason */
export async function connectPatiently(context: Context, waitingFor: string): Promise<Connected> {
  const { output, relay, interrupted } = context;
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_MS)) {
    try {
      return await connectClient(context, waitingFor);
    } catch (error) {
      if (!(error instanceof PosternError) || !passes(error)) throw error;
      const about = { relay: relay.shown, reason: systemReason(error) };
      const { what } = describe(error.code, about);
      output.say(`${what}; trying again in ${formatSeconds(waitMs)}, then ${waitingFor}`);
      output.event({ type: "reconnecting", code: error.code, inMs: waitMs });
    }
    await pause(waitMs, interrupted.signal);
  }
}

function passes({ code }: PosternError): boolean {
  switch (code) {
    case "relay/unreachable":
    case "relay/overloaded":
    case "relay/restarting":
    case "link/closed":
    case "link/timed-out":
      return true;
    default:
      return false;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const passed = Promise.withResolvers<void>();
  const timer = setTimeout(() => passed.resolve(), ms);
  try {
    await orAborted(passed.promise, signal);
  } finally {
    clearTimeout(timer);
  }
}
