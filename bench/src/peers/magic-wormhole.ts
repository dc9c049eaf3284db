/**
 * magic-wormhole through a transit relay and a mailbox server of our own. Neither side listens, so
 * the bytes must go through the relay.
 *
 * @module
 */
import { statSync } from "node:fs";
import { join } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, usageSince } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";
import { serversAbsence, startWormholeServers, wormholeCode } from "./wormhole-servers.ts";

export const magicWormhole: FileContender = {
  name: "magic-wormhole",
  what: "magic-wormhole (Python) through its transit relay; relay and mailbox server counted as one",
  absence: () => (hasProgram("wormhole") ? serversAbsence() : "magic-wormhole is not installed"),
  prepare: async () => {},
  run,
};

async function run(task: Task): Promise<FileRun> {
  const ports = { transit: await freePort(), mailbox: await freePort() };
  const servers = await startWormholeServers(ports);
  const program = [
    "wormhole",
    "--relay-url",
    `ws://127.0.0.1:${ports.mailbox}/v1`,
    "--transit-helper",
    `tcp:127.0.0.1:${ports.transit}`,
  ];
  const code = wormholeCode();
  const output = join(task.outputFolder, statSync(task.path).isDirectory() ? "folder" : "file");
  try {
    const before = servers.usage();
    const started = performance.now();
    const options = ["--no-listen", "--hide-progress"];
    const sender = startMeasured([...program, "send", ...options, "--code", code, task.path]);
    const consent = ["--accept-file", "-o", output, code];
    const receiver = startMeasured([...program, "receive", ...options, ...consent]);
    const [sending, receiving] = await Promise.all([sender.ended, receiver.ended]);
    const wallMs = performance.now() - started;
    const relay = usageSince(before, servers.usage());
    return { wallMs, sender: sending, receiver: receiving, relay };
  } finally {
    await servers.stop();
  }
}
