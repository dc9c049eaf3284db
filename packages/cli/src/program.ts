/**
 * The command tree of `postern`: names, options and help. What they do is in `commands/`.
 *
 * @module
 */
import { Command } from "commander";
import { runInContext, type SharedOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { RelayFlags } from "./commands/relay.ts";
import { printHelp } from "./help.ts";
import {
  examples,
  mergedOptions,
  withClientOptions,
  withOutputOptions,
  type Example,
  type Run,
} from "./program-options.ts";
import { addPeopleCommands } from "./program-people.ts";
import { addTransferCommands, TRANSFER_COMMANDS } from "./program-transfers.ts";
import { canAsk, type Surroundings } from "./surroundings.ts";

export interface Program {
  readonly root: Command;
  /** Of the command that ran; 0 when none did. */
  readonly exitCode: () => ExitCode;
}

export interface ProgramOptions {
  /** Without an action of its own, the root finds mistyped commands. */
  readonly hasRolePlay: boolean;
  /** The first word: what sends or receives needs no other command, and their tree takes time. */
  readonly asked?: string | undefined;
}

export function buildProgram(surroundings: Surroundings, options: ProgramOptions): Program {
  let exitCode: ExitCode = EXIT.done;
  const root = new Command("postern")
    .description(
      "Messages and files of any size through a secure tunnel, over a relay anyone can run.",
    )
    .usage("[options] [command]")
    .version(surroundings.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .enablePositionalOptions();
  const run: Run = async (command, action) => {
    exitCode = await runInContext(surroundings, mergedOptions(command), action);
  };

  withClientOptions(root);
  const { asked = "" } = options;
  if (Object.hasOwn(TRANSFER_COMMANDS, asked)) {
    TRANSFER_COMMANDS[asked]?.(root, run);
    return { root, exitCode: () => exitCode };
  }
  addTransferCommands(root, run);
  addPeopleCommands(root, run);
  addRelayCommands(root, run);
  addHelpCommand(root, run);
  root.addHelpText("after", ROOT_HELP);
  if (options.hasRolePlay)
    root.allowExcessArguments().action(async () => {
      if (root.args.length > 0) throw new UnknownCommand();
      await run(root, async (context) => {
        if (!canAsk(surroundings, root.opts<SharedOptions>().input === false))
          return printHelp(context, root);
        const { rolePlay } = await import("./role-play.ts");
        return await rolePlay(context);
      });
    });
  return { root, exitCode: () => exitCode };
}

function addRelayCommands(root: Command, run: Run): void {
  root.commandsGroup("Relay:");
  const relay = root
    .command("relay")
    .description("Runs a relay until Ctrl-C.")
    .option("--listen <host:port>", "where to listen (default: 127.0.0.1:9999)")
    .option("--data <dir>", "where its key and the names are kept (default: HOME/relay)")
    .option("--profiles <names>", "which profiles it allows: end-to-end,symmetric (default: all)")
    .addHelpText("after", examples(RELAY_EXAMPLES));
  withOutputOptions(relay).action(async (flags: RelayFlags) => {
    const commands = await import("./commands/relay.ts");
    await run(relay, async (context) => await commands.relay(context, flags));
  });
  const bench = root
    .command("bench")
    .summary("measure this computer, or a relay of your own")
    .description(
      "Runs Postern side by side with other programs and prints what each takes. " +
        "Its options are those of the benchmark: postern bench -- --help",
    )
    .argument(
      "[options...]",
      "--case NAME, --runs N, --size 1G, --relay HOST:PORT, --json FILE, ...",
    )
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: readonly string[]) => {
      const commands = await import("./commands/bench.ts");
      await run(bench, async () => await commands.bench(args));
    });
  const demo = root
    .command("demo", { hidden: true })
    .description("Shows a relay, a receiver and a sender in one terminal.")
    .option("--listen <host:port>", "where its relay listens (default: 127.0.0.1:9999)");
  withOutputOptions(demo).action(async (flags: RelayFlags) => {
    const commands = await import("./commands/demo.ts");
    await run(demo, async (context) => await commands.demo(context, flags));
  });
}

function addHelpCommand(root: Command, run: Run): void {
  root.commandsGroup("Help:");
  const help = root
    .command("help")
    .summary("exit-codes, environment, formats, on-done, security, or a command")
    .description(
      "Explains a command or a topic: exit-codes, environment, formats, on-done, security.",
    )
    .argument("[topic]", "a command or a topic")
    .action(async (topic: string | undefined) => {
      await run(help, async (context) => printHelp(context, root, topic));
    });
}

/** A name that is no command: commander itself then says which one may have been meant. */
export class UnknownCommand extends Error {}

const RELAY_EXAMPLES: readonly Example[] = [
  ["postern relay", "for this computer only, at 127.0.0.1:9999"],
  ["postern relay --listen 0.0.0.0:9999 --data /srv/postern", "for others"],
  ["postern relay --json", "its address for programs"],
];

const ROOT_HELP = `
Without a command, on a terminal, postern asks what you want to do.

Examples:
  postern relay                            run a relay here
  postern send photo.raw                   send a file: prints a code
  postern receive 37-crystal-velvet        take it, on the other computer
  postern pair                             make somebody a verified contact

Read on: postern help security, environment, formats, on-done, exit-codes`;
