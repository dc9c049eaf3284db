/**
 * Two networks with a long link between them: every packet waits half of the round trip, and one in
 * a hundred gets lost, in either direction. The kernel does it (`netem`) where it can; where it has
 * no `netem`, a process of ours stands between two tunnel devices.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import { startActor, type Actor } from "../actors/actor.ts";
import type { DelaySetting } from "../actors/packet-delay.ts";
import { NotPossible } from "../bench-case.ts";
import { removePlacesWith } from "../measure/endings.ts";
import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";
import { freeUdpPort } from "../measure/ports.ts";
import { hasProgram } from "../../../tools/programs.ts";

export interface LongLink {
  /** Starts a program at the far end. */
  readonly far: readonly string[];
  /** Starts one at the near end, which has the address {@link LongLink.host}. */
  readonly near: readonly string[];
  readonly host: string;
  /** How the link is made, for the reader of the numbers. */
  readonly what: string;
  close(): Promise<void>;
}

export interface LinkQuality {
  readonly roundTripMs: number;
  readonly lossPercent: number;
  readonly rateMbit: number;
}

const [NEAR, FAR] = ["10.93.0.1", "10.93.0.2"];
/** Packets that may be under way in `netem`: more than the rate and the delay can hold. */
const PACKETS_MAX = 50_000;

/** @throws NotPossible where the system does not permit it. */
export async function openLongLink(quality: LinkQuality): Promise<LongLink> {
  if (!hasProgram("ip") || !hasProgram("nsenter")) throw new NotPossible("ip is not installed");
  const token = randomBytes(2).toString("hex");
  const ends: Ends = { near: `pbn${token}`, far: `pbf${token}` };
  if (!succeeds("ip", "netns", "add", ends.near))
    throw new NotPossible("network namespaces are not permitted here");
  NAMESPACES.add(ends.near).add(ends.far);
  try {
    run("ip", "netns", "add", ends.far);
    for (const end of [ends.near, ends.far]) run("ip", "-n", end, "link", "set", "lo", "up");
    const made = joinByKernel(ends, quality) ?? (await joinByTunnel(ends, quality));
    return { ...made, near: prefix(ends.near), far: prefix(ends.far), host: NEAR ?? "" };
  } catch (error) {
    forget(ends.near, ends.far);
    throw error;
  }
}

interface Ends {
  readonly near: string;
  readonly far: string;
}

type Made = Pick<LongLink, "what" | "close">;

/** `undefined` when the kernel has no `netem`. */
function joinByKernel(
  ends: Ends,
  { roundTripMs, lossPercent, rateMbit }: LinkQuality,
): Made | undefined {
  const { near, far } = ends;
  run("ip", "-n", near, "link", "add", near, "type", "veth", "peer", "name", far, "netns", far);
  const how = [
    "delay",
    `${roundTripMs / 2}ms`,
    "loss",
    `${lossPercent}%`,
    "rate",
    `${rateMbit}mbit`,
  ];
  for (const end of [near, far]) {
    const netem = ["qdisc", "add", "dev", end, "root", "netem", ...how, "limit", `${PACKETS_MAX}`];
    if (!succeeds("tc", "-n", end, ...netem)) {
      run("ip", "-n", near, "link", "del", near);
      return undefined;
    }
  }
  address(ends);
  return { what: "the kernel's netem", close: async () => forget(near, far) };
}

async function joinByTunnel(ends: Ends, quality: LinkQuality): Promise<Made> {
  if (!hasProgram("socat"))
    throw new NotPossible("the kernel has no netem, and socat for a tunnel is not installed");
  const { roundTripMs, lossPercent, rateMbit } = quality;
  const ports = [
    await freeUdpPort(),
    await freeUdpPort(),
    await freeUdpPort(),
    await freeUdpPort(),
  ];
  const [nearHere = 0, nearTunnel = 0, farHere = 0, farTunnel = 0] = ports;
  const delay = startActor("packet-delay", {
    delayMs: roundTripMs / 2,
    lossPercent,
    rateMbit,
    ends: [
      { here: nearHere, tunnel: nearTunnel },
      { here: farHere, tunnel: farTunnel },
    ],
  } satisfies DelaySetting);
  const tunnels: MeasuredProcess[] = [];
  const close = async (): Promise<void> => await closeTunnel(ends, delay, tunnels);
  try {
    await delay.ask("open");
    tunnels.push(startTunnel(ends.near, nearTunnel, nearHere));
    tunnels.push(startTunnel(ends.far, farTunnel, farHere));
    for (const end of [ends.near, ends.far]) await moveDevice(end);
    address(ends);
  } catch (error) {
    await close();
    throw new NotPossible(error instanceof Error ? error.message : "no tunnel device");
  }
  return { what: "two tunnel devices and a process of ours, for want of netem", close };
}

/** The device is named after the namespace that it will be moved into. */
function startTunnel(device: string, own: number, peer: number): MeasuredProcess {
  return startMeasured([
    "socat",
    `TUN,tun-name=${device},iff-no-pi`,
    `UDP4:127.0.0.1:${peer},bind=127.0.0.1:${own},rcvbuf=4194304,sndbuf=4194304`,
  ]);
}

const DEVICE_MS = 2_000;

async function moveDevice(device: string): Promise<void> {
  const giveUp = performance.now() + DEVICE_MS;
  while (!succeeds("ip", "link", "set", device, "netns", device)) {
    if (performance.now() > giveUp) throw new Error("a tunnel device is not permitted here");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function closeTunnel(ends: Ends, delay: Actor, tunnels: MeasuredProcess[]): Promise<void> {
  for (const tunnel of tunnels) tunnel.stop();
  await Promise.allSettled(tunnels.map(({ ended }) => ended));
  await delay.stop();
  forget(ends.near, ends.far);
}

function address({ near, far }: Ends): void {
  for (const [end, own] of [
    [near, NEAR],
    [far, FAR],
  ] as const) {
    run("ip", "-n", end, "addr", "add", `${own}/24`, "dev", end);
    run("ip", "-n", end, "link", "set", end, "up");
  }
}

/** Faster than `ip netns exec`, which mounts file systems too. */
function prefix(namespace: string): readonly string[] {
  return ["nsenter", `--net=/run/netns/${namespace}`];
}

export function congestionControl(): string {
  return readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new NotPossible(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}

function succeeds(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

/** Namespaces outlive processes. */
const NAMESPACES = new Set<string>();
removePlacesWith(() => forget(...NAMESPACES));

function forget(...names: readonly string[]): void {
  for (const name of names) if (NAMESPACES.delete(name)) spawnSync("ip", ["netns", "del", name]);
}
