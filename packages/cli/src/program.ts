/**
 * The command tree of `postern`: names, options and help. What they do is in `commands/`.
 *
 * @module
 */
import { Command } from "commander";
import { runInContext, type Context, type SharedOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { SendFlags } from "./commands/send.ts";
import type { ReceiveFlags } from "./commands/receive.ts";
import type { RelayFlags } from "./commands/relay.ts";
import { printHelp } from "./help.ts";
import { canAsk, type Surroundings } from "./surroundings.ts";

export interface Program {
  readonly root: Command;
  /** Of the command that ran; 0 when none did. */
  readonly exitCode: () => ExitCode;
}

export interface ProgramOptions {
  /** Without an action of its own, the root finds mistyped commands. */
  readonly hasRolePlay: boolean;
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
  const run = async (
    command: Command,
    action: (context: Context) => Promise<ExitCode>,
  ): Promise<void> => {
    exitCode = await runInContext(surroundings, mergedOptions(root, command), action);
  };

  withClientOptions(root);
  addTransferCommands(root, run);
  addClientCommands(root, run);
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

type Run = (command: Command, action: (context: Context) => Promise<ExitCode>) => Promise<void>;

function addTransferCommands(root: Command, run: Run): void {
  root.commandsGroup("Transfer:");
  const send = root
    .command("send")
    .summary("send a message or a file")
    .description("Sends one message, file or stream to a receiver that waits.")
    .argument("[path]", "a file, or - for the standard input")
    .requiredOption("--to <name>", "the receiver's name at the relay")
    .option("--text <text>", "send this message (- reads it from the standard input)")
    .option("--file-name <name>", "name of what - reads (default: stdin)")
    .option("--profile <name>", "how the master key travels: symmetric (default), asymmetric")
    .option("--limit <rate>", "bytes per second at most: 500K, 5M")
    .option("--session-seconds <n>", "life of a session key, 1 to 60 (default: 5)")
    .addHelpText("after", examples(SEND_EXAMPLES));
  withClientOptions(send).action(async (path: string | undefined, flags: SendFlags) => {
    const commands = await import("./commands/send.ts");
    await run(send, async (context) => await commands.send(context, path, flags));
  });
  const receive = root
    .command("receive")
    .alias("recv")
    .summary("wait for offers and take them in")
    .description("Waits for offers, asks about each, and saves files without ever overwriting one.")
    .option("-o, --output <dir>", "folder for files, or - for the standard output (default: .)")
    .option("--once", "end after one transfer, with its exit code")
    .option("--accept <whom>", "all, ask, or names of senders: ann,bob (default: ask)")
    .option("--ask", "ask about each offer, the same as --accept ask")
    .option("--profile <names>", "what to take: symmetric (default), asymmetric, or both: a,b")
    .addHelpText("after", examples(RECEIVE_EXAMPLES));
  withClientOptions(receive).action(async (flags: ReceiveFlags) => {
    const commands = await import("./commands/receive.ts");
    await run(receive, async (context) => await commands.receive(context, flags));
  });
}

function addClientCommands(root: Command, run: Run): void {
  root.commandsGroup("People and state:");
  const receivers = root
    .command("receivers")
    .description("Lists who is waiting for offers at the relay.")
    .addHelpText("after", examples(RECEIVERS_EXAMPLES));
  withClientOptions(receivers).action(async () => {
    const commands = await import("./commands/receivers.ts");
    await run(receivers, commands.receivers);
  });
  const identity = root
    .command("identity")
    .description("Shows this client's name and fingerprint; makes them at the first use.")
    .addHelpText("after", examples(IDENTITY_EXAMPLES));
  withClientOptions(identity).action(async () => {
    const commands = await import("./commands/identity.ts");
    await run(identity, commands.identity);
  });
  const status = root
    .command("status")
    .description("Checks identity and relay; exit code 0 only if both can be used.")
    .addHelpText("after", examples(STATUS_EXAMPLES));
  withClientOptions(status).action(async () => {
    const commands = await import("./commands/status.ts");
    await run(status, commands.status);
  });
}

function addRelayCommands(root: Command, run: Run): void {
  root.commandsGroup("Relay:");
  const relay = root
    .command("relay")
    .description("Runs a relay until Ctrl-C.")
    .option("--listen <host:port>", "where to listen (default: 127.0.0.1:9999)")
    .option("--data <dir>", "where its key and the names are kept (default: HOME/relay)")
    .option("--profiles <names>", "which profiles it allows: symmetric,asymmetric (default: all)")
    .addHelpText("after", examples(RELAY_EXAMPLES));
  withOutputOptions(relay).action(async (flags: RelayFlags) => {
    const commands = await import("./commands/relay.ts");
    await run(relay, async (context) => await commands.relay(context, flags));
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
    .summary("exit-codes, environment, formats, security, or a command")
    .description("Explains a command or a topic: exit-codes, environment, formats, security.")
    .argument("[topic]", "a command or a topic")
    .action(async (topic: string | undefined) => {
      await run(help, async (context) => printHelp(context, root, topic));
    });
}

/** A name that is no command: commander itself then says which one may have been meant. */
export class UnknownCommand extends Error {}

function withClientOptions(command: Command): Command {
  command
    .option("--relay <address>", "HOST:PORT or postern://HOST:PORT#FINGERPRINT")
    .option("--name <name>", "your name at the relay, and which identity to use")
    .option("--no-input", "never ask")
    .option("--timeout <time>", "give up waiting for the relay or the other side: 30s, 5m");
  return withOutputOptions(command);
}

function withOutputOptions(command: Command): Command {
  return command
    .option("--home <dir>", "where identities are kept")
    .option("--json", "one event a line on stdout")
    .option("-q, --quiet", "only errors and results")
    .option("-v, --verbose", "tell more")
    .option("--no-color", "no colours");
}

/** Options may stand before the command as well; those after it win. */
function mergedOptions(root: Command, command: Command): SharedOptions {
  const before = root.opts<SharedOptions>();
  const after = command.opts<SharedOptions>();
  return {
    ...before,
    ...after,
    color: before.color !== false && after.color !== false,
    input: before.input !== false && after.input !== false,
  };
}

function examples(lines: readonly (readonly [command: string, does: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const shown = lines.map(([command, does]) => `  ${command.padEnd(width)}  ${does}`);
  return `\nExamples:\n${shown.join("\n")}`;
}

const SEND_EXAMPLES = [
  ["postern send photo.raw --to bob", "a file"],
  ['postern send --text "on my way" --to bob', "a message"],
  ["tar c folder | postern send - --file-name folder.tar --to bob", "a stream"],
] as const;

const RECEIVE_EXAMPLES = [
  ["postern receive --name bob", "ask about every offer"],
  ["postern receive --accept ann -o inbox", "take all from ann, ask about others"],
  ["postern receive --once --accept all -o - | tar x", "one stream to a program"],
] as const;

const RECEIVERS_EXAMPLES = [
  ["postern receivers", "at the usual relay"],
  ["postern receivers --relay relay.example:9999", "at another one"],
  ["postern receivers --json", "for programs"],
] as const;

const IDENTITY_EXAMPLES = [
  ["postern identity", "the default identity"],
  ["postern identity --name bob", "another one"],
  ["postern identity --json", "for programs"],
] as const;

const STATUS_EXAMPLES = [
  ["postern status", "the default identity and relay"],
  ["postern status --relay relay.example:9999", "another relay"],
  ["postern status --quiet --timeout 5s && echo ready", "in a script"],
] as const;

const RELAY_EXAMPLES = [
  ["postern relay", "for this computer only, at 127.0.0.1:9999"],
  ["postern relay --listen 0.0.0.0:9999 --data /srv/postern", "for others"],
  ["postern relay --json", "its address for programs"],
] as const;

const ROOT_HELP = `
Without a command, on a terminal, postern asks what you want to do.

Examples:
  postern relay                            run a relay here
  postern receive --name bob               wait for somebody who sends
  postern send --text hello --to bob       send a message

Read on: postern help security, environment, formats, exit-codes`;
