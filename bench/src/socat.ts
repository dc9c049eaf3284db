/**
 * Plain TCP through a relay written in C: no encryption, no protocol. The floor of what copying a
 * file twice over sockets costs on this machine.
 *
 * @module
 */
import { join } from "node:path";

import { hasProgram } from "../../tools/programs.ts";
import type { Contender, Run, Task } from "./contender.ts";
import { startMeasured } from "./measured-process.ts";
import { freePort, untilListening } from "./ports.ts";

const COPY = ["-b", "1048576", "-u"];

export const socat: Contender = {
  name: "socat",
  what: "plain TCP, 1 MiB blocks, no encryption",
  absence: () => (hasProgram("socat") ? undefined : "socat is not installed"),
  prepare: async () => {},
  run,
};

async function run({ file, outputFolder }: Task): Promise<Run> {
  const [relayPort, receiverPort] = [await freePort(), await freePort()];
  const output = join(outputFolder, "output");
  const receiver = startMeasured("socat", [
    ...COPY,
    `TCP-LISTEN:${receiverPort},bind=127.0.0.1,reuseaddr`,
    `OPEN:${output},creat,trunc`,
  ]);
  const relay = startMeasured("socat", [
    ...COPY,
    `TCP-LISTEN:${relayPort},bind=127.0.0.1,reuseaddr`,
    `TCP:127.0.0.1:${receiverPort}`,
  ]);
  await Promise.all([untilListening(relayPort), untilListening(receiverPort)]);
  const started = performance.now();
  const sender = startMeasured("socat", [...COPY, `OPEN:${file}`, `TCP:127.0.0.1:${relayPort}`]);
  const [sending, receiving] = await Promise.all([sender.ended, receiver.ended]);
  const wallMs = performance.now() - started;
  return {
    wallMs,
    transferMs: undefined,
    sender: sending,
    relay: await relay.ended,
    receiver: receiving,
  };
}
