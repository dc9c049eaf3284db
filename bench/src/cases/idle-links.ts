/** What clients that are connected and do nothing cost a relay. @module */
import { join } from "node:path";

import { startActor, type Actor } from "../actors/actor.ts";
import type { CrowdSetting } from "../actors/link-crowd.ts";
import type { BenchCase, Figures } from "../bench-case.ts";
import { startPosternRelay } from "../peers/postern-relay.ts";

const LINKS = { quick: 1_000, full: 10_000 };
/** Before the first measure: code that is not loaded yet is no cost of a link. */
const WARM_UP = 200;
const KIB = 1_024;

export const idleLinks: BenchCase = {
  name: "idle-links",
  title: "clients that are connected and idle",
  columns: [
    { key: "linkKib", heading: "relay KiB/link", digits: 1, hasSpread: true },
    { key: "relayMib", heading: "relay MiB in all", digits: 0 },
    { key: "idleCpu", heading: "relay CPU % while idle", digits: 2 },
    { key: "connectS", heading: "connecting, s", digits: 1 },
  ],
  chart: "linkKib",
  isHigherBetter: false,
  runs: { quick: 1, full: 1 },
  async open({ folder, scale }) {
    const links = LINKS[scale];
    return {
      contenders: [
        {
          name: "postern relay",
          what: "memory after all are there, less that before, as the system sees it",
          prepare: async () => {},
          run: async () => await run(folder, links),
        },
      ],
      notes: [`${links} links, 5 s of idleness; memory that is free but not given back is counted`],
    };
  },
};

async function run(folder: string, links: number): Promise<Figures> {
  const relay = await startPosternRelay({ dataDir: join(folder, "relay") });
  try {
    await visit(relay.address);
    const before = relay.residentBytes();
    const crowd = crowdOf(relay.address, links);
    try {
      const { seconds = 0 } = await crowd.ask("connect");
      const usage = relay.watch();
      const { seconds: idleS = 0, open = 0 } = await crowd.ask("idle");
      const after = relay.residentBytes();
      if (open < links) throw new Error(`${open} of ${links} links are still open`);
      return {
        linkKib: (after - before) / links / KIB,
        relayMib: after / KIB ** 2,
        idleCpu: ((usage()?.cpuSeconds ?? 0) / idleS) * 100,
        connectS: seconds,
      };
    } finally {
      await crowd.stop();
    }
  } finally {
    await relay.stop();
  }
}

async function visit(relay: string): Promise<void> {
  const crowd = crowdOf(relay, WARM_UP);
  await crowd.ask("connect");
  await crowd.ask("close");
  await crowd.stop();
}

function crowdOf(relay: string, clients: number): Actor {
  return startActor("link-crowd", { relay, clients } satisfies CrowdSetting);
}
