/** `postern help [COMMAND|TOPIC]`. @module */
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { usageFailure } from "./failures.ts";
import { isTopic, TOPICS } from "./help-topics.ts";
import { safeText } from "./terminal/safe-text.ts";

export function printHelp(context: Context, root: Command, topic?: string): ExitCode {
  if (topic !== undefined && isTopic(topic)) {
    context.surroundings.stdout.write(TOPICS[topic]);
    return EXIT.done;
  }
  const command =
    topic === undefined
      ? root
      : root.commands.find((known) => known.name() === topic || known.aliases().includes(topic));
  if (command === undefined)
    throw usageFailure(
      `no help about "${safeText(topic ?? "")}"`,
      `topics are the commands and ${Object.keys(TOPICS).join(", ")}`,
      'see "postern help"',
    );
  command.outputHelp();
  return EXIT.done;
}
