/** How many clients a second connect to one relay: handshake, login, established link. @module */
import { join } from "node:path";

import { startActor, type Actor } from "../actors/actor.ts";
import type { CrowdSetting } from "../actors/link-crowd.ts";
import type { BenchCase, Figures } from "../bench-case.ts";
import { startPosternRelay } from "../peers/postern-relay.ts";

const CLIENTS = { quick: 300, full: 2_000 };

export const connects: BenchCase = {
  name: "connects",
  title: "clients that connect to one relay",
  columns: [
    { key: "rate", heading: "connects/s", digits: 0, hasSpread: true },
    { key: "firstRate", heading: "with a new name, /s", digits: 0, hasSpread: true },
    { key: "relayMs", heading: "relay CPU ms/connect", digits: 2, hasSpread: true },
    { key: "clientMs", heading: "client CPU ms/connect", digits: 2 },
  ],
  chart: "rate",
  isHigherBetter: true,
  runs: { quick: 2, full: 5 },
  async open({ folder, scale }) {
    const clients = CLIENTS[scale];
    return {
      contenders: [
        {
          name: "postern relay",
          what: "post-quantum handshake, identity proven; all clients are one process",
          prepare: async () => {},
          run: async () => await run(folder, clients),
        },
      ],
      notes: [
        `${clients} clients, 32 at a time; they come twice, the first time with names that are new`,
      ],
    };
  },
};

async function run(folder: string, clients: number): Promise<Figures> {
  const relay = await startPosternRelay({ dataDir: join(folder, "relay") });
  const crowd = crowdOf(relay.address, clients);
  try {
    const first = await crowd.ask("connect");
    await crowd.ask("close");
    const usage = relay.watch();
    const again = await crowd.ask("connect");
    const relayMs = ((usage()?.cpuSeconds ?? 0) * 1_000) / clients;
    return {
      rate: clients / (again["seconds"] ?? 0),
      firstRate: clients / (first["seconds"] ?? 0),
      relayMs,
      clientMs: ((again["cpuSeconds"] ?? 0) * 1_000) / clients,
    };
  } finally {
    await crowd.stop();
    await relay.stop();
  }
}

function crowdOf(relay: string, clients: number): Actor {
  return startActor("link-crowd", { relay, clients } satisfies CrowdSetting);
}
