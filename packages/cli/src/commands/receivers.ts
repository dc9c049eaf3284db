/** `postern receivers`: who can be sent to now, and how sure it is who they are. @module */
import { groupBase32 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { Contact, Receiver } from "@postern/client";
import { connectClient } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { orAborted, within } from "../deadline.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { acquaintance, acquaintanceLabel } from "../people.ts";
import { safeText } from "../terminal/safe-text.ts";
import { padWidth } from "../terminal/width.ts";

const NAME_COLUMNS = 20;
const TRUST_COLUMNS = 16;

export async function receivers(context: Context): Promise<ExitCode> {
  const { output, interrupted, timeoutMs } = context;
  const connected = await connectClient(context, "asking again");
  const list = async (): Promise<number> => {
    const contacts = await connected.client.contacts.list();
    let count = 0;
    for await (const receiver of connected.client.receivers()) {
      count++;
      show(context, receiver, contacts);
    }
    return count;
  };
  try {
    const late = (): Error => new PosternError("link/timed-out", "no list within --timeout");
    const count = await orAborted(within(list(), timeoutMs, late), interrupted.signal);
    output.event({ type: "receivers", count });
    if (count === 0) output.say(`nobody is waiting for offers at ${context.relay.shown}`);
    return EXIT.done;
  } finally {
    await connected.close();
  }
}

function show({ output }: Context, receiver: Receiver, contacts: readonly Contact[]): void {
  const { name, fingerprint, free, profiles } = receiver;
  const known = acquaintance(contacts, receiver);
  const contact = known.kind === "contact" ? known.contact : undefined;
  output.event({
    type: "receiver",
    name,
    fingerprint,
    free,
    profiles,
    contact: contact?.name,
    trust: contact?.trust,
    keyChanged: known.kind === "key-changed",
  });
  const words = `${free} free  ${profiles.map(safeText).join(",")}`;
  const trust = padWidth(acquaintanceLabel(known, name), TRUST_COLUMNS);
  const shown = padWidth(safeText(name), NAME_COLUMNS);
  output.result(`${shown}  ${trust}  ${words}  ${groupBase32(safeText(fingerprint))}`);
}
