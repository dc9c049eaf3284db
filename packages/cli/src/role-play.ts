/**
 * `postern` alone on a terminal: choose to be sender or receiver, again and again. Ctrl-C while
 * something runs ends that and leads back to the choice; at a question it leads out.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import type { Receiver } from "@postern/client";
import { askAbout, askAboutFolder } from "./ask-about.ts";
import { openPaths, reopened, type Parcel } from "./parcel.ts";
import { connectClient, type Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { tellPreview } from "./folder-preview.ts";
import { acquaintance, acquaintanceLabel } from "./people.ts";
import { PROFILE_DEFAULT } from "./profiles.ts";
import { receiveOffers } from "./receive-offers.ts";
import { playContacts, playPairing } from "./role-play-people.ts";
import { openTarget } from "./receive-target.ts";
import { sendContent } from "./send-content.ts";
import { plural } from "./terminal/format.ts";
import type { Prompter } from "./terminal/prompter.ts";
import { safeText } from "./terminal/safe-text.ts";

export async function rolePlay(context: Context): Promise<ExitCode> {
  const { output, surroundings, relay } = context;
  const prompter = await surroundings.prompter();
  const connected = await connectClient(context, "going on");
  const { client } = connected;
  // From here on each activity watches for its own Ctrl-C.
  context.interrupted.stop();
  let failure: Error | undefined;
  void connected.ended.then((error) => (failure = error));
  try {
    output.say(`connected to ${relay.shown} as ${output.paint("bold", client.name)}`);
    for (;;) {
      const role = await prompter.select({
        message: "What do you want to do?",
        options: [
          { value: "sender", label: "1  send", hint: "to somebody who waits" },
          { value: "receiver", label: "2  receive", hint: "wait for somebody who sends" },
          { value: "pairing", label: "3  pair with somebody new", hint: "by a short code" },
          { value: "contacts", label: "4  contacts" },
          { value: "exit", label: "5  exit" },
        ],
      });
      if (role === undefined || role === "exit") return EXIT.done;
      const play = PLAYS[role];
      await act(context, async (inner) => await play(inner, connected, prompter));
      if (failure !== undefined) throw failure;
    }
  } finally {
    await connected.close();
  }
}

type Role = "sender" | "receiver" | "pairing" | "contacts";
type Play = (context: Context, connected: Connected, prompter: Prompter) => Promise<void>;

const PLAYS: Readonly<Record<Role, Play>> = {
  sender: playSender,
  receiver: playReceiver,
  pairing: playPairing,
  contacts: playContacts,
};

async function act(context: Context, play: (inner: Context) => Promise<void>): Promise<void> {
  const { output, surroundings } = context;
  const interrupted = surroundings.interrupts.watch();
  try {
    await play({ ...context, interrupted });
  } catch (error) {
    if (interrupted.exitCode === undefined) output.fail(error);
    else output.say("stopped; back to the choice");
  } finally {
    interrupted.stop();
  }
}

async function playReceiver(context: Context, connected: Connected): Promise<void> {
  const { output, relay } = context;
  output.say(`${connected.client.name} is waiting at ${relay.shown}; Ctrl-C leads back`);
  await receiveOffers(context, connected, {
    profiles: [PROFILE_DEFAULT],
    isOnce: true,
    isOneDecision: true,
    decide: async (offer, signal, known) =>
      offer.content.kind === "directory"
        ? "accept"
        : await askAbout(context, { offer, out: ".", signal, known }),
    openTarget: async (offer, asker) =>
      await openTarget(context, offer, { out: "." }, async (listed) => {
        tellPreview(context.output, { ...listed, where: safeText(listed.where) });
        return await askAboutFolder(context, { ...asker, ...listed, offer, out: "." });
      }),
  });
}

async function playSender(
  context: Context,
  connected: Connected,
  prompter: Prompter,
): Promise<void> {
  const receiver = await chooseReceiver(context, connected, prompter);
  if (receiver === undefined) return;
  const known = acquaintance(await connected.client.contacts.list(), receiver);
  // Its name at the relay may be another contact's name here.
  const to = known.kind === "contact" ? known.contact.name : receiver.name;
  const kind = await prompter.select({
    message: `What do you want to send to ${safeText(to)}?`,
    options: [
      { value: "message", label: "1  a message" },
      { value: "file", label: "2  a file or folder" },
      { value: "back", label: "3  back" },
    ],
  });
  if (kind === undefined || kind === "back") return;
  const parcel = await chooseParcel(context, prompter, kind);
  if (parcel === undefined) return;
  try {
    await sendContent(context, connected, { to, parcel, profile: PROFILE_DEFAULT });
  } finally {
    await parcel.close().catch(() => {});
  }
}

const AGAIN = "again:";
const BACK = "back:";

/** Values of names begin with `to:`, so that no name can mean one of the other two. */
async function chooseReceiver(
  context: Context,
  connected: Connected,
  prompter: Prompter,
): Promise<Receiver | undefined> {
  const { client } = connected;
  for (;;) {
    const contacts = await client.contacts.list();
    const found: Receiver[] = [];
    for await (const receiver of client.receivers()) found.push(receiver);
    const others = found.filter(({ name }) => name !== client.name);
    if (others.length === 0) context.output.say("nobody is waiting for offers now");
    const choice = await prompter.select({
      message: "To whom?",
      options: [
        ...others.map((receiver, i) => ({
          value: `to:${receiver.name}`,
          label: `${i + 1}  ${safeText(receiver.name)}`,
          hint: hintOf(
            receiver,
            acquaintanceLabel(acquaintance(contacts, receiver), receiver.name),
          ),
        })),
        { value: AGAIN, label: "look again" },
        { value: BACK, label: "back" },
      ],
    });
    if (choice === undefined || choice === BACK) return undefined;
    const receiver = others.find(({ name }) => choice === `to:${name}`);
    if (receiver === undefined) continue;
    if (receiver.profiles.includes(PROFILE_DEFAULT)) return receiver;
    // Nobody is led to a weaker profile by what a relay says.
    context.output.warn(`${safeText(receiver.name)} does not wait end-to-end, so nothing is sent;`);
    context.output.warn('  "postern send --profile" is for people who agreed on less');
  }
}

function hintOf({ free, profiles }: Receiver, trust: string): string {
  return `${trust}, ${plural(free, "transfer")} free, ${profiles.map(safeText).join(", ")}`;
}

async function chooseParcel(
  context: Context,
  prompter: Prompter,
  kind: "message" | "file",
): Promise<Parcel | undefined> {
  const check = (text: string): string | undefined =>
    text.trim() === "" ? "type something, or press Escape to go back" : undefined;
  if (kind === "message") {
    const text = await prompter.text({ message: "Your message", check });
    const { backend } = context.surroundings;
    if (text === undefined) return undefined;
    return await reopened(async () => await backend.messageSource(text));
  }
  const path = await prompter.text({ message: "Path of the file or folder", check });
  return path === undefined ? undefined : openPaths(context, [typedPath(path)]);
}

/** As people type and drop paths: with blanks around, in quotes, or from their home on. */
export function typedPath(text: string): string {
  const path = text.trim().replace(/^(["'])(.*)\1$/, "$2");
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
