/**
 * Postern as people run it: the `postern` command three times, as relay, receiver and sender.
 * Identities and keys are made in the first transfer, which is not measured.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { untilAllEnded } from "../measure/together.ts";
import { startPostern } from "./postern-command.ts";
import { openRelay, type PosternRelay } from "./postern-relay.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";

export interface PosternPlace {
  readonly profile: string;
  /** A relay that runs already. */
  readonly relay?: string | undefined;
  /** How the sender, and the relay with the receiver, are started; where the relay listens. */
  readonly apart?: {
    readonly sender: readonly string[];
    readonly others: readonly string[];
    readonly host: string;
  };
}

/** Two people of one benchmark: at a relay of somebody else's, names must be nobody's yet. */
export interface Pair {
  readonly home: string;
  readonly sender: string;
  readonly receiver: string;
}

export function newPair(folder: string): Pair {
  const token = randomBytes(4).toString("hex");
  const home = join(folder, "home");
  return { home, sender: `bench-s-${token}`, receiver: `bench-r-${token}` };
}

export function postern(place: PosternPlace): FileContender {
  let pair = newPair("");
  return {
    name: `postern ${place.profile}`,
    what: "AES-256-GCM records, keys replaced, receipt, file flushed and renamed",
    async prepare(folder) {
      pair = newPair(folder);
    },
    run: async (task) => await transfer(place, pair, task),
  };
}

async function transfer(place: PosternPlace, pair: Pair, task: Task): Promise<FileRun> {
  const { apart } = place;
  const relay = await openRelay(place.relay, {
    dataDir: join(pair.home, "relay"),
    ...(apart && { host: apart.host, prefix: apart.others }),
  });
  try {
    return await transferOver(relay, place, pair, task);
  } finally {
    await relay.stop();
  }
}

/** The receiver waits before the clock starts. */
export async function transferOver(
  relay: PosternRelay,
  { profile, apart }: PosternPlace,
  pair: Pair,
  { path, outputFolder, withinMs }: Task,
): Promise<FileRun> {
  const common = ["--relay", relay.address, "--home", pair.home, "--profile", profile, "--quiet"];
  const receive = ["receive", "--once", "--accept", "all", "-o", outputFolder];
  const receiver = startPostern([...receive, "--name", pair.receiver, ...common], apart?.others);
  await receiver.event("waiting");
  const usage = relay.watch();
  const started = performance.now();
  const send = ["send", path, "--to", pair.receiver, "--name", pair.sender];
  const sender = startPostern([...send, ...common], apart?.sender);
  const [accepted, done] = [sender.event("accepted"), sender.event("done")];
  const [sending, receiving] = await untilAllEnded([sender, receiver], withinMs);
  const wallMs = performance.now() - started;
  const transferMs = (await done).atMs - (await accepted).atMs;
  return { wallMs, transferMs, sender: sending, receiver: receiving, relay: usage() };
}
