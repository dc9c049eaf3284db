/**
 * `postern` alone on a terminal: choose to be sender or receiver, again and again. Ctrl-C while
 * something runs ends that and leads back to the choice; at a question it leads out.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import type { ContentSource, ProfileName, Receiver } from "@postern/client";
import { askAbout } from "./commands/receive.ts";
import { openFile } from "./commands/send.ts";
import { connectClient, type Connected } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { PROFILE_DEFAULT, PROFILES, RELAY_CAN } from "./profiles.ts";
import { receiveOffers } from "./receive-offers.ts";
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
          { value: "exit", label: "3  exit" },
        ],
      });
      if (role === undefined || role === "exit") return EXIT.done;
      const play = role === "sender" ? playSender : playReceiver;
      await act(context, async (inner) => await play(inner, connected, prompter));
      if (failure !== undefined) throw failure;
    }
  } finally {
    await connected.close();
  }
}

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
    profiles: PROFILES,
    isOnce: true,
    isOneDecision: true,
    decide: async (offer, signal) => await askAbout(context, offer, ".", signal),
    openTarget: async (offer) => await openTarget(context, offer, "."),
  });
}

async function playSender(
  context: Context,
  connected: Connected,
  prompter: Prompter,
): Promise<void> {
  const receiver = await chooseReceiver(context, connected, prompter);
  if (receiver === undefined) return;
  const to = receiver.name;
  const profile = await chooseProfile(receiver, prompter);
  if (profile === undefined) return;
  const kind = await prompter.select({
    message: `What do you want to send to ${safeText(to)}?`,
    options: [
      { value: "message", label: "1  a message" },
      { value: "file", label: "2  a file" },
      { value: "back", label: "3  back" },
    ],
  });
  if (kind === undefined || kind === "back") return;
  const content = await chooseContent(context, prompter, kind);
  if (content === undefined) return;
  await sendContent(context, connected, { to, content, profile });
}

const AGAIN = "again:";
const BACK = "back:";

/** Values of names begin with `to:`, so that no name can mean one of the other two. */
async function chooseReceiver(
  context: Context,
  connected: Connected,
  prompter: Prompter,
): Promise<Receiver | undefined> {
  for (;;) {
    const found: Receiver[] = [];
    for await (const receiver of connected.client.receivers()) found.push(receiver);
    const others = found.filter(({ name }) => name !== connected.client.name);
    if (others.length === 0) context.output.say("nobody is waiting for offers now");
    const choice = await prompter.select({
      message: "To whom?",
      options: [
        ...others.map(({ name, free, profiles }, i) => ({
          value: `to:${name}`,
          label: `${i + 1}  ${safeText(name)}`,
          hint: `${plural(free, "transfer")} free, ${profiles.map(safeText).join(", ")}`,
        })),
        { value: AGAIN, label: "look again" },
        { value: BACK, label: "back" },
      ],
    });
    if (choice === undefined || choice === BACK) return undefined;
    if (choice !== AGAIN) return others.find(({ name }) => choice === `to:${name}`);
  }
}

/** Only a receiver that takes several leaves a choice. */
async function chooseProfile(
  receiver: Receiver,
  prompter: Prompter,
): Promise<ProfileName | undefined> {
  const shared = PROFILES.filter((profile) => receiver.profiles.includes(profile));
  if (shared.length < 2) return shared[0] ?? PROFILE_DEFAULT;
  const options = shared.map((profile, i) => ({
    value: profile,
    label: `${i + 1}  ${profile}`,
    hint: RELAY_CAN[profile],
  }));
  const chosen = await prompter.select({ message: "In which profile?", options });
  return shared.find((profile) => profile === chosen);
}

async function chooseContent(
  context: Context,
  prompter: Prompter,
  kind: "message" | "file",
): Promise<ContentSource | undefined> {
  const check = (text: string): string | undefined =>
    text.trim() === "" ? "type something, or press Escape to go back" : undefined;
  if (kind === "message") {
    const text = await prompter.text({ message: "Your message", check });
    return text === undefined ? undefined : context.surroundings.backend.messageSource(text);
  }
  const path = await prompter.text({ message: "Path of the file", check });
  return path === undefined ? undefined : openFile(context, typedPath(path));
}

/** As people type and drop paths: with blanks around, in quotes, or from their home on. */
export function typedPath(text: string): string {
  const path = text.trim().replace(/^(["'])(.*)\1$/, "$2");
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
