/** A connected client that tells the person about its link. @module */
import { groupBase32 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { HANDSHAKE_TIMEOUT_MS, HEADER_AHEAD_MS } from "@postern/core/limits";
import type { Client, ClientEvent } from "@postern/client";
import type { Context } from "./context.ts";
import { deadline, orAborted, within } from "./deadline.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure } from "./failures.ts";
import { unlocked } from "./passphrase.ts";
import { formatAge, formatSeconds } from "./terminal/format.ts";
import { systemReason } from "./terminal/network-reason.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface Connected {
  readonly client: Client;
  /** Why the client ended for good; `undefined` when it was closed from here. */
  readonly ended: Promise<PosternError | undefined>;
  close(): Promise<void>;
}

/** How long to wait for a link that does not close in order. */
const CLOSE_MS = 2_000;

/**
 * Connects under the context's name.
 *
 * @param waitingFor what goes on after a reconnection: `waiting for offers`
 */
export async function connectClient(context: Context, waitingFor: string): Promise<Connected> {
  const { surroundings, output, relay, name, interrupted, timeoutMs } = context;
  const home = await context.home();
  const limit = deadline(timeoutMs, surroundings.now, () => timedOut());
  const connecting = unlocked(context, async (read) => {
    const passphrase = async (): Promise<Uint8Array> => await limit.standingStill(read);
    return await surroundings.backend.connect({ relay: relay.address, home, name, passphrase });
  });
  let client: Client;
  try {
    client = await orAborted(limit.within(connecting), interrupted.signal);
  } catch (error) {
    // Whoever has given up must not leave a late link behind.
    connecting.then(async (late) => late.close()).catch(() => {});
    throw unusableStore(error, home);
  }
  output.about({ name: client.name });
  output.event({
    type: "connected",
    relay: relay.shown,
    relayFingerprint: client.relay.fingerprint,
    name: client.name,
    fingerprint: client.fingerprint,
  });
  const events = client.events[Symbol.asyncIterator]();
  // A first contact is told before anything that redraws the terminal.
  const first = await events.next();
  if (first.done !== true && first.value.type === "connected") {
    if (first.value.firstUse) tell(context, first.value, waitingFor);
    else tellClock(context, first.value.clockAheadMs);
  }
  const ended = watchLink(context, events, waitingFor);
  return { client, ended, close: async () => closeClient(client) };
}

async function watchLink(
  context: Context,
  events: AsyncIterator<ClientEvent>,
  waitingFor: string,
): Promise<PosternError | undefined> {
  try {
    for await (const event of { [Symbol.asyncIterator]: () => events }) {
      if (event.type === "closed") return event.error;
      tell(context, event, waitingFor);
    }
  } catch (error) {
    if (error instanceof PosternError) return error;
    throw error;
  }
  return undefined;
}

/** What the person was told of it was that it had left, or worse. */
function lateReceiptSentence({
  name,
  fingerprint,
  outcome,
}: Extract<ClientEvent, { type: "late-receipt" }>): string | undefined {
  // Nothing is lost, and where it goes on is said when it does.
  if (outcome === "goes-on") return undefined;
  const who = safeText(name ?? fingerprint);
  const became = {
    arrived: "has arrived",
    declined: "was declined",
    "not-arrived": "did not arrive whole",
  };
  return `an earlier transfer to ${who} ${became[outcome]}: its receipt is here now`;
}

function tell(
  context: Context,
  event: Exclude<ClientEvent, { type: "closed" }>,
  waitingFor: string,
): void {
  const { output, relay } = context;
  switch (event.type) {
    case "connected":
      if (event.firstUse) {
        const fingerprint = groupBase32(safeText(event.relay.fingerprint));
        output.warn(`first contact with the relay ${relay.shown}; its key is kept from now on:`);
        output.warn(`  ${fingerprint}`);
        output.event({ type: "first-use", relayFingerprint: event.relay.fingerprint });
      } else output.say(`connected to ${relay.shown}; ${waitingFor}`);
      return tellClock(context, event.clockAheadMs);
    case "relay-authenticated": {
      const fingerprint = groupBase32(safeText(event.fingerprint));
      output.say(`relay authenticated by RSA both ways: fingerprint ${fingerprint}`);
      output.event({ type: "relay-authenticated", fingerprint: event.fingerprint });
      return;
    }
    case "reconnecting": {
      const reason = systemReason(event.error);
      output.say(
        `lost the relay ${relay.shown}${reason === undefined ? "" : ` (${reason})`}; ` +
          `trying again in ${formatSeconds(event.inMs)}, then ${waitingFor}`,
      );
      output.event({ type: "reconnecting", code: event.error.code, inMs: event.inMs });
      return;
    }
    case "late-receipt": {
      const sentence = lateReceiptSentence(event);
      if (sentence !== undefined) output.say(sentence);
      output.event({ ...event });
      return;
    }
    case "notice":
      output.say(`the relay ${relay.shown} says: ${event.notice}`);
      output.event({ type: "notice", notice: event.notice, afterMs: event.afterMs });
  }
}

/** Offers are refused from the first on; the relay said its time when a handshake had begun. */
const CLOCKS_APART_MS = HEADER_AHEAD_MS + HANDSHAKE_TIMEOUT_MS;

/** Others would only be told that something of theirs is too late or too old. */
function tellClock({ output, relay }: Context, aheadMs: number): void {
  const apartMs = Math.abs(aheadMs);
  if (apartMs <= CLOCKS_APART_MS) return;
  const where = aheadMs > 0 ? "ahead of" : "behind";
  output.warn(
    `the clock of this computer is ${formatAge(apartMs)} ${where} that of ${relay.shown}`,
  );
  output.warn(
    "  check date and time: what a wrong clock offers, or is offered, is refused as too late",
  );
  output.event({ type: "clocks-apart", aheadMs });
}

async function closeClient(client: Client): Promise<void> {
  await within(client.close(), CLOSE_MS, () => timedOut()).catch(() => {});
}

function timedOut(): PosternError {
  return new PosternError("link/timed-out", "the relay did not answer within --timeout");
}

/** Before there is a client, a failing store means that the home cannot be used. */
export function unusableStore(error: unknown, home: string): unknown {
  if (!(error instanceof PosternError) || error.code !== "store/failed") return error;
  const explanation = {
    what: `cannot use ${safeText(home)}`,
    why: systemReason(error) ?? "what is kept there is damaged, or of a newer version",
    next: "check the folder and its permissions, or choose another one with --home",
  };
  return new CommandFailure(EXIT.environment, error.code, explanation, { cause: error });
}
