/**
 * `--on-done CMD`: a command of the person's own for everything that has come in whole. What the
 * other side chose reaches it by environment and standard input, never by its command line.
 *
 * Invariant: it fails alone; the receiver goes on. No secret is in its environment.
 *
 * @module
 */
import type { Offer } from "@postern/client";
import type { Context } from "./context.ts";
import type { Arrived } from "./handle-offer.ts";
import { safeText } from "./terminal/safe-text.ts";

const SECRETS: ReadonlySet<string> = new Set([
  "POSTERN_PASSPHRASE",
  "POSTERN_NEW_PASSPHRASE",
  "POSTERN_CODE",
]);

/** Ends when the command has; what became of it is said and an event. */
export async function runOnDone(
  context: Context,
  command: string,
  offer: Offer,
  arrived: Arrived,
): Promise<void> {
  const { output, surroundings } = context;
  const event = { type: "on-done", transfer: offer.id } as const;
  try {
    const { code, signal } = await surroundings.backend.runCommand(command, {
      env: hookEnvironment(surroundings.env, offer, arrived),
      input: arrived.text,
    });
    output.event({ ...event, exitCode: code, signal });
    if (code === 0) return;
    const how = signal === undefined ? `with exit code ${code}` : `by ${signal}`;
    output.warn(`--on-done failed ${how}; what has come is kept`);
  } catch (error) {
    const why = error instanceof Error ? safeText(error.message.slice(0, 200)) : "unknown";
    output.event({ ...event, exitCode: undefined, signal: undefined });
    output.warn(`--on-done could not be run (${why}); what has come is kept`);
  }
}

function hookEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  { id, from, content }: Offer,
  { path, paths, text, bytes }: Arrived,
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base))
    if (value !== undefined && !SECRETS.has(name)) env[name] = value;
  return {
    ...env,
    POSTERN_PATH: path ?? "",
    // Stored names never hold a line break.
    POSTERN_PATHS: (paths ?? (path === undefined ? [] : [path])).join("\n"),
    POSTERN_FROM: from.name,
    POSTERN_FINGERPRINT: from.fingerprint,
    // A name alone says little: a stranger may use that of a contact.
    POSTERN_TRUST: from.trust ?? "none",
    POSTERN_KIND: content.kind,
    // A message comes padded: what the command reads of it is its text.
    POSTERN_SIZE: String(text === undefined ? bytes : Buffer.byteLength(text)),
    POSTERN_TRANSFER: id,
  };
}
