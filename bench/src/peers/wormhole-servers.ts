/** Magic Wormhole's transit relay and mailbox server, for every client of that protocol. @module */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, type Usage } from "../measure/measured-process.ts";
import { listening, stopAll } from "../measure/together.ts";

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

/** For telling its plugins: a program of this name may be another one. */
const PLUGINS_MS = 20_000;

let plugins: string | undefined;

/** Why the servers cannot be started. */
export function serversAbsence(): string | undefined {
  const runner = RUNNERS.find((name) => hasProgram(name));
  if (runner === undefined) return "twist, which runs its servers, is not installed";
  plugins ??= pluginsOf(runner);
  if (!plugins.includes("transitrelay")) return "its transit relay is not installed";
  return plugins.includes("wormhole-mailbox") ? undefined : "its mailbox server is not installed";
}

function pluginsOf(runner: string): string {
  const options = { encoding: "utf8", timeout: PLUGINS_MS, killSignal: "SIGKILL" } as const;
  const { error, stdout } = spawnSync(runner, ["--help"], options);
  return error === undefined ? stdout : "";
}

export async function startWormholeServers(place: ServerPlace): Promise<WormholeServers> {
  const { transit, mailbox, prefix = [], pid } = place;
  const runner = [...prefix, RUNNERS.find((name) => hasProgram(name)) ?? ""];
  const listen = (port: number): string => `tcp:${port}:interface=127.0.0.1`;
  const store = ["--channel-db", ":memory:"];
  const relay = startMeasured([...runner, "transitrelay", "--port", listen(transit)]);
  const mail = startMeasured([...runner, "wormhole-mailbox", "--port", listen(mailbox), ...store]);
  const servers = [relay, mail];
  const stop = async (): Promise<void> => await stopAll(servers);
  try {
    await Promise.all([listening(relay, [transit], pid), listening(mail, [mailbox], pid)]);
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
