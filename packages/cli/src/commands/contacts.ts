/** `postern contacts ...`: the people this device knows. No relay is needed. @module */
import { PosternError } from "@postern/core/errors";
import type { Contact, Contacts } from "@postern/client";
import { contactEvent, contactLine, showContact, showSafetyNumber } from "../contact-view.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { usageFailure } from "../failures.ts";
import { readingHome, withHome } from "../open-home.ts";
import { parseName } from "../option-values.ts";
import { trustLabel } from "../people.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface ConfirmFlags {
  readonly yes?: boolean;
}

export async function listContacts(context: Context): Promise<ExitCode> {
  const { output } = context;
  const { name, known } = await readingHome(context, async (home) => {
    return { name: home.name, known: await home.contacts.list() };
  });
  for (const contact of known) {
    output.event(contactEvent(contact));
    output.result(contactLine(contact));
  }
  output.event({ type: "contacts", count: known.length });
  // Whose: under another --name there may be some.
  if (known.length === 0) output.say(`${name} has no contacts yet; "postern pair" makes the first`);
  return EXIT.done;
}

/** Does one thing with one contact. @param who a name, or a fingerprint in any grouping */
export async function withContact(
  context: Context,
  who: string,
  use: (contacts: Contacts, contact: Contact) => Promise<ExitCode>,
  open: typeof withHome = withHome,
): Promise<ExitCode> {
  context.output.about({ peer: safeText(who) });
  return await open(context, async ({ contacts }) => {
    const contact = await contacts.find(who);
    if (contact === undefined) throw new PosternError("contact/unknown", "no such contact");
    return await use(contacts, contact);
  });
}

export async function showOne(context: Context, who: string): Promise<ExitCode> {
  const show = async (_contacts: Contacts, contact: Contact): Promise<ExitCode> => {
    context.output.event(contactEvent(contact));
    await showContact(context, contact);
    return EXIT.done;
  };
  return await withContact(context, who, show, readingHome);
}

export async function verify(
  context: Context,
  who: string,
  flags: ConfirmFlags,
): Promise<ExitCode> {
  return await withContact(
    context,
    who,
    async (contacts, contact) => await verifyContact(context, contacts, contact, flags),
  );
}

/** Shows the number and asks whether the other person sees the same. */
export async function verifyContact(
  context: Context,
  contacts: Contacts,
  contact: Contact,
  flags: ConfirmFlags,
): Promise<ExitCode> {
  const { output } = context;
  const name = safeText(contact.name);
  await showSafetyNumber(context, contact);
  output.say(`${name} sees the same number with "postern contacts show" at the other side`);
  const isSame = await confirmed(context, flags, {
    message: `Have you compared it with ${name}, and is every digit the same?`,
    need: "verify needs --yes here",
  });
  if (!isSame) {
    output.warn(`${name} stays: ${trustLabel(contact.trust)}`);
    output.warn("  if a digit differs, somebody is between you: send nothing that matters,");
    output.warn(`  "postern contacts remove ${name}" on both sides and meet again: "postern pair"`);
    return EXIT.failed;
  }
  const verified = await contacts.verify(contact.name);
  return report(context, verified, output.paint("green", `${name} is verified`));
}

export async function rename(context: Context, who: string, to: string): Promise<ExitCode> {
  parseName("The new name", to);
  return await withContact(context, who, async (contacts, contact) => {
    context.output.about({ peer: to });
    const renamed = await contacts.rename(contact.name, to);
    return report(context, renamed, `${safeText(contact.name)} is now called ${to}`);
  });
}

export async function block(context: Context, who: string, isBlocked: boolean): Promise<ExitCode> {
  return await withContact(context, who, async (contacts, contact) => {
    const changed = await contacts.block(contact.name, isBlocked);
    const now = isBlocked ? "is blocked: its offers are refused unseen" : "is not blocked any more";
    return report(context, changed, `${safeText(contact.name)} ${now}`);
  });
}

export async function remove(
  context: Context,
  who: string,
  flags: ConfirmFlags,
): Promise<ExitCode> {
  return await withContact(
    context,
    who,
    async (contacts, contact) => await removeContact(context, contacts, contact, flags),
  );
}

export async function removeContact(
  context: Context,
  contacts: Contacts,
  contact: Contact,
  flags: ConfirmFlags,
): Promise<ExitCode> {
  const { output } = context;
  const { fingerprint } = contact;
  const name = safeText(contact.name);
  const isSure = await confirmed(context, flags, {
    message: `Forget ${name}, its key and everything you share?`,
    need: "remove needs --yes here",
  });
  if (!isSure) {
    output.warn(`${name} is still a contact`);
    return EXIT.failed;
  }
  await contacts.remove(contact.name);
  output.event({ type: "contact-removed", name: contact.name, fingerprint });
  output.say(`${name} is forgotten; the next contact is a first one again`);
  return EXIT.done;
}

async function confirmed(
  { canAsk, surroundings, interrupted }: Context,
  flags: ConfirmFlags,
  question: { readonly message: string; readonly need: string },
): Promise<boolean> {
  if (flags.yes === true) return true;
  if (!canAsk)
    throw usageFailure(
      question.need,
      "there is no terminal to ask at",
      "add --yes if you are sure",
    );
  const prompter = await surroundings.prompter();
  const { message } = question;
  // What it brings is not to be had by pressing Enter.
  const asked = { message, initial: false, signal: interrupted.signal };
  return (await prompter.confirm(asked)) === true;
}

function report({ output }: Context, contact: Contact, sentence: string): ExitCode {
  output.event(contactEvent(contact));
  output.say(sentence);
  return EXIT.done;
}
