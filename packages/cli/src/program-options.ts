/** Options and examples that several commands of `postern` share. @module */
import type { Command } from "commander";
import type { Context, SharedOptions } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";

/** Runs a command's action with the options that stand before and behind its name. */
export type Run = (
  command: Command,
  action: (context: Context) => Promise<ExitCode>,
) => Promise<void>;

/** For commands that talk to a relay. */
export function withClientOptions(command: Command): Command {
  command
    .option("--relay <address>", "HOST:PORT or postern://HOST:PORT#FINGERPRINT")
    .option("--timeout <time>", "give up waiting for the relay or the other side: 30s, 5m");
  return withIdentityOptions(command);
}

/** For commands that need an identity and no relay. */
export function withIdentityOptions(command: Command): Command {
  command
    .option("--name <name>", "your name at the relay, and which identity to use")
    .option("--no-input", "never ask");
  return withOutputOptions(command);
}

export function withOutputOptions(command: Command): Command {
  return command
    .option("--home <dir>", "where identities are kept")
    .option("--json", "one event a line on stdout")
    .option("-q, --quiet", "only errors and results")
    .option("-v, --verbose", "tell more")
    .option("--no-color", "no colours");
}

/** Options may stand before the command, and before its parent, as well; later ones win. */
export function mergedOptions(command: Command): SharedOptions {
  const after = command.opts<SharedOptions>();
  if (command.parent === null) return after;
  const before = mergedOptions(command.parent);
  const name = after.name ?? before.name;
  return {
    ...before,
    ...after,
    ...(name !== undefined && { name }),
    color: before.color !== false && after.color !== false,
    input: before.input !== false && after.input !== false,
  };
}

export type Example = readonly [command: string, does: string];

export function examples(lines: readonly Example[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const shown = lines.map(([command, does]) => `  ${command.padEnd(width)}  ${does}`);
  return `\nExamples:\n${shown.join("\n")}`;
}
