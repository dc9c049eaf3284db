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
import type { FileContender, FileRun, Task } from "./file-contender.ts";
import { serversAbsence, startWormholeServers, wormholeCode } from "./wormhole-servers.ts";

const RELAY_NAME = "transit.magic-wormhole.io";
const TRANSIT_PORT = 4_001;
const MAILBOX_PORT = 4_000;

export function wormholeWilliam(): FileContender {
  let network: PrivateNetwork | undefined;
  return {
    name: "wormhole-william",
    what: "wormhole-william (Go) through the same servers, in a network without another way",
    absence() {
      if (!hasProgram("wormhole-william")) return "it is not installed";
      return (
        serversAbsence() ??
        (permitsPrivateNetwork()
          ? undefined
          : "it takes its relay only by name, and a namespace for that is not permitted here")
      );
    },
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

async function transfer({ prefix, pid }: PrivateNetwork, task: Task): Promise<FileRun> {
  const servers = await startWormholeServers({
    transit: TRANSIT_PORT,
    mailbox: MAILBOX_PORT,
    prefix,
    pid,
  });
  const program = [...prefix, "env", "-C", task.outputFolder, "wormhole-william"];
  const options = ["--relay-url", `ws://127.0.0.1:${MAILBOX_PORT}/v1`, "--hide-progress"];
  const code = wormholeCode();
  try {
    const before = servers.usage();
    const started = performance.now();
    const sender = startMeasured([...program, "send", ...options, "--code", code, task.path]);
    const receiver = startMeasured([...program, "receive", ...options, code], { input: "y\n" });
    const [sending, receiving] = await Promise.all([sender.ended, receiver.ended]);
    const wallMs = performance.now() - started;
    const relay = usageSince(before, servers.usage());
    return { wallMs, sender: sending, receiver: receiving, relay };
  } finally {
    await servers.stop();
  }
}
