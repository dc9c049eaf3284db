/**
 * The command tree of `postern`: names, options and help. What they do is in `commands/`.
 *
 * @module
 */
import { isName } from "@postern/core/identity";
import { Command } from "commander";
import { runInContext, type SharedOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { SendFlags } from "./commands/send.ts";
import type { ReceiveFlags } from "./commands/receive.ts";
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
  const run: Run = async (command, action) => {
    exitCode = await runInContext(surroundings, mergedOptions(command), action);
  };

  withClientOptions(root);
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

function addTransferCommands(root: Command, run: Run): void {
  root.commandsGroup("Transfer:");
  const send = root
    .command("send")
    .summary("send a message, files or folders")
    .description(
      "Sends one message, files and folders, or a stream: to receivers by name, or to whoever you " +
        "tell a code. What breaks off goes on when the other side is back; the same command goes " +
        "on with what an earlier one began.",
    )
    .argument("[paths...]", "files and folders, or - for the standard input")
    .option("--to <names>", "contacts, or names at the relay: ann,bob (default: by a code)")
    .option("--text <text>", "send this message (- reads it from the standard input)")
    .option("--file-name <name>", "name of what - reads (default: stdin)")
    .option("--keep-links", "send symbolic links as links (default: leave them out, and say so)")
    .option("--anew", "give up what was begun before, and send from the beginning")
    .option("--signed", "sign it, and keep a signed receipt that anybody can check")
    .option("--receipt <file>", "where the signed receipt goes (default: beside you)")
    .option("--words <n>", "words of the code, 2 to 6 (default: 2)")
    .option("--profile <name>", `how keys travel: ${PROFILE_LIST}`)
    .option("--limit <rate>", "bytes per second at most: 500K, 5M")
    .option("--session-seconds <n>", "life of a session key, 1 to 60 (default: 5)")
    .addHelpText("after", examples(SEND_EXAMPLES));
  withClientOptions(send).action(async (paths: readonly string[], flags: SendFlags) => {
    const commands = await import("./commands/send.ts");
    const streamName = takeStreamName(send, paths, flags);
    const all = streamName === undefined ? flags : { ...flags, streamName };
    await run(send, async (context) => await commands.send(context, paths, all));
  });
  const receive = root
    .command("receive")
    .alias("recv")
    .summary("wait for offers and take them in")
    .description(
      "Waits for offers, asks about each, and saves files without ever overwriting one. " +
        "With a code it takes one thing, of whoever made the code.",
    )
    .argument("[code]", "the code that the sender tells you; also from POSTERN_CODE")
    .option("--code", "ask for the code; Tab completes its words")
    .option("-o, --output <dir>", "folder for files, or - for the standard output (default: .)")
    .option("--into <dir>", "the same as -o")
    .option("--once", "end after one transfer, with its exit code")
    .option("--accept <whom>", "all, ask, or names of senders: ann,bob (default: ask)")
    .option("--ask", "ask about each offer, the same as --accept ask")
    .option("--wait", "for servers: never ask, decline what is not accepted, go on for ever")
    .option("--max-size <size>", "decline what is larger: 300M, 10G")
    .option("--per-sender", "a folder for each sender, by name and fingerprint")
    .option("--on-done <command>", "run it for each thing received: see postern help on-done")
    .option("--capacity <n>", "transfers at once (default: 1; with --wait 4)")
    .option("--profile <names>", `what to take, one or several: ${PROFILE_LIST}`)
    .addHelpText("after", examples(RECEIVE_EXAMPLES));
  withClientOptions(receive).action(async (code: string | undefined, flags: ReceiveFlags) => {
    const commands = await import("./commands/receive.ts");
    await run(receive, async (context) => await commands.receive(context, code, flags));
  });
}

/** `send - --name backup.tar`: may be the name of the file, not of the person. */
function takeStreamName(
  send: Command,
  paths: readonly string[],
  { fileName }: SendFlags,
): string | undefined {
  const { name } = send.opts<SharedOptions>();
  if (paths[0] !== "-" || fileName !== undefined || name === undefined) return undefined;
  if (isName(name) && !name.includes(".")) return undefined;
  send.setOptionValue("name", undefined);
  return name;
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

const PROFILE_LIST = "end-to-end (default), symmetric, asymmetric";

const SEND_EXAMPLES: readonly Example[] = [
  ["postern send photo.raw", "a file, by a code for the other side"],
  ['postern send --text "on my way" --to bob', "a message to a contact"],
  ["tar c folder | postern send - --file-name folder.tar --to bob", "a stream"],
];

const RECEIVE_EXAMPLES: readonly Example[] = [
  ["postern receive 37-crystal-velvet", "what the maker of the code sends"],
  ["postern receive --accept ann -o inbox", "take all from ann, ask about others"],
  ["postern receive --wait --accept ann --into inbox --on-done ./sort.sh", "on a server"],
];

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
