/**
 * Plain TCP through a relay written in C, or without one: no encryption, no protocol. The floor of
 * what copying a file over sockets costs on this machine.
 *
 * @module
 */
import { join } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import { listening, stopAll, untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";

const COPY = ["-b", "1048576", "-u"];

const COMMON = {
  absence: () => (hasProgram("socat") ? undefined : "socat is not installed"),
  prepare: async () => {},
};

export const socatRelay: FileContender = {
  ...COMMON,
  name: "socat relay",
  what: "plain TCP through a relay, 1 MiB blocks, no encryption",
  run: async (task) => await copy(task, await relayTo(await listen(task))),
};

export const socatDirect: FileContender = {
  ...COMMON,
  name: "socat direct",
  what: "plain TCP without a relay, 1 MiB blocks, no encryption",
  run: async (task) => await copy(task, await listen(task)),
};

interface Way {
  /** Where the sender connects to. */
  readonly port: number;
  readonly receiver: MeasuredProcess;
  readonly relay?: MeasuredProcess;
}

async function listen({ outputFolder }: Task): Promise<Way> {
  const port = await freePort();
  const output = join(outputFolder, "output");
  const receiver = startMeasured(["socat", ...COPY, listenAt(port), `OPEN:${output},creat,trunc`]);
  await listening(receiver, [port]);
  return { port, receiver };
}

async function relayTo({ port: to, receiver }: Way): Promise<Way> {
  const port = await freePort();
  const relay = startMeasured(["socat", ...COPY, listenAt(port), `TCP:127.0.0.1:${to}`]);
  await listening(relay, [port]).catch(async (error: unknown) => {
    await stopAll([receiver]);
    throw error;
  });
  return { port, receiver, relay };
}

async function copy({ path, withinMs }: Task, { port, receiver, relay }: Way): Promise<FileRun> {
  const started = performance.now();
  const sender = startMeasured(["socat", ...COPY, `OPEN:${path}`, `TCP:127.0.0.1:${port}`]);
  // The relay ends with them, in the same moment.
  const [sending, receiving, relaying] = await untilAllEnded(
    [sender, receiver, ...(relay === undefined ? [] : [relay])],
    withinMs,
  );
  const wallMs = performance.now() - started;
  return { wallMs, sender: sending, receiver: receiving, relay: relaying };
}

function listenAt(port: number): string {
  return `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`;
}
