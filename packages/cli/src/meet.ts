/** Meets somebody by a short code (docs/protocol-pairing.md), in either role. @module */
import { PosternError } from "@postern/core/errors";
import type { Paired, Pairing, PairingOptions } from "@postern/client";
import type { Connected } from "./connect-client.ts";
import { RELAY_DEFAULT, type Context } from "./context.ts";
import { orAborted, within } from "./deadline.ts";
import { usageFailure } from "./failures.ts";
import { acquaintance, tellOtherKey } from "./people.ts";
import { formatClock } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface MeetPlan {
  /** Joins with it; absent: opens a new one and shows it. */
  readonly code: string | undefined;
  readonly words?: number | undefined;
  /** What the other person runs: `pair` or `receive`. */
  readonly command: "pair" | "receive";
}

/** @throws PosternError of the pairing. An interrupt and `--timeout` cancel it. */
export async function meet(
  context: Context,
  connected: Connected,
  plan: MeetPlan,
): Promise<Paired> {
  const { output, interrupted, timeoutMs } = context;
  const { code, words } = plan;
  if (code !== undefined) output.say("meeting by the code");
  const pairing = connected.client.pair(pairingOptions(code, words));
  const told = tellEvents(context, pairing, plan);
  told.catch(() => {});
  const late = (): Error => new PosternError("peer/timed-out", "nobody came within --timeout");
  try {
    const paired = await orAborted(within(pairing.paired, timeoutMs, late), interrupted.signal);
    const { name, fingerprint } = paired.peer;
    output.about({ peer: safeText(name) });
    output.event({ type: "met", name, fingerprint });
    tellOtherKey(context, acquaintance(await connected.client.contacts.list(), paired.peer));
    return paired;
  } catch (error) {
    pairing.cancel();
    throw error;
  } finally {
    await within(told, EVENTS_MS, late).catch(() => {});
  }
}

/** The last events come with the result; none is worth to wait longer for. */
const EVENTS_MS = 100;

/** 2 to 6. */
export function parseWords(text: string | undefined, code: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (code !== undefined)
    throw usageFailure("--words is for new codes", "this one has its words", "leave --words out");
  if (/^[2-6]$/.test(text)) return Number(text);
  throw usageFailure(
    `--words does not understand "${safeText(text.slice(0, 40))}"`,
    "it takes a number of words",
    "write 2 to 6",
  );
}

/** ` --relay HOST:PORT`, or nothing where the other side needs none. */
function relayHint({ relay }: Context): string {
  return relay.shown === RELAY_DEFAULT ? "" : ` --relay ${relay.shown}`;
}

function pairingOptions(code: string | undefined, words: number | undefined): PairingOptions {
  return { ...(code !== undefined && { code }), ...(words !== undefined && { words }) };
}

async function tellEvents(context: Context, pairing: Pairing, plan: MeetPlan): Promise<void> {
  const { output } = context;
  for await (const event of pairing) {
    output.event({ ...event });
    if (event.type === "guessed") {
      output.warn("somebody came with a wrong code; that code is burned, here is a new one");
      continue;
    }
    // Also with --quiet: nothing goes on before the other person has it.
    const shown = output.paint("bold", safeText(event.code));
    output.warn(`the code is  ${shown}`);
    output.warn(`  the other person runs:  postern ${plan.command} ${shown}${relayHint(context)}`);
    output.say(
      `  it is good for one guess within ${formatClock(event.validMs)} minutes; Ctrl-C cancels`,
    );
  }
}
