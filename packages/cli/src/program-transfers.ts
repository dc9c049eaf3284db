/** The commands of `postern` that send, receive, and show what became of it. @module */
import type { Command } from "commander";
import { isName } from "@postern/core/identity";
import type { ReceiveFlags } from "./commands/receive.ts";
import type { SendFlags } from "./commands/send.ts";
import type { CleanFlags, ResumeFlags } from "./commands/transfers.ts";
import type { SharedOptions } from "./context.ts";
import { usageFailure } from "./failures.ts";
import {
  examples,
  withClientOptions,
  withIdentityOptions,
  withOutputOptions,
  type Example,
  type Run,
} from "./program-options.ts";
import { safeText } from "./terminal/safe-text.ts";

/** By the names they are called by. */
export const TRANSFER_COMMANDS: Readonly<Record<string, (root: Command, run: Run) => void>> = {
  send: addSend,
  receive: addReceive,
  recv: addReceive,
};

export function addTransferCommands(root: Command, run: Run): void {
  root.commandsGroup("Transfer:");
  addSend(root, run);
  addReceive(root, run);
  addTransfers(root, run);
  addVerify(root, run);
}

function addSend(root: Command, run: Run): void {
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
}

function addReceive(root: Command, run: Run): void {
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
    .option("--once", "end after the first offer accepted, with its exit code")
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

function addTransfers(root: Command, run: Run): void {
  const transfers = root
    .command("transfers")
    .summary("list, resume, cancel what is unfinished")
    .description(
      "What was begun and is not whole, sent or received. Without a command it lists them; all " +
        "but resume work without a relay.",
    )
    .usage("[options] [command]")
    .helpCommand(false)
    .allowExcessArguments()
    .addHelpText("after", examples(TRANSFERS_EXAMPLES));
  const load = async () => await import("./commands/transfers.ts");
  withIdentityOptions(transfers).action(async () => {
    await run(transfers, async (context) => {
      const [unknown] = transfers.args;
      if (unknown !== undefined) throw unknownTransfersCommand(unknown);
      return await (await load()).listTransfers(context);
    });
  });
  const list = withIdentityOptions(transfers.command("list").description("Lists them."));
  list.action(async () => {
    await run(list, async (context) => await (await load()).listTransfers(context));
  });
  const resume = withClientOptions(
    transfers
      .command("resume <id>")
      .description("Goes on with one that you send; the first digits of its id will do.")
      .option("--limit <rate>", "bytes per second at most: 500K, 5M"),
  );
  resume.action(async (id: string, flags: ResumeFlags) => {
    await run(resume, async (context) => await (await load()).resumeTransfer(context, id, flags));
  });
  const cancel = withIdentityOptions(
    transfers
      .command("cancel <id>")
      .description("Forgets one, and removes what has come of it on this device."),
  );
  cancel.action(async (id: string) => {
    await run(cancel, async (context) => await (await load()).cancelTransfer(context, id));
  });
  const clean = withIdentityOptions(
    transfers
      .command("clean")
      .description("Forgets old ones, and removes what has come of them on this device.")
      .option("--older-than <time>", "nothing has moved for this long: 12h, 30d (default: 7d)"),
  );
  clean.action(async (flags: CleanFlags) => {
    await run(clean, async (context) => await (await load()).cleanTransfers(context, flags));
  });
  // Else they would be as lenient as the command above them.
  for (const each of transfers.commands) each.allowExcessArguments(false);
}

function addVerify(root: Command, run: Run): void {
  const verify = root
    .command("verify")
    .summary("check a signed receipt")
    .description(
      "Checks that a receipt of --signed holds and is of these files. Needs no relay, no identity.",
    )
    .argument("<receipt>", "the receipt, a .json file")
    .argument("<file...>", "the file, or all that was sent together")
    .addHelpText("after", examples(VERIFY_EXAMPLES));
  withOutputOptions(verify).action(async (receipt: string, files: readonly string[]) => {
    const commands = await import("./commands/verify.ts");
    await run(verify, async (context) => await commands.verify(context, receipt, files));
  });
}

function unknownTransfersCommand(name: string): Error {
  return usageFailure(
    `unknown command "transfers ${safeText(name.slice(0, 40))}"`,
    "transfers takes list, resume, cancel or clean",
    'see "postern transfers --help"',
  );
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

const TRANSFERS_EXAMPLES: readonly Example[] = [
  ["postern transfers", "what is unfinished, with ids"],
  ["postern transfers resume 3f2a", "go on with one that you send"],
  ["postern transfers clean --older-than 30d", "remove what nobody comes back for"],
];

const VERIFY_EXAMPLES: readonly Example[] = [
  ["postern verify photo.raw.bob.receipt.json photo.raw", "is it what bob received?"],
  ["postern verify photos.bob.receipt.json photos", "a folder"],
  ["postern verify --json receipt.json file", "for programs"],
];
