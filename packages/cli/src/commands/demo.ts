/**
 * `postern demo` (`npm start`): a relay, a receiver and a sender in one terminal, with real keys
 * and a real file. Then the relay stays, for other terminals.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { encodeBase32 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { ContentSource } from "@postern/client";
import { connectClient, type Connected } from "../connect-client.ts";
import { RELAY_DEFAULT, type Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure } from "../failures.ts";
import { parseListen, parseRelay, shownAddress } from "../option-values.ts";
import { PROFILE_DEFAULT } from "../profiles.ts";
import type { Target } from "../handle-offer.ts";
import { reopened } from "../parcel.ts";
import { receiveOffers } from "../receive-offers.ts";
import { openTarget } from "../receive-target.ts";
import { sendContent } from "../send-content.ts";
import { labelledOutput } from "../terminal/labelled-output.ts";
import { openRelay, relayDirectory, untilInterrupted } from "./relay.ts";

const FILE_BYTES = 24 * 1_048_576;
/** The file takes about seven seconds: one session key of five, and part of a second one. */
const RATE = 3.5 * 1_048_576;

export async function demo(
  context: Context,
  flags: { readonly listen?: string },
): Promise<ExitCode> {
  const { output } = context;
  const listen = parseListen(flags.listen ?? RELAY_DEFAULT);
  const relay = await openRelay(context, {
    ...listen,
    dataDir: await relayDirectory(context),
    isLogging: false,
  });
  const shown = shownAddress(relay.host, relay.port);
  const scratch = await mkdtemp(join(tmpdir(), "postern-demo-"));
  try {
    output.say(`relay    | running at ${shown}`);
    await perform({ ...context, relay: parseRelay(relay.address) }, scratch);
  } catch (error) {
    await relay.close();
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const option = shown === RELAY_DEFAULT ? "" : ` --relay ${shown}`;
  output.say("");
  output.say(output.paint("bold", "The relay keeps running. Now in two other terminals:"));
  output.say(`  npx postern receive --name bob${option}`);
  output.say(`  npx postern send --text hello --to bob${option}`);
  output.say("or to somebody without a name:");
  output.say(`  npx postern send --text hello${option}`);
  output.say("Ctrl-C ends the relay.");
  return await untilInterrupted(context, relay);
}

async function perform(context: Context, scratch: string): Promise<void> {
  // The relay remembers names: this demo's must not stand in the way of the next one's.
  const run = encodeBase32(randomBytes(5)).slice(0, 4);
  const party = (role: "sender" | "receiver"): Context => ({
    ...context,
    name: `demo-${role}-${run}`,
    home: async () => scratch,
    output: labelledOutput(context.output, role.padEnd(8), role === "sender"),
  });
  const receiver = await joinReceiver(party("receiver"), scratch);
  try {
    const sending = party("sender");
    const sender = await connectClient(sending, "going on");
    try {
      await play(sending, sender, receiver, scratch);
    } finally {
      await sender.close();
    }
  } finally {
    await receiver.close();
  }
}

async function play(
  context: Context,
  sender: Connected,
  receiver: DemoReceiver,
  scratch: string,
): Promise<void> {
  const { output, surroundings } = context;
  const { backend } = surroundings;
  const send = async (open: () => Promise<ContentSource>, rateLimit?: number): Promise<string> => {
    const arrived = receiver.next();
    await untilFree(context, sender, receiver.name);
    const parcel = await reopened(open);
    const plan = { to: receiver.name, parcel, profile: PROFILE_DEFAULT, showKeys: true };
    await sendContent(context, sender, { ...plan, rateLimit });
    return await arrived;
  };
  output.say("1. a message; its master key goes to a key package of the receiver, past the relay");
  await send(async () => backend.messageSource("Hello from the other side of the relay."));

  const file = join(scratch, "random.bin");
  await writeFile(file, randomBytes(FILE_BYTES));
  output.say("2. a file of random bytes, slowly, so that the session key changes on the way");
  const path = await send(async () => backend.fileSource(file), RATE);
  await compare(context, file, path);

  output.say("3. a second message in the open channel, under a fresh master key");
  await send(async () => backend.messageSource("The same pair again, with a new key."));
}

async function compare(context: Context, sent: string, received: string): Promise<void> {
  const { output } = context;
  const [before, after] = await Promise.all([sha256Of(sent), sha256Of(received)]);
  output.say(`sha256 sent      ${before}`);
  output.say(`sha256 received  ${after}`);
  output.event({ type: "compared", sent: before, received: after });
  if (before === after) return output.say(output.paint("green", "the two files are the same"));
  throw new CommandFailure(EXIT.integrity, "transfer/digest-mismatch", {
    what: "the received file is not the one that was sent",
    why: "the two digests differ",
    next: "report this; it must never happen",
  });
}

interface DemoReceiver {
  readonly name: string;
  /** The path of the next thing that arrives; empty for a message. */
  next(): Promise<string>;
  close(): Promise<void>;
}

async function joinReceiver(context: Context, scratch: string): Promise<DemoReceiver> {
  const connected = await connectClient(context, "waiting for offers");
  const directory = join(scratch, "received");
  await mkdir(directory);
  let awaited = awaitArrival();
  const watchedTarget = async (target: Target): Promise<Target> => ({
    ...target,
    async report(summary) {
      const place = await target.report(summary);
      awaited.resolve(place.path ?? "");
      return place;
    },
  });
  const receiving = receiveOffers(context, connected, {
    profiles: [PROFILE_DEFAULT],
    isOnce: false,
    decide: async () => "accept",
    openTarget: async (offer) =>
      await watchedTarget(await openTarget(context, offer, { out: directory }, async () => true)),
  });
  receiving.then(
    () => awaited.reject(new PosternError("transfer/cancelled", "the demo was stopped")),
    (error: unknown) => awaited.reject(error),
  );
  context.output.say(`${connected.client.name} joins and waits for offers`);
  return {
    name: connected.client.name,
    async next() {
      awaited = awaitArrival();
      return await awaited.promise;
    },
    close: async () => await connected.close(),
  };
}

/** Asked for later than it may fail. */
function awaitArrival(): PromiseWithResolvers<string> {
  const arrival = Promise.withResolvers<string>();
  arrival.promise.catch(() => {});
  return arrival;
}

const FREE_TRIES = 100;
const FREE_EVERY_MS = 50;

/** A receiver shows up in the relay's list a moment after it began to wait. */
async function untilFree(context: Context, sender: Connected, name: string): Promise<void> {
  const { signal } = context.interrupted;
  for (let tries = 0; tries < FREE_TRIES; tries++) {
    signal.throwIfAborted();
    for await (const receiver of sender.client.receivers()) if (receiver.name === name) return;
    await delay(FREE_EVERY_MS, undefined, { signal });
  }
  throw new PosternError("peer/absent", "the receiver is not in the relay's list");
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
