/**
 * Node.js that seals, copies and opens as Postern does, without its protocol: the floor for any
 * program on Node.js, beside socat's for any program at all.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";

import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import { listening, untilAllEnded } from "../measure/together.ts";
import type { FileContender } from "./file-contender.ts";

const PROGRAM = join(import.meta.dirname, "../actors/bare-node.cjs");

export const bareNode: FileContender = {
  name: "bare Node.js",
  what: "AES-256-GCM records of 1 MiB through a relay, one fixed key, no protocol",
  prepare: async () => {},
  async run({ path, outputFolder, withinMs }) {
    const [port, relayPort] = [await freePort(), await freePort()];
    const receiver = start("receive", port, join(outputFolder, "output"));
    const relay = start("relay", relayPort, port);
    await Promise.all([listening(receiver, [port]), listening(relay, [relayPort])]);
    const started = performance.now();
    const sender = start("send", path, relayPort);
    const [sending, receiving, relaying] = await untilAllEnded([sender, receiver, relay], withinMs);
    const wallMs = performance.now() - started;
    return { wallMs, sender: sending, receiver: receiving, relay: relaying };
  },
};

function start(...args: readonly (string | number)[]): MeasuredProcess {
  return startMeasured([process.execPath, PROGRAM, ...args.map(String)]);
}
