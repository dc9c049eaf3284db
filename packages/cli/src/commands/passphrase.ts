/** `postern identity passphrase`: seals the keys of an identity, or unseals them. @module */
import { wipe } from "@postern/core/bytes";
import type { HomeView } from "../backend.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure } from "../failures.ts";
import { withHome } from "../open-home.ts";
import { newPassphrase } from "../passphrase.ts";
import { safeText } from "../terminal/safe-text.ts";

export type PassphraseAction = "set" | "change" | "remove";

export async function passphrase(context: Context, action: PassphraseAction): Promise<ExitCode> {
  return await withHome(context, async (home) => {
    expectState(home, action);
    if (action === "remove") await remove(context, home);
    else await set(context, home);
    return EXIT.done;
  });
}

async function set(context: Context, home: HomeView): Promise<void> {
  const { output } = context;
  const next = await newPassphrase(context);
  try {
    await home.setPassphrase(next);
  } finally {
    wipe(next);
    context.passphrase.forget();
  }
  output.event({ type: "passphrase", name: home.name, passphrase: true });
  output.say(`a passphrase now protects the keys of ${safeText(home.name)}`);
  output.say("  without it nobody can open them, you neither; it is asked at every start");
}

async function remove(context: Context, home: HomeView): Promise<void> {
  const { output } = context;
  await home.setPassphrase(undefined);
  context.passphrase.forget();
  output.event({ type: "passphrase", name: home.name, passphrase: false });
  output.say(`no passphrase protects the keys of ${safeText(home.name)} any more`);
}

function expectState(home: HomeView, action: PassphraseAction): void {
  const name = safeText(home.name);
  if (action === "set" && home.isProtected)
    throw failure(`the keys of ${name} have a passphrase already`, "change");
  if (action !== "set" && !home.isProtected)
    throw failure(`the keys of ${name} have no passphrase`, "set");
}

function failure(what: string, other: string): CommandFailure {
  const why = "nothing was changed";
  const next = `"postern identity passphrase ${other}" is for that`;
  return new CommandFailure(EXIT.usage, "usage/wrong-state", { what, why, next });
}
