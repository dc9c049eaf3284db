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
import { untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";
import type { TextContender } from "./text-contender.ts";
import {
  serversAbsence,
  startWormholeServers,
  wormholeCode,
  type WormholeServers,
} from "./wormhole-servers.ts";

const COMMON = {
  name: "magic-wormhole",
  absence: () => (hasProgram("wormhole") ? serversAbsence() : "it is not installed"),
};
const OPTIONS = ["--no-listen", "--hide-progress"];

export const magicWormhole: FileContender = {
  ...COMMON,
  what: "magic-wormhole (Python) through its transit relay; relay and mailbox server counted as one",
  prepare: async () => {},
  run: transfer,
};

export function magicWormholeText(): TextContender {
  let place: Place | undefined;
  let code = "";
  const program = (): readonly string[] => place?.program ?? [];
  return {
    ...COMMON,
    what: "magic-wormhole (Python), wormhole send --text",
    async prepare() {
      place = await openPlace();
    },
    receive() {
      code = wormholeCode();
      return startMeasured([...program(), "receive", ...OPTIONS, "--only-text", code]);
    },
    send: () => startMeasured([...program(), "send", ...OPTIONS, "--code", code, "--text", "hi"]),
    close: async () => await place?.servers.stop(),
  };
}

interface Place {
  readonly servers: WormholeServers;
  readonly program: readonly string[];
}

async function openPlace(): Promise<Place> {
  const ports = { transit: await freePort(), mailbox: await freePort() };
  const servers = await startWormholeServers(ports);
  const mailbox = `ws://127.0.0.1:${ports.mailbox}/v1`;
  const transit = `tcp:127.0.0.1:${ports.transit}`;
  return { servers, program: ["wormhole", "--relay-url", mailbox, "--transit-helper", transit] };
}

async function transfer(task: Task): Promise<FileRun> {
  const { servers, program } = await openPlace();
  const code = wormholeCode();
  const output = join(task.outputFolder, statSync(task.path).isDirectory() ? "folder" : "file");
  try {
    const before = servers.usage();
    const started = performance.now();
    const sender = startMeasured([...program, "send", ...OPTIONS, "--code", code, task.path]);
    const consent = ["--accept-file", "-o", output, code];
    const receiver = startMeasured([...program, "receive", ...OPTIONS, ...consent]);
    const [sending, receiving] = await untilAllEnded([sender, receiver], task.withinMs);
    const wallMs = performance.now() - started;
    const relay = usageSince(before, servers.usage());
    return { wallMs, sender: sending, receiver: receiving, relay };
  } finally {
    await servers.stop();
  }
}
