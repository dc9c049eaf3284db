/** `postern identity`: who this client is. Makes the identity at its first use. @module */
import { groupBase32 } from "@postern/core/bytes";
import { unusableStore } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { safeText } from "../terminal/safe-text.ts";
import type { RelayPin } from "../backend.ts";

export async function identity(context: Context): Promise<ExitCode> {
  await showIdentity(context);
  return EXIT.done;
}

/** Prints the identity and returns the relays it knows. */
export async function showIdentity(context: Context): Promise<readonly RelayPin[]> {
  const { output, surroundings, name } = context;
  const home = await context.home();
  let view;
  try {
    view = await surroundings.backend.openHome({ home, name });
  } catch (error) {
    throw unusableStore(error, home);
  }
  try {
    const { fingerprint, directory } = view;
    output.about({ name: view.name });
    output.event({ type: "identity", name: view.name, fingerprint, directory });
    output.result(`name         ${safeText(view.name)}`);
    output.result(`fingerprint  ${groupBase32(fingerprint)}`);
    output.result(`kept in      ${safeText(directory)}`);
    return await view.relayPins();
  } finally {
    await view.close();
  }
}
