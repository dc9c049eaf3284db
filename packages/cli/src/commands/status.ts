/** `postern status`: exit 0 only when this client could send and receive now. @module */
import { groupBase32 } from "@postern/core/bytes";
import type { Contact } from "@postern/client";
import type { RelayPin } from "../backend.ts";
import { connectClient } from "../connect-client.ts";
import { channelLines, contactEvent, contactState } from "../contact-view.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { readingHome } from "../open-home.ts";
import { parseRelay } from "../option-values.ts";
import { PROFILE_DEFAULT, RELAY_CAN } from "../profiles.ts";
import { safeText } from "../terminal/safe-text.ts";
import { showIdentity } from "./identity.ts";

export async function status(context: Context): Promise<ExitCode> {
  const { output, relay } = context;
  const { pins, contacts } = await readingHome(context, async (home) => {
    showIdentity(context, home);
    return { pins: await home.relayPins(), contacts: await home.contacts.list() };
  });
  output.result(`profile      ${RELAY_CAN[PROFILE_DEFAULT]}`);
  for (const contact of contacts) showKeys(context, contact);
  const pin = showPins(context, pins);
  // An error says what is wrong with the relay and is the exit code.
  const connected = await connectClient(context, "going on");
  await connected.close();
  if (pin === undefined)
    output.result(`now kept     ${groupBase32(safeText(connected.client.relay.fingerprint))}`);
  output.result(`reachable    yes, ${relay.shown}`);
  output.event({
    type: "status",
    usable: true,
    profile: PROFILE_DEFAULT,
    relay: relay.shown,
    contacts: contacts.length,
  });
  return EXIT.done;
}

function showKeys({ output, surroundings }: Context, contact: Contact): void {
  output.event(contactEvent(contact));
  output.result(`contact      ${safeText(contact.name)}: ${contactState(contact)}`);
  for (const line of channelLines(contact, surroundings.wallNow())) output.result(`  ${line}`);
}

/** The relay in use first, then the others that this device knows. */
function showPins({ output, relay }: Context, pins: readonly RelayPin[]): RelayPin | undefined {
  const shown = (pin: RelayPin): string => parseRelay(pin.address).shown;
  const pin = pins.find((known) => shown(known) === relay.shown);
  const key = pin === undefined ? "not known yet" : groupBase32(safeText(pin.fingerprint));
  output.result(`relay        ${relay.shown}`);
  output.result(`relay key    ${key}`);
  output.event({ type: "relay-pin", relay: relay.shown, fingerprint: pin?.fingerprint });
  for (const other of pins) {
    if (other === pin) continue;
    output.result(`other relay  ${shown(other)}  ${groupBase32(safeText(other.fingerprint))}`);
    output.event({ type: "relay-pin", relay: shown(other), fingerprint: other.fingerprint });
  }
  return pin;
}
