/** The part of the role play about people: meeting somebody by a code, and the contacts. @module */
import type { Contact, Contacts } from "@postern/client";
import { askCode } from "./code-input.ts";
import { removeContact, verifyContact } from "./commands/contacts.ts";
import { pairWith } from "./commands/pair.ts";
import type { Connected } from "./connect-client.ts";
import { contactState, showContact } from "./contact-view.ts";
import type { Context } from "./context.ts";
import { parseName } from "./option-values.ts";
import type { Prompter } from "./terminal/prompter.ts";
import { safeText } from "./terminal/safe-text.ts";

export async function playPairing(
  context: Context,
  connected: Connected,
  prompter: Prompter,
): Promise<void> {
  const how = await prompter.select({
    message: "Who has the code?",
    options: [
      { value: "open", label: "1  I show a new code", hint: "and tell it to the other person" },
      { value: "join", label: "2  I was told a code" },
      { value: "back", label: "3  back" },
    ],
  });
  if (how === undefined || how === "back") return;
  const code = how === "join" ? await askCode(context) : undefined;
  if (how === "join" && code === undefined) return;
  await pairWith(context, connected, { code });
}

export async function playContacts(
  context: Context,
  { client }: Connected,
  prompter: Prompter,
): Promise<void> {
  for (;;) {
    const contact = await chooseContact(context, client.contacts, prompter);
    if (contact === undefined) return;
    await playContact(context, client.contacts, contact, prompter);
  }
}

/** Fingerprints, so that no name can mean the way back. */
async function chooseContact(
  context: Context,
  contacts: Contacts,
  prompter: Prompter,
): Promise<Contact | undefined> {
  const known = await contacts.list();
  if (known.length === 0) {
    context.output.say("no contacts yet: pair with somebody");
    return undefined;
  }
  const choice = await prompter.select({
    message: "Which contact?",
    options: [
      ...known.map((contact, i) => ({
        value: contact.fingerprint,
        label: `${i + 1}  ${safeText(contact.name)}`,
        hint: contactState(contact),
      })),
      { value: "back", label: "back" },
    ],
  });
  return known.find(({ fingerprint }) => fingerprint === choice);
}

async function playContact(
  context: Context,
  contacts: Contacts,
  contact: Contact,
  prompter: Prompter,
): Promise<void> {
  const { name, blocked } = contact;
  const choice = await prompter.select({
    message: `What about ${safeText(name)}?`,
    options: [
      { value: "show", label: "1  show", hint: "fingerprint, keys, safety number" },
      { value: "verify", label: "2  verify", hint: "compare the safety number" },
      { value: "rename", label: "3  rename" },
      { value: "block", label: blocked ? "4  unblock" : "4  block" },
      { value: "remove", label: "5  remove" },
      { value: "back", label: "6  back" },
    ],
  });
  switch (choice) {
    case "show":
      return await showContact(context, contact);
    case "verify":
      return void (await verifyContact(context, contacts, contact, {}));
    case "rename":
      return await rename(context, contacts, contact, prompter);
    case "block":
      await contacts.block(name, !blocked);
      return context.output.say(`${safeText(name)} is ${blocked ? "not blocked now" : "blocked"}`);
    case "remove":
      return void (await removeContact(context, contacts, contact, {}));
    case "back":
    case undefined:
      return undefined;
  }
}

async function rename(
  context: Context,
  contacts: Contacts,
  { name }: Contact,
  prompter: Prompter,
): Promise<void> {
  const to = await prompter.text({ message: `New name of ${safeText(name)}`, check: complaint });
  if (to === undefined) return;
  context.output.about({ peer: to });
  await contacts.rename(name, to);
  context.output.say(`${safeText(name)} is now called ${to}`);
}

function complaint(text: string): string | undefined {
  try {
    parseName("name", text);
    return undefined;
  } catch {
    return "a name has 1 to 32 of a-z 0-9 . _ -";
  }
}
