/** `postern status`: exit 0 only when this client could send and receive now. @module */
import { groupBase32 } from "@postern/core/bytes";
import { connectClient } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseRelay } from "../option-values.ts";
import { PROFILES, RELAY_CAN } from "../profiles.ts";
import { safeText } from "../terminal/safe-text.ts";
import { showIdentity } from "./identity.ts";

export async function status(context: Context): Promise<ExitCode> {
  const { output, relay } = context;
  const pins = await showIdentity(context);
  const pin = pins.find((known) => parseRelay(known.address).shown === relay.shown);
  const known = pin === undefined ? "not known yet" : groupBase32(safeText(pin.fingerprint));
  output.result(`relay        ${relay.shown}`);
  output.result(`relay key    ${known}`);
  output.event({ type: "relay-pin", relay: relay.shown, fingerprint: pin?.fingerprint });
  // An error says what is wrong with the relay and is the exit code.
  const connected = await connectClient(context, "going on");
  await connected.close();
  if (pin === undefined)
    output.result(`now kept     ${groupBase32(safeText(connected.client.relay.fingerprint))}`);
  output.result("reachable    yes");
  for (const profile of PROFILES) output.result(`profile      ${RELAY_CAN[profile]}`);
  output.event({ type: "status", usable: true });
  return EXIT.done;
}
