/** `postern pair [CODE]`: two people meet by a code and become verified contacts. @module */
import { PosternError } from "@postern/core/errors";
import type { Contact, Paired } from "@postern/client";
import { readCode, type CodeFlags } from "../code-input.ts";
import { connectClient, type Connected } from "../connect-client.ts";
import { contactEvent, showContact } from "../contact-view.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { meet, parseWords } from "../meet.ts";
import { parseName } from "../option-values.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface PairFlags extends CodeFlags {
  readonly as?: string;
  readonly words?: string;
}

export async function pair(
  context: Context,
  argument: string | undefined,
  flags: PairFlags,
): Promise<ExitCode> {
  const as = flags.as === undefined ? undefined : parseName("--as", flags.as);
  const code = await readCode(context, argument, flags);
  const words = parseWords(flags.words, code);
  const connected = await connectClient(context, "waiting for the other person");
  try {
    await pairWith(context, connected, { code, words, as });
    return EXIT.done;
  } finally {
    await connected.close();
  }
}

export interface PairPlan {
  readonly code: string | undefined;
  readonly words?: number | undefined;
  /** What to call the contact; its own name when absent. */
  readonly as?: string | undefined;
}

/** Ends with a verified contact, and shows it. */
export async function pairWith(
  context: Context,
  connected: Connected,
  plan: PairPlan,
): Promise<Contact> {
  const { output } = context;
  const paired = await meet(context, connected, { ...plan, command: "pair" });
  const contact = await keep(context, paired, plan.as);
  output.event({ ...contactEvent(contact), type: "paired" });
  output.say(output.paint("green", `paired with ${safeText(contact.name)}: verified by the code`));
  await showContact(context, contact);
  if (contact.blocked) warnBlocked(context, contact);
  return contact;
}

/** Pairing says who somebody is, not that a person wants to hear from them again. */
function warnBlocked({ output }: Context, contact: Contact): void {
  const name = safeText(contact.name);
  output.warn(`${name} is still blocked: you blocked this contact before you met again`);
  output.warn(`  "postern contacts unblock ${name}" lets its offers in and yours out`);
}

/** A name that is taken must not cost the pairing: the code is used up. */
async function keep(context: Context, paired: Paired, as: string | undefined): Promise<Contact> {
  try {
    return await paired.keep(as);
  } catch (error) {
    const isTaken = error instanceof PosternError && error.code === "contact/name-taken";
    if (!isTaken || as === undefined) throw error;
    const contact = await paired.keep();
    const name = safeText(contact.name);
    context.output.warn(`another contact is called ${as} already; this one is kept as ${name}`);
    context.output.warn(`  "postern contacts rename ${name} NAME" gives it another name`);
    return contact;
  }
}
