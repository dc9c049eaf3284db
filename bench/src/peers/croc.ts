/**
 * croc through a relay of our own: without its local relay, and with an empty folder for its
 * configuration. Since version 10 the code comes from the environment.
 *
 * @module
 */
import { randomInt } from "node:crypto";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, usageSince } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import { listening, untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";

/** One to meet at, four for the bytes. */
const PORTS = 5;

export function croc(): FileContender {
  let folder = "";
  return {
    name: "croc",
    what: "croc (Go) through its own relay, without compression",
    absence: () => (hasProgram("croc") ? undefined : "it is not installed"),
    async prepare(own) {
      folder = own;
    },
    run: async (task) => await transfer(folder, task),
  };
}

async function transfer(folder: string, task: Task): Promise<FileRun> {
  const ports: number[] = [];
  while (ports.length < PORTS) ports.push(await freePort());
  const [meeting = 0] = ports;
  const code = `${randomInt(1_000, 10_000)}-benchmark-${randomInt(1_000_000)}`;
  const env = { CROC_SECRET: code, CROC_CONFIG_DIR: folder, HOME: folder };
  const relay = startMeasured(
    ["croc", "relay", "--host", "127.0.0.1", "--ports", ports.join(",")],
    { env },
  );
  try {
    await listening(relay, ports);
    const common = ["croc", "--relay", `127.0.0.1:${meeting}`, "--yes", "--ignore-stdin"];
    const before = relay.usage();
    const started = performance.now();
    const sender = startMeasured([...common, "--no-compress", "send", "--no-local", task.path], {
      env,
    });
    const receiver = startMeasured([...common, "--overwrite", "--out", task.outputFolder], { env });
    const [sending, receiving] = await untilAllEnded([sender, receiver], task.withinMs);
    const wallMs = performance.now() - started;
    return {
      wallMs,
      sender: sending,
      receiver: receiving,
      relay: usageSince(before, relay.usage()),
    };
  } finally {
    relay.stop();
  }
}
