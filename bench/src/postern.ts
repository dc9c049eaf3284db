/**
 * Postern as people run it: the `postern` command three times, as relay, receiver and sender.
 * Identities and keys are made in an unmeasured first transfer.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import type { Contender, Run, Task } from "./contender.ts";
import { startMeasured, type MeasuredProcess } from "./measured-process.ts";
import { freePort } from "./ports.ts";

const COMMAND = join(import.meta.dirname, "../../packages/cli/bin/postern.js");
const PROGRAM = join(import.meta.dirname, "../../packages/cli/src/main.ts");

export function postern(profile: string): Contender {
  let home = "";
  return {
    name: `postern ${profile}`,
    what: "AES-256-GCM records, keys replaced, receipt, file flushed and renamed",
    absence: () => (existsSync(PROGRAM) ? undefined : "packages/cli is not there"),
    async prepare(folder) {
      home = join(folder, "home");
      const [file, outputFolder] = [join(folder, "first"), join(folder, "first-output")];
      await mkdir(outputFolder);
      await writeFile(file, "first");
      await run(profile, home, { file, outputFolder });
    },
    run: async (task) => await run(profile, home, task),
  };
}

async function run(profile: string, home: string, { file, outputFolder }: Task): Promise<Run> {
  const address = `127.0.0.1:${await freePort()}`;
  const common = ["--relay", address, "--home", home, "--profile", profile, "--json", "--quiet"];
  const receive = ["receive", "--once", "--accept", "all", "-o", outputFolder];
  const relay = start(["relay", "--listen", address, "--data", join(home, "relay"), "--json"]);
  try {
    await timeOf(relay, "relay");
    const receiver = start([...receive, "--name", "bench-receiver", ...common]);
    await timeOf(receiver, "waiting");
    const started = performance.now();
    const send = ["send", file, "--to", "bench-receiver", "--name", "bench-sender"];
    const sender = start([...send, ...common]);
    const [accepted, done] = [timeOf(sender, "accepted"), timeOf(sender, "done")];
    const [sending, receiving] = await Promise.all([sender.ended, receiver.ended]);
    const wallMs = performance.now() - started;
    const transferMs = (await done) - (await accepted);
    relay.stop();
    return { wallMs, transferMs, sender: sending, receiver: receiving, relay: await relay.ended };
  } finally {
    relay.stop();
  }
}

function start(args: readonly string[]): MeasuredProcess & { readonly events: EventTimes } {
  const child = startMeasured(process.execPath, [COMMAND, ...args]);
  return { ...child, events: watchEvents(child.stdout) };
}

/** When each type of event came first, by this process's clock. */
type EventTimes = (type: string) => Promise<number | undefined>;

function watchEvents(stdout: Readable): EventTimes {
  const times = new Map<string, number>();
  const waiting = new Map<string, (time: number | undefined) => void>();
  let ended = false;
  const lines = createInterface({ input: stdout });
  lines.on("line", (line) => {
    const { type } = JSON.parse(line) as { readonly type: string };
    if (times.has(type)) return;
    times.set(type, performance.now());
    waiting.get(type)?.(times.get(type));
  });
  lines.on("close", () => {
    ended = true;
    for (const resolve of waiting.values()) resolve(undefined);
  });
  return async (type) =>
    await new Promise((resolve) => {
      if (times.has(type) || ended) resolve(times.get(type));
      else waiting.set(type, resolve);
    });
}

/** @throws what the program said when it ended before such an event. */
async function timeOf(
  child: MeasuredProcess & { readonly events: EventTimes },
  type: string,
): Promise<number> {
  const time = await child.events(type);
  if (time !== undefined) return time;
  await child.ended;
  throw new Error(`the program ended without the event "${type}"`);
}
