/** Magic Wormhole's transit relay and mailbox server, for every client of that protocol. @module */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, type Usage } from "../measure/measured-process.ts";
import { untilListening } from "../measure/ports.ts";

export interface WormholeServers {
  usage(): Usage;
  stop(): Promise<void>;
}

export interface ServerPlace {
  readonly transit: number;
  readonly mailbox: number;
  /** A program that starts them elsewhere, and a process of the place. */
  readonly prefix?: readonly string[];
  readonly pid?: number;
}

/** Debian's name, and everybody else's. */
const RUNNERS = ["twist3", "twist"];

let plugins: string | undefined;

/** Why the servers cannot be started. */
export function serversAbsence(): string | undefined {
  const runner = RUNNERS.find((name) => hasProgram(name));
  if (runner === undefined) return "twist, which runs its servers, is not installed";
  plugins ??= spawnSync(runner, ["--help"], { encoding: "utf8" }).stdout;
  if (!plugins.includes("transitrelay")) return "its transit relay is not installed";
  return plugins.includes("wormhole-mailbox") ? undefined : "its mailbox server is not installed";
}

export async function startWormholeServers(place: ServerPlace): Promise<WormholeServers> {
  const { transit, mailbox, prefix = [], pid } = place;
  const runner = [...prefix, RUNNERS.find((name) => hasProgram(name)) ?? ""];
  const listen = (port: number): string => `tcp:${port}:interface=127.0.0.1`;
  const store = ["--channel-db", ":memory:"];
  const servers = [
    startMeasured([...runner, "transitrelay", "--port", listen(transit)]),
    startMeasured([...runner, "wormhole-mailbox", "--port", listen(mailbox), ...store]),
  ];
  const stop = async (): Promise<void> => {
    for (const server of servers) server.stop();
    await Promise.allSettled(servers.map(({ ended }) => ended));
  };
  try {
    await Promise.all([untilListening(transit, pid), untilListening(mailbox, pid)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    usage() {
      const usages = servers.map((server) => server.usage());
      return {
        cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
        peakBytes: usages.reduce((sum, { peakBytes }) => sum + peakBytes, 0),
      };
    },
    stop,
  };
}

/** Both sides are told it beforehand: making one up takes a person's time, not a program's. */
export function wormholeCode(): string {
  return `${randomInt(1_000, 100_000)}-benchmark-${randomInt(1_000_000)}`;
}
