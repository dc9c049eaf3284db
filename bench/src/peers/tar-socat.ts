/** A folder as one plain stream: tar, and socat through a relay. @module */
import { basename, dirname } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import { listening, stopAll, untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";

/** Arguments, not text, reach the shell. */
const PACK = 'tar c -C "$1" "$2" | socat -b 1048576 -u - "TCP:127.0.0.1:$3"';
const UNPACK = 'socat -b 1048576 -u "TCP-LISTEN:$2,bind=127.0.0.1,reuseaddr" - | tar x -C "$1"';

export const tarSocat: FileContender = {
  name: "tar and socat relay",
  what: "one plain stream through a relay, no encryption",
  absence() {
    if (!hasProgram("socat")) return "socat is not installed";
    return hasProgram("tar") ? undefined : "tar is not installed";
  },
  prepare: async () => {},
  run,
};

async function run({ path, outputFolder, withinMs }: Task): Promise<FileRun> {
  const [relayPort, receiverPort] = [await freePort(), await freePort()].map(String);
  const receiver = startMeasured(["sh", "-c", UNPACK, "sh", outputFolder, receiverPort ?? ""]);
  await listening(receiver, [Number(receiverPort)]);
  const relay = startMeasured([
    "socat",
    "-b",
    "1048576",
    "-u",
    `TCP-LISTEN:${relayPort},bind=127.0.0.1,reuseaddr`,
    `TCP:127.0.0.1:${receiverPort}`,
  ]);
  await listening(relay, [Number(relayPort)]).catch(async (error: unknown) => {
    await stopAll([receiver]);
    throw error;
  });
  const started = performance.now();
  const place = [dirname(path), basename(path), relayPort ?? ""];
  const sender = startMeasured(["sh", "-c", PACK, "sh", ...place]);
  const [sending, receiving, relaying] = await untilAllEnded([sender, receiver, relay], withinMs);
  const wallMs = performance.now() - started;
  return { wallMs, sender: sending, receiver: receiving, relay: relaying };
}
