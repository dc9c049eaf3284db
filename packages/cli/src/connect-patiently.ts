/** A connection for whoever waits: a relay that is not there is tried again. @module */
import { PosternError } from "@postern/core/errors";
import { connectClient, type Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { orAborted } from "./deadline.ts";
import { describe } from "./terminal/describe.ts";
import { systemReason } from "./terminal/network-reason.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export interface Patience {
  /** Asked when the first try has failed: is there something worth a wait? Absent: there is. */
  readonly isWanted?: () => Promise<boolean>;
  /** From the first failure on; for ever when absent. */
  readonly withinMs?: number | undefined;
}

/**
 * Says what it waits for once for each reason, not for each try.
 *
 * @throws PosternError that time does not heal, or when the patience is over, the last one; the
 * interrupt's reason
 */
export async function connectPatiently(
  context: Context,
  waitingFor: string,
  { isWanted, withinMs }: Patience = {},
): Promise<Connected> {
  const { output, relay, interrupted, surroundings } = context;
  let since: number | undefined;
  let said: string | undefined;
  let timeoutMs = context.timeoutMs;
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_MS)) {
    try {
      const connected = await connectClient({ ...context, timeoutMs }, waitingFor);
      if (said !== undefined) output.say(`connected to ${relay.shown}; ${waitingFor}`);
      return connected;
    } catch (error) {
      if (!(error instanceof PosternError) || !passes(error)) throw error;
      if (said === undefined && isWanted !== undefined && !(await isWanted())) throw error;
      const now = surroundings.now();
      since ??= now;
      const leftMs = withinMs === undefined ? Infinity : since + withinMs - now;
      if (leftMs <= 0) throw error;
      const inMs = Math.min(waitMs, leftMs);
      const about = { relay: relay.shown, reason: systemReason(error) };
      const { what } = describe(error.code, about);
      if (what !== said)
        output.say(`${what}; waiting for the relay, then ${waitingFor}; Ctrl-C ends it`);
      said = what;
      output.event({ type: "reconnecting", code: error.code, inMs });
      await pause(inMs, interrupted.signal);
      if (leftMs <= waitMs) throw error;
      if (withinMs !== undefined) timeoutMs = leftMs - waitMs;
    }
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
