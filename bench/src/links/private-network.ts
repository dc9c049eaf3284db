/**
 * A network of its own without any way out, for a program that cannot be told where its relay is:
 * nothing but loopback, and a hosts file that sends one name there.
 *
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { NotPossible } from "../bench-case.ts";
import { endProgramsWith } from "../measure/endings.ts";

export interface PrivateNetwork {
  /** Starts a program in it. */
  readonly prefix: readonly string[];
  /** A process in it. */
  readonly pid: number;
  close(): void;
}

/** It lasts as long as the process that keeps it. */
const KEEPER = 'ip link set lo up && mount --bind "$1" /etc/hosts && echo ready && exec sleep inf';

/** @throws NotPossible where the system does not permit it. */
export async function openPrivateNetwork(folder: string, name: string): Promise<PrivateNetwork> {
  const hosts = join(folder, "hosts");
  await writeFile(hosts, `127.0.0.1 localhost ${name}\n`);
  const keeper = spawn("unshare", ["-n", "-m", "sh", "-c", KEEPER, "sh", hosts], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  KEEPERS.add(keeper);
  keeper.once("close", () => KEEPERS.delete(keeper));
  const isReady = await Promise.race([
    once(keeper.stdout, "data").then(() => true),
    once(keeper, "close").then(() => false),
    once(keeper, "error").then(() => false),
  ]);
  if (!isReady || keeper.pid === undefined)
    throw new NotPossible("a network namespace is not permitted here");
  return {
    prefix: ["nsenter", "-t", String(keeper.pid), "-n", "-m"],
    pid: keeper.pid,
    close: () => void keeper.kill("SIGKILL"),
  };
}

/** Whether a namespace of both kinds can be had at all. */
export function permitsPrivateNetwork(): boolean {
  return spawnSync("unshare", ["-n", "-m", "ip", "link", "set", "lo", "up"]).status === 0;
}

const KEEPERS = new Set<ChildProcess>();
endProgramsWith(() => {
  for (const keeper of KEEPERS) keeper.kill("SIGKILL");
});
