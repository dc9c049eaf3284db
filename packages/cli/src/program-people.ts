/** The commands of `postern` about people, identities and state. @module */
import { Argument, type Command } from "commander";
import type { ConfirmFlags } from "./commands/contacts.ts";
import type { PairFlags } from "./commands/pair.ts";
import type { PassphraseAction } from "./commands/passphrase.ts";
import { usageFailure } from "./failures.ts";
import {
  examples,
  withClientOptions,
  withIdentityOptions,
  type Example,
  type Run,
} from "./program-options.ts";
import { safeText } from "./terminal/safe-text.ts";

export function addPeopleCommands(root: Command, run: Run): void {
  root.commandsGroup("People and state:");
  addPair(root, run);
  addContacts(root, run);
  const receivers = root
    .command("receivers")
    .description("Lists who is waiting for offers at the relay, and whom of them you know.")
    .addHelpText("after", examples(RECEIVERS_EXAMPLES));
  withClientOptions(receivers).action(async () => {
    const commands = await import("./commands/receivers.ts");
    await run(receivers, commands.receivers);
  });
  addIdentity(root, run);
  const status = root
    .command("status")
    .summary("check identity and relay, show keys and their age")
    .description(
      "Shows identity, profile, keys and relays; exit code 0 only if identity and relay can be used.",
    )
    .addHelpText("after", examples(STATUS_EXAMPLES));
  withClientOptions(status).action(async () => {
    const commands = await import("./commands/status.ts");
    await run(status, commands.status);
  });
}

function addPair(root: Command, run: Run): void {
  const pair = root
    .command("pair")
    .summary("meet somebody by a short code")
    .description(
      "Makes two people verified contacts of each other. Without a code it shows a new one and waits.",
    )
    .argument("[code]", "the code that the other person tells you; also from POSTERN_CODE")
    .option("--code", "ask for the code; Tab completes its words")
    .option("--as <name>", "what to call the contact (default: the name it gives)")
    .option("--words <n>", "words of a new code, 2 to 6 (default: 2)")
    .addHelpText("after", examples(PAIR_EXAMPLES));
  withClientOptions(pair).action(async (code: string | undefined, flags: PairFlags) => {
    const commands = await import("./commands/pair.ts");
    await run(pair, async (context) => await commands.pair(context, code, flags));
  });
}

function addContacts(root: Command, run: Run): void {
  const contacts = root
    .command("contacts")
    .summary("list, show, verify, rename, block, remove people")
    .description("Shows and changes the people this device knows. Works without a relay.")
    .usage("[options] [command]")
    .helpCommand(false)
    .allowExcessArguments()
    .addHelpText("after", examples(CONTACTS_EXAMPLES));
  const load = async () => await import("./commands/contacts.ts");
  withIdentityOptions(contacts).action(async () => {
    await run(contacts, async (context) => {
      const [unknown] = contacts.args;
      if (unknown !== undefined) throw unknownContactsCommand(unknown);
      return await (await load()).listContacts(context);
    });
  });
  // Else they would be as lenient as the command above them.
  const leaf = (signature: string, description: string): Command =>
    withIdentityOptions(
      contacts.command(signature).description(description).allowExcessArguments(false),
    );

  const list = leaf("list", "Lists them, with how sure it is who they are.");
  list.action(async () => {
    await run(list, async (context) => await (await load()).listContacts(context));
  });
  const show = leaf("show <who>", "Shows one: fingerprint, trust, keys, safety number, QR code.");
  show.action(async (who: string) => {
    await run(show, async (context) => await (await load()).showOne(context, who));
  });
  const verify = leaf("verify <who>", "Marks one as verified, after you have compared its number.");
  verify.option("-y, --yes", "do not ask");
  verify.action(async (who: string, flags: ConfirmFlags) => {
    await run(verify, async (context) => await (await load()).verify(context, who, flags));
  });
  const rename = leaf("rename <who> <name>", "Gives one another name on this device.");
  rename.action(async (who: string, name: string) => {
    await run(rename, async (context) => await (await load()).rename(context, who, name));
  });
  for (const isBlocked of [true, false]) {
    const block = isBlocked
      ? leaf("block <who>", "Refuses all offers of one, unseen.")
      : leaf("unblock <who>", "Lets one send again.");
    block.action(async (who: string) => {
      await run(block, async (context) => await (await load()).block(context, who, isBlocked));
    });
  }
  const remove = leaf("remove <who>", "Forgets one: its key, its pairing, all shared keys.");
  remove.option("-y, --yes", "do not ask");
  remove.action(async (who: string, flags: ConfirmFlags) => {
    await run(remove, async (context) => await (await load()).remove(context, who, flags));
  });
}

function addIdentity(root: Command, run: Run): void {
  const identity = root
    .command("identity")
    .summary("name and fingerprint; passphrase set, change, remove")
    .description("Shows this client's name and fingerprint; makes them at the first use.")
    .helpCommand(false)
    .addHelpText("after", examples(IDENTITY_EXAMPLES));
  withIdentityOptions(identity).action(async () => {
    const commands = await import("./commands/identity.ts");
    await run(identity, commands.identity);
  });
  const passphrase = identity
    .command("passphrase")
    .description("Sets, changes or removes the passphrase that protects the keys of the identity.")
    .addArgument(new Argument("<action>").choices(PASSPHRASE_ACTIONS))
    .addHelpText("after", examples(PASSPHRASE_EXAMPLES));
  withIdentityOptions(passphrase).action(async (action: PassphraseAction) => {
    const commands = await import("./commands/passphrase.ts");
    await run(passphrase, async (context) => await commands.passphrase(context, action));
  });
}

const PASSPHRASE_ACTIONS: readonly PassphraseAction[] = ["set", "change", "remove"];

function unknownContactsCommand(name: string): Error {
  return usageFailure(
    `unknown command "contacts ${safeText(name.slice(0, 40))}"`,
    "contacts takes list, show, verify, rename, block, unblock or remove",
    'see "postern contacts --help"',
  );
}

const PAIR_EXAMPLES: readonly Example[] = [
  ["postern pair", "show a code, wait for the other person"],
  ["postern pair 37-crystal-velvet --as bob", "join with the code you were told"],
  ["postern pair --code", "be asked for it: nothing stays in the shell's history"],
];

const CONTACTS_EXAMPLES: readonly Example[] = [
  ["postern contacts", "list them"],
  ["postern contacts verify bob", "compare the safety number with bob"],
  ["postern contacts show bob --json", "for programs"],
];

const RECEIVERS_EXAMPLES: readonly Example[] = [
  ["postern receivers", "at the usual relay"],
  ["postern receivers --relay relay.example:9999", "at another one"],
  ["postern receivers --json", "for programs"],
];

const IDENTITY_EXAMPLES: readonly Example[] = [
  ["postern identity", "the default identity"],
  ["postern identity --name bob", "another one"],
  ["postern identity passphrase set", "protect its keys"],
];

const PASSPHRASE_EXAMPLES: readonly Example[] = [
  ["postern identity passphrase set", "be asked for one, twice"],
  ["postern identity passphrase change --name bob", "of another identity"],
  ["postern identity passphrase remove", "keys lie open in the folder again"],
];

const STATUS_EXAMPLES: readonly Example[] = [
  ["postern status", "the default identity and relay"],
  ["postern status --relay relay.example:9999", "another relay"],
  ["postern status --quiet --timeout 5s && echo ready", "in a script"],
];
