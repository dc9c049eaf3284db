/** `postern identity`: who this client is. Makes the identity at its first use. @module */
import { groupBase32 } from "@postern/core/bytes";
import type { HomeView } from "../backend.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { readingHome } from "../open-home.ts";
import { safeText } from "../terminal/safe-text.ts";

export async function identity(context: Context): Promise<ExitCode> {
  await readingHome(context, async (home) => showIdentity(context, home));
  return EXIT.done;
}

export function showIdentity({ output }: Context, home: HomeView): void {
  const { name, fingerprint, directory, isProtected } = home;
  output.event({ type: "identity", name, fingerprint, directory, passphrase: isProtected });
  output.result(`name         ${safeText(name)}`);
  output.result(`fingerprint  ${groupBase32(fingerprint)}`);
  output.result(`kept in      ${safeText(directory)}`);
  output.result(
    `passphrase   ${isProtected ? "protects the keys" : "none: whoever reads the folder has the keys"}`,
  );
}
