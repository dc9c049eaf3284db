/**
 * wormhole-william through a transit relay and a mailbox server of our own. It always listens, and
 * its transit relay cannot be chosen: both sides run in a network with nothing but loopback, which
 * they do not offer each other, and where the name of the public relay means ours.
 *
 * @module
 */
import { hasProgram } from "../../../tools/programs.ts";
import {
  openPrivateNetwork,
  permitsPrivateNetwork,
  type PrivateNetwork,
} from "../links/private-network.ts";
import { startMeasured, usageSince } from "../measure/measured-process.ts";
import { untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";
import type { TextContender } from "./text-contender.ts";
import {
  serversAbsence,
  startWormholeServers,
  wormholeCode,
  type WormholeServers,
} from "./wormhole-servers.ts";

const RELAY_NAME = "transit.magic-wormhole.io";
const TRANSIT_PORT = 4_001;
const MAILBOX_PORT = 4_000;
const OPTIONS = ["--relay-url", `ws://127.0.0.1:${MAILBOX_PORT}/v1`, "--hide-progress"];

const COMMON = { name: "wormhole-william", absence };

export function wormholeWilliam(): FileContender {
  let network: PrivateNetwork | undefined;
  return {
    ...COMMON,
    what: "wormhole-william (Go) through the same servers, in a network without another way",
    async prepare(folder) {
      network = await openPrivateNetwork(folder, RELAY_NAME);
    },
    async run(task) {
      if (network === undefined) throw new Error("not prepared");
      return await transfer(network, task);
    },
    async close() {
      network?.close();
    },
  };
}

export function wormholeWilliamText(): TextContender {
  let network: PrivateNetwork | undefined;
  let servers: WormholeServers | undefined;
  let code = "";
  const program = (): string[] => [...(network?.prefix ?? []), "wormhole-william"];
  return {
    ...COMMON,
    what: "wormhole-william (Go), send --text",
    async prepare(folder) {
      network = await openPrivateNetwork(folder, RELAY_NAME);
      servers = await openServers(network);
    },
    receive() {
      code = wormholeCode();
      return startMeasured([...program(), "receive", ...OPTIONS, code]);
    },
    send: () => startMeasured([...program(), "send", ...OPTIONS, "--code", code, "--text", "hi"]),
    async close() {
      await servers?.stop();
      network?.close();
    },
  };
}

function absence(): string | undefined {
  if (!hasProgram("wormhole-william")) return "it is not installed";
  const missing = serversAbsence();
  if (missing !== undefined || permitsPrivateNetwork()) return missing;
  return "it takes its relay only by name, and a namespace for that is not permitted here";
}

async function openServers({ prefix, pid }: PrivateNetwork): Promise<WormholeServers> {
  const ports = { transit: TRANSIT_PORT, mailbox: MAILBOX_PORT };
  return await startWormholeServers({ ...ports, prefix, pid });
}

async function transfer(network: PrivateNetwork, task: Task): Promise<FileRun> {
  const servers = await openServers(network);
  const program = [...network.prefix, "env", "-C", task.outputFolder, "wormhole-william"];
  const code = wormholeCode();
  try {
    const before = servers.usage();
    const started = performance.now();
    const sender = startMeasured([...program, "send", ...OPTIONS, "--code", code, task.path]);
    const receiver = startMeasured([...program, "receive", ...OPTIONS, code], { input: "y\n" });
    const [sending, receiving] = await untilAllEnded([sender, receiver], task.withinMs);
    const wallMs = performance.now() - started;
    const relay = usageSince(before, servers.usage());
    return { wallMs, sender: sending, receiver: receiving, relay };
  } finally {
    await servers.stop();
  }
}
